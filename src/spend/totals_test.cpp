#include "spend/totals.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <deque>
#include <limits>

namespace gantry::spend {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(KeyMeter, tells_growth_and_a_look_later_what_nobody_here_spent) {
  auto meter = begin_meter({.told = {1000}, .booked = {300}, .open = {0}});
  auto growth = advance(meter, {.told = {1070}, .booked = {370}, .open = {0}});
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->told, PicoUsd{70});
  EXPECT_EQ(growth->booked, PicoUsd{70});
  EXPECT_EQ(growth->unexplained, PicoUsd{0});
  growth = advance(meter, {.told = {1075}, .booked = {370}, .open = {0}});
  EXPECT_EQ(growth->told, PicoUsd{5});
  EXPECT_EQ(growth->unexplained, PicoUsd{0});
  growth = advance(meter, {.told = {1075}, .booked = {370}, .open = {0}});
  EXPECT_EQ(growth->told, PicoUsd{0});
  EXPECT_EQ(growth->unexplained, PicoUsd{5});
}

TEST(KeyMeter, takes_nothing_for_unexplained_that_may_be_under_way) {
  auto meter = begin_meter({.told = {0}, .booked = {0}, .open = {0}});
  const auto look = [&](std::int64_t told, std::int64_t booked, std::int64_t open) {
    return advance(meter, {.told = {told}, .booked = {booked}, .open = {open}})->unexplained;
  };
  EXPECT_EQ(look(9, 0, 10), PicoUsd{0});
  EXPECT_EQ(look(25, 0, 10), PicoUsd{0});
  EXPECT_EQ(look(25, 0, 10), PicoUsd{15});
  EXPECT_EQ(look(25, 10, 0), PicoUsd{0});
  EXPECT_EQ(look(27, 10, 0), PicoUsd{0});
  EXPECT_EQ(look(27, 10, 0), PicoUsd{2});
  EXPECT_EQ(meter.unexplained, PicoUsd{17});
}

TEST(KeyMeter, forgets_what_was_under_way_at_its_beginning_once_all_stands_still) {
  auto meter = begin_meter({.told = {8}, .booked = {0}, .open = {10}});  // charged, and not booked
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(advance(meter, {.told = {8}, .booked = {8}, .open = {0}})->unexplained, PicoUsd{0});
  for (const std::int64_t unexplained : {0, 3})
    EXPECT_EQ(advance(meter, {.told = {11}, .booked = {8}, .open = {0}})->unexplained, PicoUsd{unexplained});
}

TEST(KeyMeter, waits_a_look_for_an_upstream_that_counts_late) {
  auto meter = begin_meter({.told = {0}, .booked = {0}, .open = {0}});
  EXPECT_EQ(advance(meter, {.told = {0}, .booked = {8}, .open = {0}})->unexplained, PicoUsd{0});
  EXPECT_EQ(advance(meter, {.told = {8}, .booked = {8}, .open = {0}})->unexplained, PicoUsd{0});
}

TEST(KeyMeter, finds_what_was_booked_too_high) {
  auto meter = begin_meter({.told = {0}, .booked = {0}, .open = {0}});
  EXPECT_EQ(advance(meter, {.told = {1}, .booked = {5}, .open = {0}})->unexplained, PicoUsd{0});
  EXPECT_EQ(advance(meter, {.told = {1}, .booked = {5}, .open = {0}})->unexplained, PicoUsd{-4});
}

TEST(KeyMeter, begins_anew_when_usage_shrank_or_leaves_the_range) {
  auto meter = begin_meter({.told = {1000}, .booked = {300}, .open = {0}});
  EXPECT_FALSE(advance(meter, {.told = {10}, .booked = {300}, .open = {0}}));
  EXPECT_EQ(meter, begin_meter({.told = {10}, .booked = {300}, .open = {0}}));
  EXPECT_FALSE(advance(meter, {.told = {10}, .booked = {299}, .open = {0}}));
  EXPECT_TRUE(advance(meter, {.told = {11}, .booked = {300}, .open = {0}}));
  meter = {.told = {0}, .booked = {0}, .base = {-kMost}, .slack = {}, .unexplained = {}};
  EXPECT_FALSE(advance(meter, {.told = {kMost}, .booked = {0}, .open = {0}}));
}

// Attempts of ours that are charged somewhere between their beginning and their end, and strangers.
struct World {
  struct Attempt {
    std::int64_t most = 0, cost = 0;
    bool charged = false;
  };
  std::deque<Attempt> open;
  std::int64_t told = 0, booked = 0, strangers = 0;

  void begin() {
    const auto most = *rc::gen::inRange<std::int64_t>(1, 1000);
    open.push_back({.most = most, .cost = *rc::gen::inRange<std::int64_t>(0, most + 1)});
  }
  void charge(Attempt& attempt) {
    if (!attempt.charged) told += attempt.cost;
    attempt.charged = true;
  }
  void end() {
    charge(open.front());
    booked += open.front().cost;
    open.pop_front();
  }
  void stranger() {
    const auto cost = *rc::gen::inRange<std::int64_t>(1, 1000);
    told += cost, strangers += cost;
  }
  void step(bool alone) {
    switch (*rc::gen::inRange(0, alone ? 3 : 4)) {
      case 0:
        return begin();
      case 1:
        if (!open.empty()) charge(open[*rc::gen::inRange<std::size_t>(0, open.size())]);
        return;
      case 2:
        if (!open.empty()) end();
        return;
      default:
        return stranger();
    }
  }
  [[nodiscard]] KeyLook look() const {
    std::int64_t most = 0;
    for (const auto& attempt : open) most += attempt.most;
    return {.told = {told}, .booked = {booked}, .open = {most}};
  }
};

TEST(KeyMeterProperty, without_strangers_nothing_is_ever_unexplained) {
  EXPECT_TRUE(rc::check([] {
    World world;
    for (int i = *rc::gen::inRange(0, 10); i > 0; --i) world.step(true);
    auto meter = begin_meter(world.look());
    for (int i = 0; i < 60; ++i) {
      world.step(true);
      if (*rc::gen::arbitrary<bool>()) RC_ASSERT(advance(meter, world.look())->unexplained == PicoUsd{0});
    }
  }));
}

TEST(KeyMeterProperty, strangers_are_never_overstated_and_exact_at_the_second_look_with_nothing_under_way) {
  EXPECT_TRUE(rc::check([] {
    World world;
    auto meter = begin_meter(world.look());
    std::int64_t told = 0, booked = 0;
    for (int i = 0; i < 60; ++i) {
      world.step(false);
      if (!*rc::gen::arbitrary<bool>()) continue;
      const auto growth = advance(meter, world.look());
      told += growth->told.value, booked += growth->booked.value;
      RC_ASSERT(meter.unexplained <= PicoUsd{world.strangers});
      RC_ASSERT(told == world.told && booked == world.booked);
      if (!world.open.empty()) continue;
      RC_ASSERT(advance(meter, world.look()).has_value());
      RC_ASSERT(meter.unexplained == PicoUsd{world.strangers});
    }
  }));
}

}  // namespace
}  // namespace gantry::spend
