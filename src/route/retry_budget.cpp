#include "route/retry_budget.hpp"

#include <algorithm>

namespace gantry::route {
namespace {

constexpr std::int64_t kOne = 1000;

}  // namespace

RetryBudget::RetryBudget(std::size_t shards, MonoTime start, RetryBudgetLimits limits)
    : start_(start),
      by_call_(static_cast<std::int64_t>(limits.of_calls * kOne)),
      by_ms_(static_cast<std::int64_t>(limits.per_second * kOne / 1000)),
      most_saved_(by_ms_ * std::chrono::duration_cast<std::chrono::milliseconds>(limits.saved).count()),
      shards_(shards),
      calls_(std::make_unique<Calls[]>(shards)),
      gone_(-most_saved_) {}

std::int64_t RetryBudget::earned(MonoTime now) const {
  std::uint64_t calls = 0;
  for (std::size_t i = 0; i < shards_; ++i) calls += calls_[i].count.load(std::memory_order_relaxed);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - start_).count();
  return static_cast<std::int64_t>(calls) * by_call_ + ms * by_ms_;
}

bool RetryBudget::take(MonoTime now) {
  const std::int64_t earned = this->earned(now);
  std::int64_t gone = gone_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t after = std::max(gone, earned - most_saved_) + kOne;
    if (after > earned) return false;
    if (gone_.compare_exchange_weak(gone, after, std::memory_order_relaxed)) return true;
  }
}

std::int64_t RetryBudget::left(MonoTime now) const {
  const std::int64_t saved = earned(now) - gone_.load(std::memory_order_relaxed);
  return std::clamp<std::int64_t>(saved, 0, most_saved_) / kOne;
}

}  // namespace gantry::route
