#pragma once
// Deadlines of one loop: a hierarchical wheel of 10 ms ticks (DESIGN §7). Pure: the loop tells it the time.
// Setting, moving and forgetting a deadline are O(1); moving one later costs a store, because an entry that
// comes up early is simply put back.

#include <array>
#include <cstdint>

#include "base/time.hpp"

namespace gantry::net {

class TimerWheel;

/// One deadline with what to do when it passes. Lives inside its owner; destroying it disarms it. Not
/// copyable, not movable (the wheel links to it). Used only on its loop's thread.
class Timer {
 public:
  using Action = void (*)(void* context);
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { unlink(); }

  [[nodiscard]] MonoTime due() const { return due_; }

 private:
  friend class TimerWheel;
  void unlink();

  Timer* prev_ = nullptr;
  Timer* next_ = nullptr;
  MonoTime due_ = kNever;
  std::int64_t tick_ = 0;  // the tick whose slot holds it; not later than the tick of due_
  Action action_ = nullptr;
  void* context_ = nullptr;
  TimerWheel* wheel_ = nullptr;
};

class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds{10};

  explicit TimerWheel(MonoTime now);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Arms or moves `timer`: `action(context)` runs once, in the first advance() whose `now` ≥ due. kNever
  /// disarms.
  void set(Timer& timer, MonoTime due, Timer::Action action, void* context);
  void clear(Timer& timer) { timer.due_ = kNever; }
  /// Takes the timer out altogether; for owners that must not be linked any more.
  static void remove(Timer& timer) { timer.unlink(); }

  /// Runs every action that is due, in order of their ticks. Actions may set and clear timers, and destroy
  /// their own.
  void advance(MonoTime now);

  /// When advance() next has something to look at; kNever while empty. May be early, never late by more than
  /// a tick.
  [[nodiscard]] MonoTime next_wake() const;
  [[nodiscard]] bool empty() const { return count_ == 0; }

 private:
  friend class Timer;
  static constexpr int kLevels = 4;
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;  // 640 ms, 41 s, 44 min, 46 h; later ones wait in the last level

  void link(Timer& timer, std::int64_t tick);
  void cascade(int level);
  void run_slot(int slot, MonoTime now);
  void run_list(Timer& head, MonoTime now);
  void append(Timer& head, Timer& timer);
  static void take_list(Timer& head, Timer& into);
  [[nodiscard]] std::int64_t tick_of(MonoTime t) const;

  MonoTime origin_;
  std::int64_t current_ = 0;  // every tick ≤ current_ has been run
  std::int64_t count_ = 0;
  std::array<std::array<Timer, kSlots>, kLevels> slots_;  // list heads
  Timer
      near_;  // head of those due within the tick that current_ already counts: looked at by every advance()
  std::array<std::uint64_t, kLevels>
      occupied_{};  // a hint: a set bit may be an empty slot, never the reverse
};

}  // namespace gantry::net
