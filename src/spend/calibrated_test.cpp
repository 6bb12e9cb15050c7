#include "spend/calibrated.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace gantry::spend {
namespace {

constexpr AccountId kKey{3};
constexpr PicoUsd kBound{1'000'000'000'000};

// Long-tailed, like the lengths of answers.
PicoUsd draw(Random& random, double typical) {
  const double uniform = (static_cast<double>(random.below(1'000'000)) + 1) / 1'000'001;
  return {static_cast<std::int64_t>(typical * std::pow(uniform, -0.4))};
}

TEST(Calibrated, until_enough_is_known_the_bound_is_held) {
  Calibrated calibrated;
  for (std::uint32_t i = 0; i + 1 < CostHistogram::kLeast; ++i) calibrated.learn(kKey, "a/b", {1'000'000});
  EXPECT_EQ(calibrated.hold(kKey, "a/b", kBound), kBound);
  EXPECT_EQ(calibrated.hold(kKey, "a/b", {}), std::nullopt) << "and what has no bound stays without";
  calibrated.learn(kKey, "a/b", {1'000'000});
  EXPECT_LT(calibrated.hold(kKey, "a/b", kBound), PicoUsd{1'125'001});
  EXPECT_LT(calibrated.hold(kKey, "a/b", {}), PicoUsd{1'125'001});
  EXPECT_EQ(calibrated.hold(kKey, "a/b", PicoUsd{500}), PicoUsd{500}) << "never above the bound";
}

TEST(Calibrated, keys_and_models_are_learned_apart) {
  Calibrated calibrated;
  for (int i = 0; i < 200; ++i) calibrated.learn(kKey, "a/b", {1'000'000});
  EXPECT_EQ(calibrated.hold(kKey, "a/c", kBound), kBound);
  EXPECT_EQ(calibrated.hold({4}, "a/b", kBound), kBound);
}

TEST(Calibrated, a_cost_lies_within_the_hold_that_it_taught_and_an_eighth_of_it) {
  EXPECT_TRUE(rc::check([] {
    const std::int64_t any = *rc::gen::arbitrary<std::int64_t>();
    const std::int64_t cost = (any < 0 ? -(any + 1) : any) >> *rc::gen::inRange(0, 60);
    CostHistogram costs;
    for (int i = 0; i < 200; ++i) costs.add({cost});
    const std::int64_t high = costs.high().value().value;
    RC_ASSERT(high >= cost);
    RC_ASSERT(high <= 1024 || static_cast<double>(high) <= static_cast<double>(cost) * 1.13);
  }));
}

// The statement of the header, for what was seen and for what is to come.
TEST(Calibrated, at_most_one_call_in_a_hundred_overshoots) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Random random(seed);
    Calibrated calibrated;
    int calls = 0, overshoots = 0;
    for (int i = 0; i < 50'000; ++i) {
      const PicoUsd cost = draw(random, 3e8);
      const PicoUsd hold = calibrated.hold(kKey, "a/b", kBound).value();
      EXPECT_LE(hold, kBound);
      ++calls;
      if (cost > hold) ++overshoots;
      calibrated.learn(kKey, "a/b", cost);
    }
    EXPECT_LE(overshoots, calls / 100 * 1.1) << seed;
    EXPECT_GT(overshoots, calls / 400) << "and it is not held for nothing";
    EXPECT_LT(calibrated.hold(kKey, "a/b", kBound).value().value, kBound.value / 100);
  }
}

TEST(Calibrated, costs_that_grow_are_learned) {
  Random random(1);
  Calibrated calibrated;
  for (int i = 0; i < 20'000; ++i) calibrated.learn(kKey, "a/b", draw(random, 1e8));
  int overshoots = 0;
  for (int i = 0; i < 5'000; ++i) {
    const PicoUsd cost = draw(random, 1e10);
    if (cost > calibrated.hold(kKey, "a/b", kBound)) ++overshoots;
    calibrated.learn(kKey, "a/b", cost);
  }
  EXPECT_LT(overshoots, 600);
}

TEST(Calibrated, a_thin_tail_survives_forgetting) {
  CostHistogram costs;
  // One cost in twenty is dear, each time another one.
  for (int round = 0; round < 400; ++round) {
    for (int i = 0; i < 19; ++i) costs.add({2'000});
    costs.add({std::int64_t{1} << (30 + round % 20)});
  }
  EXPECT_GE(costs.high(), PicoUsd{std::int64_t{1} << 44});
}

TEST(Calibrated, amounts_at_the_ends_of_the_range_have_a_place) {
  CostHistogram costs;
  for (const std::int64_t cost :
       {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0}})
    for (int i = 0; i < 100; ++i) costs.add({cost});
  EXPECT_EQ(costs.high(), PicoUsd{1024});
  for (int i = 0; i < 100; ++i) costs.add({std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(costs.high(), PicoUsd{std::numeric_limits<std::int64_t>::max()});
}

TEST(Calibrated, a_new_pair_takes_the_place_of_the_one_unused_for_longest) {
  Calibrated calibrated(3);
  const auto learn = [&](const char* model) {
    for (int i = 0; i < 100; ++i) calibrated.learn(kKey, model, {1'000'000});
  };
  for (const char* model : {"a", "b", "c"}) learn(model);
  (void)calibrated.hold(kKey, "a", kBound);
  learn("d");
  EXPECT_EQ(calibrated.size(), 3u);
  EXPECT_EQ(calibrated.hold(kKey, "b", kBound), kBound);
  EXPECT_NE(calibrated.hold(kKey, "a", kBound), kBound);
}

}  // namespace
}  // namespace gantry::spend
