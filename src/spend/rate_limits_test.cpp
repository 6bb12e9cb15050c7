// Also run under ThreadSanitizer.
#include "spend/rate_limits.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <deque>
#include <thread>
#include <vector>

namespace gantry::spend {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr MonoTime kStart{seconds{1000}};

std::int64_t admitted(RateState& state, const RateLimits& limits, std::int64_t tokens, MonoTime now) {
  std::int64_t count = 0;
  while (state.admit(limits, tokens, now)) ++count;
  return count;
}

TEST(RateLimits, without_limits_everything_is_admitted) {
  RateState state;
  std::vector<Admission> running;
  for (int i = 0; i < 1000; ++i) running.push_back(state.admit({}, 1'000'000, kStart).value());
  EXPECT_EQ(state.running(), 1000);
  running.clear();
  EXPECT_EQ(state.running(), 0);
}

TEST(RateLimits, a_minutes_allowance_at_once_and_then_at_its_rate) {
  for (const std::int64_t limit : {1, 7, 60, 999, 30'000}) {
    RateState state;
    EXPECT_EQ(admitted(state, {.requests = limit}, 0, kStart), limit);
    EXPECT_EQ(admitted(state, {.requests = limit}, 0, kStart + minutes{10}), limit) << "no more is saved up";
    const auto refusal = state.admit({.requests = limit}, 0, kStart + minutes{10});
    ASSERT_FALSE(refusal.has_value());
    EXPECT_EQ(refusal.error().limit, RateLimit::requests);
    const MonoTime then = kStart + minutes{10} + refusal.error().retry_after;
    EXPECT_FALSE(state.admit({.requests = limit}, 0, then - Duration{1}).has_value()) << limit;
    EXPECT_TRUE(state.admit({.requests = limit}, 0, then).has_value()) << limit;
  }
}

TEST(RateLimits, tokens_are_corrected_after_the_call) {
  RateState state;
  const RateLimits limits{.tokens = 1000};
  auto call = state.admit(limits, 1000, kStart);
  EXPECT_FALSE(state.admit(limits, 1, kStart).has_value());
  call->correct(400, kStart + seconds{1});
  EXPECT_TRUE(state.admit(limits, 600, kStart + seconds{1}).has_value());
  call->correct(1000, kStart + seconds{1});
  const auto refusal = state.admit(limits, 1000, kStart + seconds{1});
  ASSERT_FALSE(refusal.has_value());
  EXPECT_EQ(refusal.error().limit, RateLimit::tokens);
  EXPECT_EQ(refusal.error().retry_after, seconds{60 + 36 - 1}) << "1600 of 1000 tokens, one second gone";
}

TEST(RateLimits, a_call_larger_than_a_minute_waits_until_all_has_drained) {
  RateState state;
  const RateLimits limits{.tokens = 1000};
  ASSERT_TRUE(state.admit(limits, 500, kStart).has_value());
  const auto refusal = state.admit(limits, 5000, kStart);
  ASSERT_FALSE(refusal.has_value());
  EXPECT_EQ(refusal.error().retry_after, seconds{30});
  EXPECT_TRUE(state.admit(limits, 5000, kStart + seconds{30}).has_value());
  EXPECT_EQ(state.admit(limits, 1000, kStart + seconds{30}).error().retry_after, minutes{5});
}

TEST(RateLimits, so_many_at_a_time_and_a_place_is_free_when_a_call_ends) {
  RateState state;
  const RateLimits limits{.concurrent = 2};
  auto one = state.admit(limits, 0, kStart);
  auto two = state.admit(limits, 0, kStart);
  const auto three = state.admit(limits, 0, kStart);
  ASSERT_FALSE(three.has_value());
  EXPECT_EQ(three.error().limit, RateLimit::concurrency);
  EXPECT_GT(three.error().retry_after, Duration{});
  Admission moved = std::move(*one);
  EXPECT_EQ(state.running(), 2);
  moved = std::move(*two);
  EXPECT_EQ(state.running(), 1);
  EXPECT_TRUE(state.admit(limits, 0, kStart).has_value());
}

TEST(RateLimits, a_refused_call_takes_nothing_of_the_other_limits) {
  RateState state;
  const RateLimits limits{.requests = 10, .tokens = 1000, .concurrent = 3};
  ASSERT_TRUE(state.admit(limits, 1000, kStart).has_value());
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(state.admit(limits, 1, kStart).has_value());
  EXPECT_EQ(state.running(), 0);
  EXPECT_EQ(admitted(state, {.requests = 10}, 0, kStart), 9);
}

TEST(RateLimits, the_limit_to_wait_for_longest_is_told) {
  RateState state;
  const RateLimits limits{.requests = 1, .tokens = 1000, .concurrent = 1};
  const auto call = state.admit(limits, 3000, kStart);
  const auto refusal = state.admit(limits, 1, kStart);
  ASSERT_FALSE(refusal.has_value());
  EXPECT_EQ(refusal.error().limit, RateLimit::tokens);
  EXPECT_EQ(name(refusal.error().limit), "tokens");
}

TEST(RateLimits, a_limit_of_zero_admits_nothing) {
  for (const RateLimits& limits :
       {RateLimits{.requests = 0}, RateLimits{.tokens = 0}, RateLimits{.concurrent = 0}}) {
    RateState state;
    const auto refusal = state.admit(limits, 0, kStart);
    ASSERT_FALSE(refusal.has_value());
    EXPECT_GT(refusal.error().retry_after, Duration{});
  }
}

TEST(RateLimits, absurd_estimates_do_not_lock_a_key_out_once_they_are_corrected) {
  RateState state;
  const RateLimits limits{.tokens = 1};
  auto call = state.admit(limits, std::numeric_limits<std::int64_t>::max(), kStart);
  ASSERT_TRUE(call.has_value());
  call->correct(0, kStart);
  EXPECT_TRUE(state.admit(limits, 1, kStart).has_value());
}

TEST(RateLimits, in_any_minute_at_most_twice_the_allowance_and_a_wait_that_is_told_suffices) {
  EXPECT_TRUE(rc::check([] {
    RateState state;
    const RateLimits limits{.requests = *rc::gen::inRange(1, 50), .tokens = *rc::gen::inRange(1, 5000)};
    MonoTime now = kStart;
    std::deque<std::pair<MonoTime, std::int64_t>> last;
    for (int i = 0; i < 100; ++i) {
      now += std::chrono::milliseconds{*rc::gen::inRange(0, 3000)};
      const auto tokens = *rc::gen::inRange<std::int64_t>(0, *limits.tokens + 1);
      const auto call = state.admit(limits, tokens, now);
      if (!call) {
        now += call.error().retry_after;
        RC_ASSERT(state.admit(limits, tokens, now).has_value());
      }
      last.emplace_back(now, tokens);
      while (now - last.front().first >= minutes{1}) last.pop_front();
      std::int64_t sum = 0;
      for (const auto& [at, of] : last) sum += of;
      RC_ASSERT(static_cast<std::int64_t>(last.size()) <= 2 * *limits.requests);
      RC_ASSERT(sum <= 2 * *limits.tokens + 1);
    }
  }));
}

TEST(RateLimits, threads_together_get_the_allowance_and_not_one_more) {
  constexpr std::size_t kThreads = 4;
  RateState state;
  const RateLimits limits{.requests = 500, .tokens = 1'000'000, .concurrent = 2};
  std::atomic<std::int64_t> total{0};
  std::atomic<int> inside{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (;;) {
          const auto call = state.admit(limits, 10, kStart);
          if (!call && call.error().limit == RateLimit::requests) return;
          if (!call) continue;
          EXPECT_LE(++inside, 2);
          ++total;
          --inside;
        }
      });
  }
  EXPECT_EQ(total, 500);
  EXPECT_EQ(state.running(), 0);
}

}  // namespace
}  // namespace gantry::spend
