#include "route/retry_budget.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <thread>
#include <vector>

namespace gantry::route {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const MonoTime kStart{seconds{50}};

int take_all(RetryBudget& budget, MonoTime now) {
  int taken = 0;
  while (budget.take(now)) ++taken;
  return taken;
}

TEST(RetryBudget, begins_with_ten_seconds_worth) {
  RetryBudget budget(1, kStart);
  EXPECT_EQ(budget.left(kStart), 100);
  EXPECT_EQ(take_all(budget, kStart), 100);
  EXPECT_EQ(budget.left(kStart), 0);
}

TEST(RetryBudget, earns_ten_a_second_and_one_for_five_calls) {
  RetryBudget budget(2, kStart);
  take_all(budget, kStart);
  EXPECT_EQ(take_all(budget, kStart + milliseconds{99}), 0);
  EXPECT_EQ(take_all(budget, kStart + seconds{1}), 10);
  for (std::size_t i = 0; i < 50; ++i) budget.call_began(i % 2);
  EXPECT_EQ(take_all(budget, kStart + seconds{1}), 10);
}

TEST(RetryBudget, saves_no_more_than_ten_seconds_worth) {
  RetryBudget budget(1, kStart);
  take_all(budget, kStart);
  for (int i = 0; i < 100'000; ++i) budget.call_began(0);
  EXPECT_EQ(budget.left(kStart + hours{1}), 100);
  EXPECT_EQ(take_all(budget, kStart + hours{1}), 100);
}

TEST(RetryBudget, may_be_none) {
  RetryBudget budget(1, kStart, {.of_calls = 0, .per_second = 0});
  EXPECT_FALSE(budget.take(kStart + hours{1}));
}

TEST(RetryBudgetProperty, never_more_than_its_share_of_calls_and_time) {
  EXPECT_TRUE(rc::check([] {
    RetryBudget budget(3, kStart);
    MonoTime now = kStart;
    int calls = 0, taken = 0;
    for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 3000))) {
      now += milliseconds{step / 3};
      for (int i = 0; i < step % 7; ++i) budget.call_began(static_cast<std::size_t>(i % 3)), ++calls;
      for (int i = 0; i < step % 50; ++i) taken += budget.take(now);
      const double elapsed = std::chrono::duration<double>(now - kStart).count();
      RC_ASSERT(taken <= 0.2 * calls + 10 * elapsed + 100);
    }
  }));
}

TEST(RetryBudgetThreads, none_is_given_twice) {
  constexpr std::size_t kThreads = 4, kCalls = 5000;
  RetryBudget budget(kThreads, kStart);
  take_all(budget, kStart);
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t shard = 0; shard < kThreads; ++shard)
      threads.emplace_back([&, shard] {
        for (std::size_t i = 0; i < kCalls; ++i) {
          budget.call_began(shard);
          if (budget.take(kStart)) ++taken;
        }
      });
  }
  taken += take_all(budget, kStart);
  EXPECT_LE(taken, static_cast<int>(kThreads * kCalls / 5));
  EXPECT_GE(taken, static_cast<int>(kThreads * kCalls / 5) - 100) << "what was lost was not saved";
}

}  // namespace
}  // namespace gantry::route
