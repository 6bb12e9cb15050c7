#pragma once
// What an account may ask of `:free` models (CONTRACT §7.1). Time is handed in.

#include <cstdint>
#include <mutex>

#include "base/time.hpp"

namespace gantry::sim {

inline constexpr std::int64_t kFreeCallsAMinute = 20;
inline constexpr std::int64_t kFreeCallsADay = 1000;  ///< of an account that has bought 10 credits

/// Counts in UTC minutes, for all models and keys together: more keys do not add capacity. Thread-safe.
class FreeLimit {
 public:
  explicit FreeLimit(std::int64_t calls_a_minute) : most_(calls_a_minute) {}

  /// False when this minute's calls are used up; such a call does not count.
  [[nodiscard]] bool take(WallTime now);
  [[nodiscard]] std::int64_t calls_a_minute() const { return most_; }
  void clear();

 private:
  std::mutex mutex_;
  std::int64_t most_;  // 0 = no limit
  std::int64_t minute_ = 0;
  std::int64_t used_ = 0;
};

}  // namespace gantry::sim
