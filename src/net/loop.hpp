#pragma once
// One thread's event loop: an epoll set (hidden), a timer wheel, the time, and the tasks it runs.
// Everything that lives on a loop is used only from its thread; `post` is the one door from outside.

#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>

#include "base/task.hpp"
#include "base/time.hpp"
#include "net/timer_wheel.hpp"

namespace gantry::net {

class Loop {
 public:
  /// `time` outlives the loop. With a ManualTime behind it, whoever advances time must post(advance_timers)
  /// after.
  explicit Loop(const TimeSource& time);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). Call it from the loop's own thread. After it returns, run_until_idle() may finish
  /// what is left.
  void run();
  void stop();  ///< thread-safe
  /// Runs what is ready now, without waiting; for tests and for the last moments of a shutdown.
  void poll();

  /// Thread-safe: runs `work` on the loop's thread, in order of posting.
  void post(std::move_only_function<void()> work);

  /// Starts a task that nobody awaits; the loop owns its frame until it ends. The only `spawn` of the
  /// project: what is spawned must itself end when it is told to (a closed socket, a cancelled call).
  void spawn(Task<void> task);
  [[nodiscard]] std::size_t running_tasks() const;
  /// Destroys what could not be brought to its end; for the last moment of a shutdown, while all that those
  /// tasks refer to still lives.
  void drop_tasks();

  /// The time of this turn of the loop: the machine's clock is read once a turn.
  [[nodiscard]] MonoTime now() const;
  [[nodiscard]] const TimeSource& time() const { return time_; }
  [[nodiscard]] TimerWheel& timers() { return wheel_; }
  /// Sets a timer; the loop wakes for it.
  void set_timer(Timer& timer, MonoTime due, Timer::Action action, void* context) {
    wheel_.set(timer, due, action, context);
  }
  /// Gives memory that lies idle back to the system: spare frames and blocks of this thread, and what the
  /// allocator keeps. It takes milliseconds: for a time of rest after a busy one.
  void give_back_memory();
  /// Runs due timers now; what a test's clock calls after moving time.
  void advance_timers();

  /// `co_await loop.sleep_until(t)`.
  struct SleepAwaiter {
    Loop& loop;
    MonoTime until;
    Timer timer{};
    std::coroutine_handle<> waiter{};
    bool await_ready() const { return until <= loop.now(); }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const {}
  };
  SleepAwaiter sleep_until(MonoTime until) { return SleepAwaiter{*this, until}; }
  SleepAwaiter sleep_for(Duration d) { return SleepAwaiter{*this, now() + d}; }

  /// The kernel's side, complete only in src/net/*.cpp (io.hpp).
  struct Io;
  Io& io() { return *io_; }

 private:
  const TimeSource& time_;
  TimerWheel wheel_;
  std::unique_ptr<Io> io_;
};

/// One coroutine waits, somebody notifies; a notification that comes first is kept. One loop, one waiter.
class Signal {
 public:
  void notify();
  [[nodiscard]] bool notified() const { return notified_; }
  void reset() { notified_ = false; }
  struct Awaiter {
    Signal& signal;
    bool await_ready() const { return signal.notified_; }
    void await_suspend(std::coroutine_handle<> handle) { signal.waiter_ = handle; }
    void await_resume() const { signal.notified_ = false; }
  };
  Awaiter operator co_await() { return Awaiter{*this}; }

 private:
  bool notified_ = false;
  std::coroutine_handle<> waiter_{};
};

}  // namespace gantry::net
