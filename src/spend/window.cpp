#include "spend/window.hpp"

namespace gantry::spend {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;

constexpr int kMonths = 12;
constexpr int kWeek = 7;
constexpr int kMondayBefore = 3;  // 1970-01-01 was a Thursday

template <class Int>
constexpr Int floor_div(Int a, Int b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::int32_t month_number(sys_days day) {
  const std::chrono::year_month_day date(day);
  return (static_cast<int>(date.year()) - 1970) * kMonths + static_cast<int>(unsigned{date.month()}) - 1;
}

sys_days month_begin(std::int32_t number) {
  const auto year = std::chrono::year{1970 + floor_div(number, kMonths)};
  const auto month = static_cast<unsigned>(number - floor_div(number, kMonths) * kMonths + 1);
  return sys_days(year / std::chrono::month{month} / 1);
}

sys_days first_day(Window window) {
  switch (window.period) {
    case Period::daily:
      return sys_days(days{window.number});
    case Period::weekly:
      return sys_days(days{window.number * kWeek - kMondayBefore});
    case Period::monthly:
      return month_begin(window.number);
    case Period::total:
      break;
  }
  return {};
}

// Nanoseconds in 64 bits reach from 1677 to 2262; days reach further.
WallTime moment(sys_days day) {
  if (day <= floor<days>(WallTime::min())) return WallTime::min();
  if (day > floor<days>(WallTime::max())) return WallTime::max();
  return day;
}

}  // namespace

std::string_view name(Period period) {
  switch (period) {
    case Period::daily:
      return "daily";
    case Period::weekly:
      return "weekly";
    case Period::monthly:
      return "monthly";
    case Period::total:
      break;
  }
  return "total";
}

std::optional<Period> period_named(std::string_view name) {
  for (const Period period : kPeriods)
    if (spend::name(period) == name) return period;
  return std::nullopt;
}

Window window_of(Period period, WallTime at) {
  const auto day = floor<days>(at);
  const auto number = static_cast<std::int32_t>(day.time_since_epoch().count());
  switch (period) {
    case Period::daily:
      return {period, number};
    case Period::weekly:
      return {period, floor_div(number + kMondayBefore, kWeek)};
    case Period::monthly:
      return {period, month_number(day)};
    case Period::total:
      break;
  }
  return {period, 0};
}

WallTime begin_of(Window window) {
  return window.period == Period::total ? WallTime::min() : moment(first_day(window));
}

WallTime end_of(Window window) {
  return window.period == Period::total ? WallTime::max() : moment(first_day(next(window)));
}

Window next(Window window) {
  return window.period == Period::total ? window : Window{window.period, window.number + 1};
}

}  // namespace gantry::spend
