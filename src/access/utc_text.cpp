#include "access/utc_text.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/ascii.hpp"

namespace gantry::access {
namespace {

using namespace std::chrono;

void put(std::string& out, unsigned value, int digits) {
  std::string text = std::to_string(value);
  out.append(static_cast<std::size_t>(std::max(0, digits - static_cast<int>(text.size()))), '0').append(text);
}

// The digits at the front of `text`, exactly so many, which are then taken away.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits || !std::ranges::all_of(text.substr(0, digits), is_digit)) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(0, digits)) value = value * 10 + static_cast<unsigned>(c - '0');
  text.remove_prefix(digits);
  return value;
}

bool take_mark(std::string_view& text, char mark) {
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<sys_days> take_day(std::string_view& text) {
  const auto y = take_number(text, 4);
  if (!y || *y < 1970 || *y > 2199 || !take_mark(text, '-')) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || !take_mark(text, '-')) return std::nullopt;
  const auto d = take_number(text, 2);
  if (!d) return std::nullopt;
  const year_month_day date{year(static_cast<int>(*y)), month(*m), day(*d)};
  return date.ok() ? std::optional(sys_days(date)) : std::nullopt;
}

std::optional<seconds> take_time(std::string_view& text) {
  std::array<unsigned, 3> parts{};
  constexpr std::array<unsigned, 3> kMost{23, 59, 59};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && !take_mark(text, ':')) return std::nullopt;
    const auto part = take_number(text, 2);
    if (!part || *part > kMost[i]) return std::nullopt;
    parts[i] = *part;
  }
  return hours(parts[0]) + minutes(parts[1]) + seconds(parts[2]);
}

// A dot and digits; what is finer than a nanosecond is dropped.
std::optional<nanoseconds> take_fraction(std::string_view& text) {
  if (!take_mark(text, '.')) return nanoseconds{0};
  std::int64_t value = 0, unit = 1'000'000'000;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    unit /= 10;
    value += unit * (text.front() - '0');
  }
  return nanoseconds{value};
}

void put_day(std::string& out, sys_days at) {
  const year_month_day date(at);
  put(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += '-';
  put(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  put(out, static_cast<unsigned>(date.day()), 2);
}

}  // namespace

std::string day_text(WallTime at) {
  std::string out;
  put_day(out, floor<days>(at));
  return out;
}

std::string utc_text(WallTime at) {
  const auto date = floor<days>(at);
  const hh_mm_ss time(floor<seconds>(at - date));
  std::string out;
  put_day(out, date);
  out += 'T';
  put(out, static_cast<unsigned>(time.hours().count()), 2);
  out += ':';
  put(out, static_cast<unsigned>(time.minutes().count()), 2);
  out += ':';
  put(out, static_cast<unsigned>(time.seconds().count()), 2);
  return out + 'Z';
}

std::optional<WallTime> parse_utc(std::string_view text) {
  const auto date = take_day(text);
  if (!date || (!take_mark(text, 'T') && !take_mark(text, 't'))) return std::nullopt;
  const auto time = take_time(text);
  const auto fraction = time ? take_fraction(text) : std::nullopt;
  if (!fraction || (text != "Z" && text != "z" && text != "+00:00")) return std::nullopt;
  return WallTime(*date) + *time + *fraction;
}

std::optional<WallTime> parse_day(std::string_view text) {
  const auto date = take_day(text);
  return date && text.empty() ? std::optional(WallTime(*date)) : std::nullopt;
}

}  // namespace gantry::access
