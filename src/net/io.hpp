#pragma once
// The kernel's side of a loop: one epoll set, edge-triggered. Included by src/net/*.cpp only.
// docs/decisions/0003 says why this is not Asio's reactor.

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "net/loop.hpp"

namespace gantry::net {

/// A descriptor in the epoll set, from its creation to its close. Edge-triggered: the flags remember what the
/// kernel has announced and nobody has used up, so that a read that would only find nothing is never tried.
class Watched {
 public:
  Watched(Loop& owner, int descriptor);
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  virtual ~Watched();

  /// Something became possible: look at the flags.
  virtual void on_event() = 0;
  /// The loop's answer to `wake_soon()`.
  virtual void on_wake() = 0;
  /// on_wake() runs soon on the loop, not within the caller; asked for twice, it runs once.
  void wake_soon();
  void close_descriptor();
  /// Deletes this as soon as nothing of the loop refers to it any more; its descriptor is closed now.
  void retire();

  Loop& loop;
  int fd;
  bool readable = false;  ///< the first event says what is there from the start
  bool writable = true;
  bool hung = false;     ///< the peer will send no more: `readable` stays set, so that its end is read
  bool retired = false;  ///< its owner is gone: events and wakes pass it by
 private:
  friend struct Loop::Io;
  bool wake_queued_ = false;
};

struct Loop::Io {
  explicit Io(const TimeSource& time);
  ~Io();

  /// One turn: events, due timers, posted work, wakes, in this order. False when there was nothing to do.
  enum class Patience { none, until_next_timer };
  bool turn(Loop& loop, Patience patience);
  void wake_from_outside();

  int epoll_fd;
  int wake_fd;  // an eventfd: how other threads end a wait
  std::atomic<bool> stopped{false};
  std::atomic<bool> wake_sent{false};
  std::atomic<std::thread::id> runner{};

  std::mutex mutex;  // guards posted, which other threads fill
  std::vector<std::move_only_function<void()>> posted;

  std::vector<Watched*> wakes;
  std::vector<std::coroutine_handle<>> resumes;
  // What is retired in one turn may still be named by that turn's events and the next one's wakes.
  std::vector<Watched*> retired_now, retired_before;

  const bool keeps_time;  // the machine's clock is read once a turn; a clock moved by hand, each time
  MonoTime now{};
  std::unordered_set<void*> tasks;  // frames of spawned tasks that have not ended

 private:
  int wait(Loop& loop, Patience patience, void* events, int capacity);
  bool run_posted();
  bool run_wakes();
  void free_retired();
};

/// Resumes a coroutine on its loop after the current handler: resuming it directly could re-enter code that
/// is not ready.
void resume_soon(Loop& loop, std::coroutine_handle<> handle);

}  // namespace gantry::net
