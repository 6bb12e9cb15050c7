#include "engine/stream_clocks.hpp"

#include <gtest/gtest.h>

namespace gantry::engine {
namespace {

using namespace std::chrono_literals;
using route::Outcome;

const config::Timeouts kLimits{.silence = 40s, .first_token = 60s, .stall = 10s};
const MonoTime kBegan{1000s};

TEST(StreamClocks, the_first_limit_that_nothing_meets_ends_a_stream) {
  StreamClocks clocks(kLimits, 0, kBegan);
  EXPECT_EQ(clocks.limit(kNever).until, kBegan + 40s) << "no byte";
  clocks.byte(kBegan + 30s);
  EXPECT_EQ(clocks.limit(kNever).until, kBegan + 60s) << "comments are bytes and no tokens";
  EXPECT_EQ(clocks.limit(kNever).outcome, Outcome::silent);
  EXPECT_EQ(clocks.limit(kBegan + 50s).until, kBegan + 50s);
  EXPECT_TRUE(clocks.token(kBegan + 31s));
  EXPECT_EQ(clocks.limit(kNever).until, kBegan + 41s);
  EXPECT_EQ(clocks.limit(kNever).outcome, Outcome::slow);
}

TEST(StreamClocks, without_a_floor_any_rate_above_a_stall_will_do) {
  StreamClocks clocks(kLimits, 0, kBegan);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(clocks.token(kBegan + i * 9s));
}

TEST(StreamClocks, a_floor_is_looked_at_once_a_stall_and_spares_the_wait_for_the_first_token) {
  StreamClocks fast(kLimits, 2, kBegan), slow(kLimits, 2, kBegan);
  EXPECT_TRUE(fast.token(kBegan + 50s));
  EXPECT_TRUE(slow.token(kBegan + 50s));
  for (int i = 1; i <= 100; ++i) EXPECT_TRUE(fast.token(kBegan + 50s + i * 500ms)) << i;
  for (int i = 1; i < 17; ++i) EXPECT_TRUE(slow.token(kBegan + 50s + i * 600ms)) << i;
  EXPECT_FALSE(slow.token(kBegan + 50s + 17 * 600ms)) << "17 tokens in 10.2 s";
}

}  // namespace
}  // namespace gantry::engine
