#include "spend/pot.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace gantry::spend {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
const PotId kId{{7}, {Period::daily, 20'000}};

TEST(Pot, grants_up_to_what_was_granted_and_not_one_more) {
  Pot pot(kId);
  EXPECT_TRUE(pot.take({0}));
  EXPECT_FALSE(pot.take({1}));
  pot.grant({10});
  EXPECT_TRUE(pot.take({10}));
  EXPECT_FALSE(pot.take({1}));
  EXPECT_EQ(pot.committed(), PicoUsd{10});
}

TEST(Pot, a_settled_cost_takes_the_place_of_its_hold) {
  Pot pot(kId);
  pot.grant({10});
  ASSERT_TRUE(pot.take({8}));
  pot.change({3 - 8});
  EXPECT_EQ(pot.committed(), PicoUsd{3});
  EXPECT_TRUE(pot.take({7}));
}

TEST(Pot, grants_nothing_after_an_overshoot_until_it_is_back_under) {
  Pot pot(kId);
  pot.grant({10});
  ASSERT_TRUE(pot.take({4}) && pot.take({2}));
  pot.change({12 - 4});
  EXPECT_EQ(pot.committed(), PicoUsd{14});
  EXPECT_FALSE(pot.fits({0}));
  EXPECT_FALSE(pot.take({0}));
  pot.grant({14});
  EXPECT_TRUE(pot.take({0}));
}

TEST(Pot, what_is_granted_only_grows_by_grants) {
  Pot pot(kId);
  pot.grant({10});
  pot.grant({4});
  EXPECT_EQ(pot.granted(), PicoUsd{10});
}

TEST(Pot, keeps_what_is_wanted_or_committed_whichever_is_more) {
  struct Row {
    const char* given;
    std::int64_t committed, wanted, kept;
  };
  for (const Row& row : {Row{"less is committed than wanted", 3, 5, 5}, Row{"more is committed", 7, 5, 7},
                         Row{"more is wanted than granted", 3, 20, 10}, Row{"nothing is wanted", 3, 0, 3},
                         Row{"an overshoot", 30, 5, 10}, Row{"less than nothing is wanted", 0, -5, 0}}) {
    Pot pot(kId);
    pot.grant({10});
    ASSERT_TRUE(pot.take({0}));
    pot.change({row.committed});
    EXPECT_EQ(pot.keep({row.wanted}), PicoUsd{row.kept}) << row.given;
    EXPECT_EQ(pot.granted(), PicoUsd{row.kept}) << row.given;
  }
}

TEST(Pot, amounts_at_the_end_of_the_range_do_not_wrap) {
  Pot pot(kId);
  pot.grant({kMost});
  EXPECT_TRUE(pot.take({kMost - 1}));
  EXPECT_FALSE(pot.take({kMost}));
  EXPECT_FALSE(pot.take({2}));
  pot.change({kMost});
  EXPECT_EQ(pot.committed(), PicoUsd{kMost});
  pot.grant({10});
  EXPECT_FALSE(pot.take({1}));
}

TEST(RecentSpend, is_what_the_last_ten_seconds_added) {
  const auto at = [](int second) { return WallTime{seconds{1'000'000 + second}}; };
  RecentSpend recent;
  EXPECT_EQ(recent.spent(at(0), {100}), PicoUsd{0}) << "nothing is known";
  for (int second = 0; second <= 60; ++second) recent.note(at(second), {second * 10});
  EXPECT_EQ(recent.spent(at(60), {600}), PicoUsd{100});
  EXPECT_EQ(recent.spent(at(60), {650}), PicoUsd{150});
  EXPECT_EQ(recent.spent(at(60), {400}), PicoUsd{0}) << "holds were released";
  EXPECT_EQ(recent.spent(at(120), {1200}), PicoUsd{100}) << "600 in a minute that nobody looked at";
}

TEST(RecentSpend, of_a_young_pot_is_all_that_it_spent) {
  const WallTime begin{seconds{1'000'000}};
  RecentSpend recent;
  recent.note(begin, {5});
  EXPECT_EQ(recent.spent(begin + seconds{3}, {45}), PicoUsd{40});
  EXPECT_FALSE(recent.long_enough(begin + seconds{9}));
  EXPECT_TRUE(recent.long_enough(begin + seconds{10}));
}

TEST(RecentSpend, starts_anew_when_the_clock_steps_back) {
  const WallTime begin{seconds{1'000'000}};
  RecentSpend recent;
  for (int second = 0; second <= 20; ++second) recent.note(begin + seconds{second}, {second});
  recent.note(begin - seconds{100}, {1000});
  EXPECT_EQ(recent.spent(begin - seconds{99}, {1007}), PicoUsd{7});
}

}  // namespace
}  // namespace gantry::spend
