#include "spend/alerts.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <vector>

namespace gantry::spend {
namespace {

using testing::ElementsAreArray;

constexpr std::int64_t kDollar = 1'000'000'000'000;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(Alerts, each_threshold_is_crossed_by_the_spend_that_reaches_it) {
  struct Row {
    const char* given;
    std::int64_t limit, before, after;
    std::vector<int> crossed;
  };
  const Row rows[] = {
      {"nothing spent", 100, 0, 0, {}},
      {"just below a half", 100, 0, 49, {}},
      {"exactly a half", 100, 49, 50, {50}},
      {"further, within the same part", 100, 50, 79, {}},
      {"two at once", 100, 60, 96, {80, 95}},
      {"all at once", 100, 0, 100, {50, 80, 95, 100}},
      {"beyond the limit already", 100, 100, 250, {}},
      {"money came back", 100, 96, 60, {}},
      {"a limit that does not divide evenly", 3, 1, 2, {50}},
      {"a limit of zero", 0, 0, 10, {}},
      {"the largest limit", kMost, 0, kMost, {50, 80, 95, 100}},
      {"the largest limit, nearly a half", kMost, 0, kMost / 2, {}},
  };
  for (const Row& row : rows) {
    const auto found = crossed({row.limit}, {row.before}, {row.after});
    EXPECT_THAT(std::vector<int>(found.begin(), found.end()), ElementsAreArray(row.crossed)) << row.given;
  }
}

TEST(Alerts, an_event_has_one_name) {
  EXPECT_EQ(threshold_event({{42}, {Period::daily, 20781}}, 80), "budget:42:daily:20781:80");
  EXPECT_EQ(threshold_event({{1}, {Period::total, 0}}, 100), "budget:1:total:0:100");
  EXPECT_EQ(burn_event({42}, WallTime{std::chrono::hours{498'749} + std::chrono::minutes{59}}),
            "burn:42:498749");
}

TEST(Alerts, an_hour_is_sudden_when_it_is_not_like_the_week) {
  const auto hours = [](std::initializer_list<std::pair<std::size_t, std::int64_t>> parts) {
    std::vector<PicoUsd> week;
    for (const auto& [count, cost] : parts) week.insert(week.end(), count, PicoUsd{cost});
    return week;
  };
  struct Row {
    const char* given;
    std::int64_t hour;
    std::vector<PicoUsd> week;
    bool is;
  };
  const Row rows[] = {
      {"three times the usual", 6 * kDollar, hours({{168, 2 * kDollar}}), false},
      {"more than three times", 6 * kDollar + 1, hours({{168, 2 * kDollar}}), true},
      {"small change, however unusual", kDollar - 1, hours({{168, 1}}), false},
      {"a week without any spend", kDollar, hours({{168, 0}}), true},
      {"the working hours of a week with nights", 6 * kDollar, hours({{128, 0}, {40, 5 * kDollar}}), false},
      {"one bad hour before does not hide it", 60 * kDollar, hours({{167, kDollar}, {1, 100 * kDollar}}),
       true},
      {"too few hours to know", 60 * kDollar, hours({{23, kDollar}}), false},
      {"a day is enough", 60 * kDollar, hours({{24, kDollar}}), true},
      {"amounts at the end of the range", kMost, hours({{168, kMost / 2}}), false},
  };
  for (const Row& row : rows) EXPECT_EQ(sudden({row.hour}, row.week), row.is) << row.given;
}

}  // namespace
}  // namespace gantry::spend
