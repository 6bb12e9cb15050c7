// When a learned hold grows, and when its stream must end.
#include "engine/soft_hold.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace gantry::engine {
namespace {

constexpr Price kToken{1, 6};  // a millionth of a dollar
constexpr PicoUsd kOne{1'000'000};

PicoUsd tokens(std::int64_t count) { return {count * kOne.value}; }
void come(SoftHold& hold, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) hold.count().chunk(200);
}

TEST(TokenCount, counts_chunks_and_what_is_long_among_them) {
  TokenCount count;
  EXPECT_EQ(count.tokens(), 0);
  for (int i = 0; i < 10; ++i) count.chunk(200);
  EXPECT_EQ(count.tokens(), 10);
  count.chunk(240);
  EXPECT_EQ(count.tokens(), 21) << "one chunk of eleven tokens";
}

TEST(SoftHold, is_due_when_four_fifths_are_spent) {
  SoftHold hold(tokens(100), tokens(1000), tokens(20), kToken);
  come(hold, 59);
  EXPECT_FALSE(hold.due());
  come(hold, 1);
  EXPECT_TRUE(hold.due());
  EXPECT_EQ(hold.more(), tokens(60)) << "twice what is spent";
  hold.extended(tokens(60));
  EXPECT_FALSE(hold.due());
  EXPECT_EQ(hold.held(), tokens(160));
}

TEST(SoftHold, never_grows_past_the_bound_and_is_not_due_there) {
  SoftHold hold(tokens(100), tokens(110), {}, kToken);
  come(hold, 500);
  ASSERT_TRUE(hold.due());
  EXPECT_EQ(hold.more(), tokens(10));
  hold.extended(tokens(10));
  come(hold, 5'000);
  EXPECT_FALSE(hold.due()) << "a bill within its bound needs no more";
}

TEST(SoftHold, without_a_bound_grows_without_end) {
  SoftHold hold(tokens(1), std::nullopt, {}, kToken);
  for (int i = 0; i < 12; ++i) {
    come(hold, hold.held().value / kOne.value + 1);
    ASSERT_TRUE(hold.due());
    hold.extended(hold.more());
    ASSERT_FALSE(hold.due());
  }
}

TEST(SoftHold, that_gets_no_more_goes_on_until_it_is_spent) {
  SoftHold hold(tokens(100), tokens(1000), {}, kToken);
  come(hold, 80);
  ASSERT_TRUE(hold.due());
  EXPECT_FALSE(hold.refused());
  EXPECT_FALSE(hold.due()) << "not at every token";
  come(hold, 10);
  ASSERT_TRUE(hold.due());
  EXPECT_FALSE(hold.refused());
  come(hold, 10);
  ASSERT_TRUE(hold.due());
  EXPECT_TRUE(hold.refused());
}

TEST(SoftHold, of_unknown_prices_stays_as_it_is) {
  SoftHold hold(tokens(1), std::nullopt, {}, {-1, 0});
  come(hold, 100'000);
  EXPECT_FALSE(hold.due());
}

// What the promise rests on: a stream whose tokens are counted goes past its hold by one chunk at most, asks
// for more a few dozen times at most, and holds no more than its bound.
TEST(SoftHold, follows_any_stream_within_one_chunk) {
  EXPECT_TRUE(rc::check([] {
    const auto first = *rc::gen::inRange<std::int64_t>(1, 500),
               bound = first + *rc::gen::inRange<std::int64_t>(0, 5'000);
    const auto budget = *rc::gen::inRange<std::int64_t>(first, first + 6'000);
    SoftHold hold(tokens(first), tokens(bound), {}, kToken);
    int asked = 0;
    std::int64_t came = 0;
    for (bool cut = false; came < bound && !cut;) {
      come(hold, 1), ++came;
      while (hold.due() && !cut) {
        ++asked;
        const PicoUsd by = hold.more();
        RC_ASSERT(by > PicoUsd{});
        if (hold.held().value + by.value <= tokens(budget).value) {
          hold.extended(by);
        } else if (hold.refused()) {
          cut = true;
        } else {
          break;
        }
      }
      RC_ASSERT(hold.held() <= tokens(bound));
      RC_ASSERT(hold.held() <= tokens(std::max(budget, first)));
      RC_ASSERT(cut || tokens(came) < hold.held() || hold.held() == tokens(bound));
    }
    RC_ASSERT(asked < 60);
  }));
}

}  // namespace
}  // namespace gantry::engine
