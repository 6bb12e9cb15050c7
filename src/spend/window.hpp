#pragma once
// The windows that budgets are counted in (DESIGN §5): UTC days, weeks from Monday to Sunday, months, and all
// time. Pure.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace gantry::spend {

enum class Period : std::uint8_t { daily, weekly, monthly, total };
inline constexpr std::array kPeriods{Period::daily, Period::weekly, Period::monthly, Period::total};
inline constexpr std::size_t kPeriodCount = kPeriods.size();
std::string_view name(Period period);
std::optional<Period> period_named(std::string_view name);

/// One window of a period. Numbers grow with time: days since 1970-01-01, weeks since Monday 1969-12-29,
/// months since January 1970; 0 for all time.
struct Window {
  Period period = Period::total;
  std::int32_t number = 0;
  auto operator<=>(const Window&) const = default;
};

/// The window of a period that a moment lies in.
Window window_of(Period period, WallTime at);
/// Its first moment; WallTime::min() for all time.
WallTime begin_of(Window window);
/// The first moment behind it; WallTime::max() for all time.
WallTime end_of(Window window);
/// The one behind it; all time is its own.
Window next(Window window);

}  // namespace gantry::spend
