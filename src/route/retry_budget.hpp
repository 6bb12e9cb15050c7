#pragma once
// How many repetitions the whole process may make (DESIGN §4, Retries): 20 % of its calls and 10 a second,
// so that a failing upstream is not asked several times as much as a healthy one. Pure: time is an
// argument.
//
// What counts. A repetition asks a model that this call has asked before. The first attempt on each model
// of a chain is free: there are only as many as models, breakers end them, and without them a call would
// not get the answer that DESIGN §4 promises.
//
// What calls and time have earned and nobody took is saved up to ten seconds' worth of the fixed part.
// Calls are counted by shard, each in a cache line of its own; taking is one compare and exchange on one
// number.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/time.hpp"

namespace gantry::route {

struct RetryBudgetLimits {
  double of_calls = 0.2;
  double per_second = 10;
  Duration saved = std::chrono::seconds{10};
};

class RetryBudget {
 public:
  RetryBudget(std::size_t shards, MonoTime start, RetryBudgetLimits limits = {});
  RetryBudget(const RetryBudget&) = delete;

  /// On the shard's own thread.
  void call_began(std::size_t shard) {
    auto& calls = calls_[shard].count;
    calls.store(calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// May one more repetition be made? Takes it when so. Any thread.
  [[nodiscard]] bool take(MonoTime now);
  /// Repetitions that are left now, for operators. Any thread.
  [[nodiscard]] std::int64_t left(MonoTime now) const;

 private:
  struct alignas(64) Calls {
    std::atomic<std::uint64_t> count{0};
  };
  // Thousandths of a repetition since the start.
  [[nodiscard]] std::int64_t earned(MonoTime now) const;

  const MonoTime start_;
  const std::int64_t by_call_, by_ms_, most_saved_;
  const std::size_t shards_;
  const std::unique_ptr<Calls[]> calls_;
  // What was earned and is gone: taken, or lost because no more is saved. Never ahead of earned().
  std::atomic<std::int64_t> gone_;
};

}  // namespace gantry::route
