#include "spend/window.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <set>
#include <string>

#include "spend/account.hpp"

namespace gantry::spend {
namespace {

using namespace std::chrono;

WallTime at(int y, unsigned m, unsigned d, Duration later = {}) {
  return WallTime{sys_days(year{y} / month{m} / day{d})} + later;
}

struct Row {
  const char* given;
  Period period;
  WallTime when;
  std::int32_t number;
  WallTime begin, end;
};

TEST(Window, begins_and_ends_where_the_calendar_says) {
  const Row rows[] = {
      {"the first day of the epoch", Period::daily, at(1970, 1, 1), 0, at(1970, 1, 1), at(1970, 1, 2)},
      {"the last nanosecond of a day", Period::daily, at(1970, 1, 2) - nanoseconds{1}, 0, at(1970, 1, 1),
       at(1970, 1, 2)},
      {"a nanosecond before the epoch", Period::daily, at(1970, 1, 1) - nanoseconds{1}, -1, at(1969, 12, 31),
       at(1970, 1, 1)},
      {"a leap day", Period::daily, at(2024, 2, 29, hours{23}), 19782, at(2024, 2, 29), at(2024, 3, 1)},
      {"the week of the epoch began on Monday 1969-12-29", Period::weekly, at(1970, 1, 1), 0,
       at(1969, 12, 29), at(1970, 1, 5)},
      {"a Sunday's last nanosecond", Period::weekly, at(1970, 1, 5) - nanoseconds{1}, 0, at(1969, 12, 29),
       at(1970, 1, 5)},
      {"a Monday's first", Period::weekly, at(1970, 1, 5), 1, at(1970, 1, 5), at(1970, 1, 12)},
      {"the Sunday before week 0", Period::weekly, at(1969, 12, 28), -1, at(1969, 12, 22), at(1969, 12, 29)},
      {"a week over New Year", Period::weekly, at(2027, 1, 1), 2974, at(2026, 12, 28), at(2027, 1, 4)},
      {"January 1970", Period::monthly, at(1970, 1, 31, hours{23}), 0, at(1970, 1, 1), at(1970, 2, 1)},
      {"December 1969", Period::monthly, at(1969, 12, 31), -1, at(1969, 12, 1), at(1970, 1, 1)},
      {"December 1968", Period::monthly, at(1968, 12, 1), -13, at(1968, 12, 1), at(1969, 1, 1)},
      {"February of a leap year", Period::monthly, at(2024, 2, 29), 649, at(2024, 2, 1), at(2024, 3, 1)},
      {"February of 2100, which is none", Period::monthly, at(2100, 2, 28), 1561, at(2100, 2, 1),
       at(2100, 3, 1)},
      {"December ends in another year", Period::monthly, at(2026, 12, 31), 683, at(2026, 12, 1),
       at(2027, 1, 1)},
      {"all time", Period::total, at(2026, 11, 24), 0, WallTime::min(), WallTime::max()},
  };
  for (const Row& row : rows) {
    const Window window = window_of(row.period, row.when);
    EXPECT_EQ(window.period, row.period) << row.given;
    EXPECT_EQ(window.number, row.number) << row.given;
    EXPECT_EQ(begin_of(window), row.begin) << row.given;
    EXPECT_EQ(end_of(window), row.end) << row.given;
  }
}

TEST(Window, a_moment_lies_in_its_window_and_windows_touch) {
  EXPECT_TRUE(rc::check([] {
    const WallTime when{Duration{*rc::gen::arbitrary<std::int64_t>()}};
    for (const Period period : kPeriods) {
      const Window window = window_of(period, when);
      RC_ASSERT(begin_of(window) <= when);
      RC_ASSERT(when < end_of(window) || end_of(window) == WallTime::max());
      if (period == Period::total) continue;
      RC_ASSERT(end_of(window) == begin_of(next(window)));
      if (begin_of(window) != WallTime::min()) {
        RC_ASSERT(window_of(period, begin_of(window)) == window);
        RC_ASSERT(next(window_of(period, begin_of(window) - nanoseconds{1})) == window);
      }
    }
  }));
}

TEST(Window, the_ends_of_time_do_not_wrap) {
  for (const Period period : kPeriods) {
    EXPECT_EQ(begin_of(window_of(period, WallTime::min())), WallTime::min()) << name(period);
    EXPECT_EQ(end_of(window_of(period, WallTime::max())), WallTime::max()) << name(period);
  }
}

TEST(Window, all_time_is_followed_by_itself) {
  EXPECT_EQ(next({Period::total, 0}), (Window{Period::total, 0}));
  EXPECT_EQ(next({Period::weekly, -1}), (Window{Period::weekly, 0}));
}

TEST(Window, periods_are_found_by_their_names) {
  for (const Period period : kPeriods) EXPECT_EQ(period_named(name(period)), period);
  for (const char* other : {"", "Daily", "day", "totals"}) EXPECT_FALSE(period_named(other)) << other;
}

TEST(Account, each_word_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (const auto kind : {AccountKind::organisation, AccountKind::project, AccountKind::key})
    names.insert(name(kind));
  for (const auto source : {CostSource::told, CostSource::computed, CostSource::assumed, CostSource::free})
    names.insert(name(source));
  for (const auto waste : {Waste::none, Waste::retry, Waste::lost_primary, Waste::abandoned, Waste::probe})
    names.insert(name(waste));
  EXPECT_THAT(names, testing::ElementsAre("abandoned", "assumed", "computed", "free", "key", "lost_primary",
                                          "none", "organisation", "probe", "project", "retry", "told"));
}

}  // namespace
}  // namespace gantry::spend
