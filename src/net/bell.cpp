#include "net/bell.hpp"

#include <utility>

namespace gantry::net {

void Bell::ring() {
  asleep_.store(false, std::memory_order_relaxed);  // one wake is enough
  {
    const std::lock_guard lock(mutex_);
    rung_ = true;
  }
  rung_changed_.notify_one();
}

bool Bell::rest(Duration most) {
  std::unique_lock lock(mutex_);
  rung_changed_.wait_for(lock, most, [this] { return rung_; });
  return std::exchange(rung_, false);
}

void Bell::wait() {
  std::unique_lock lock(mutex_);
  rung_changed_.wait(lock, [this] { return rung_; });
  rung_ = false;
}

}  // namespace gantry::net
