#pragma once
// Time is handed in. Wall time (dates, logs, budgets) and monotonic time (deadlines) are separate types, so
// that one can never be compared with the other, and neither can be read without a TimeSource.

#include <chrono>

namespace gantry {

using Duration = std::chrono::nanoseconds;

/// The monotonic time line. It has no `now()` on purpose: ask a TimeSource.
struct MonoClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock>;
  static constexpr bool is_steady = true;
};

/// A moment on the monotonic time line; its origin means nothing.
using MonoTime = MonoClock::time_point;
/// A moment in UTC with nanoseconds since 1970-01-01.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// A deadline that never passes.
inline constexpr MonoTime kNever = MonoTime::max();

/// Where time comes from. Implementations are safe to call from any thread.
class TimeSource {
 public:
  virtual ~TimeSource() = default;
  virtual MonoTime mono() const = 0;
  virtual WallTime wall() const = 0;
};

/// The machine's own clocks (CLOCK_MONOTONIC, CLOCK_REALTIME).
class SystemTime final : public TimeSource {
 public:
  MonoTime mono() const override;
  WallTime wall() const override;
};

/// Time that moves only when told; for tests and for the test control socket. Not thread-safe to advance.
class ManualTime final : public TimeSource {
 public:
  explicit ManualTime(WallTime wall = WallTime{std::chrono::seconds{1'790'000'000}},
                      MonoTime mono = MonoTime{})
      : wall_(wall), mono_(mono) {}
  MonoTime mono() const override { return mono_; }
  WallTime wall() const override { return wall_; }
  void advance(Duration by) { wall_ += by, mono_ += by; }
  void step_wall(Duration by) { wall_ += by; }  ///< a clock correction: monotonic time does not move

 private:
  WallTime wall_;
  MonoTime mono_;
};

/// Whole seconds since 1970, as OpenRouter's `created` has it.
inline long long unix_seconds(WallTime t) {
  return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

/// The earlier of a deadline and `now + limit`; a limit of zero or less means none.
inline MonoTime earlier(MonoTime deadline, MonoTime now, Duration limit) {
  if (limit <= Duration::zero() || kNever - now <= limit) return deadline;
  return deadline < now + limit ? deadline : now + limit;
}

}  // namespace gantry
