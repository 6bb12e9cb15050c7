#include "sim/free_limit.hpp"

namespace gantry::sim {

bool FreeLimit::take(WallTime now) {
  if (most_ == 0) return true;
  const auto minute = std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
  const std::lock_guard lock(mutex_);
  if (minute != minute_) minute_ = minute, used_ = 0;
  if (used_ >= most_) return false;
  ++used_;
  return true;
}

void FreeLimit::clear() {
  const std::lock_guard lock(mutex_);
  used_ = 0;
}

}  // namespace gantry::sim
