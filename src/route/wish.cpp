#include "route/wish.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <limits>
#include <optional>
#include <string>

namespace gantry::route {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A number of digits with or without decimals, in thousandths, rounded up; the largest when it is larger. A
// sign makes it no number: nobody can wish to be asked earlier than now.
std::optional<std::int64_t> thousandths(std::string_view text) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view decimals = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (whole.empty() || !all_digits(whole) || !all_digits(decimals)) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), number);
  if (error != std::errc{} || number > kMost / 1000 - 1) return kMost;
  std::int64_t small = 0;
  for (std::size_t i = 0; i < 3; ++i) small = small * 10 + (i < decimals.size() ? decimals[i] - '0' : 0);
  const bool more = decimals.size() > 3 && decimals.find_first_not_of('0', 3) != std::string_view::npos;
  return number * 1000 + small + (more ? 1 : 0);
}

// `count` of a unit, at most kLongestWish, without overflow on the way.
template <class Unit>
Duration bounded(std::int64_t count) {
  constexpr std::int64_t kMost = std::chrono::duration_cast<Unit>(kLongestWish).count();
  return Unit{std::clamp<std::int64_t>(count, 0, kMost)};
}

// The three forms a recipient has to know: today's, RFC 850's and asctime's.
std::optional<std::int64_t> unix_seconds_of_date(std::string_view value) {
  const std::string text(value);
  for (const char* const form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* const rest = ::strptime(text.c_str(), form, &parts);
    if (rest && *rest == '\0') return ::timegm(&parts);
  }
  return std::nullopt;
}

// Unix milliseconds as a header has them.
Duration parse_reset(std::string_view value, WallTime now) {
  const auto number = thousandths(trimmed(value));
  return number ? until_unix_ms(*number / 1000, now) : Duration::zero();
}

}  // namespace

Duration bounded_retry_after(std::int64_t count) { return bounded<seconds>(count); }

Duration parse_retry_after_ms(std::string_view value) {
  const auto number = thousandths(trimmed(value));
  return number ? bounded<std::chrono::microseconds>(*number) : Duration::zero();
}

Duration parse_retry_after(std::string_view value, WallTime now) {
  const std::string_view text = trimmed(value);
  if (const auto number = thousandths(text)) return bounded<milliseconds>(*number);
  const auto date = unix_seconds_of_date(text);
  return date ? bounded<seconds>(*date - unix_seconds(now)) : Duration::zero();
}

Duration until_unix_ms(std::int64_t then, WallTime now) {
  const auto since = std::chrono::floor<milliseconds>(now).time_since_epoch().count();
  return then <= since ? Duration::zero() : bounded<milliseconds>(then - since);
}

WallTime end_of(FreeCap cap, WallTime now) {
  switch (cap) {
    case FreeCap::daily:
      return std::chrono::floor<std::chrono::days>(now) + std::chrono::days{1};
    case FreeCap::minute:
      return now + std::chrono::minutes{1};
    case FreeCap::none:
      break;
  }
  return now;
}

Duration wish(const WaitHeaders& headers, const wire::UpstreamError& error, FreeCap cap, WallTime now) {
  if (cap == FreeCap::daily) return end_of(cap, now) - now;
  const std::array<Duration, 5> said = {
      bounded_retry_after(error.retry_after_s.value_or(0)), parse_retry_after_ms(headers.retry_after_ms),
      parse_retry_after(headers.retry_after, now),          parse_reset(headers.rate_limit_reset, now),
      until_unix_ms(error.limit_reset_ms.value_or(0), now),
  };
  const auto first = std::ranges::find_if(said, [](Duration each) { return each > Duration::zero(); });
  return first != said.end() ? *first : end_of(cap, now) - now;
}

}  // namespace gantry::route
