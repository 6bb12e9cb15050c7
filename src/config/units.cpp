#include "config/units.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/money.hpp"

namespace gantry::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 4> kDurations{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 7> kSizes{{{"GiB", 1ull << 30},
                                      {"MiB", 1ull << 20},
                                      {"KiB", 1ull << 10},
                                      {"B", 1},
                                      {"GB", 1'000'000'000},
                                      {"MB", 1'000'000},
                                      {"KB", 1000}}};

struct Amount {
  std::string_view number;
  std::string_view unit;
};

// "1.5 s" -> {"1.5", "s"}
Amount split(std::string_view text) {
  const auto end = text.find_first_not_of("0123456789.");
  if (end == std::string_view::npos) return {text, {}};
  const auto unit = text.find_first_not_of(' ', end);
  return {text.substr(0, end), unit == std::string_view::npos ? std::string_view{} : text.substr(unit)};
}

// `number` × factor when that is a whole number that fits; decimals only as far as the factor makes them
// whole.
std::optional<std::uint64_t> scaled(std::string_view number, std::uint64_t factor) {
  const auto dot = number.find('.');
  const auto whole = number.substr(0, dot);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (error != std::errc{} || end != whole.data() + whole.size()) return std::nullopt;
  if (__builtin_mul_overflow(value, factor, &value)) return std::nullopt;
  if (dot == std::string_view::npos) return value;
  const auto fraction = number.substr(dot + 1);
  if (fraction.empty() || fraction.size() > 9) return std::nullopt;
  std::uint64_t digits = 0, power = 1;
  for (const char c : fraction) {
    if (c < '0' || c > '9') return std::nullopt;
    digits = digits * 10 + static_cast<std::uint64_t>(c - '0'), power *= 10;
  }
  if ((digits * factor) % power != 0 || __builtin_add_overflow(value, digits * factor / power, &value))
    return std::nullopt;
  return value;
}

template <std::size_t N>
std::optional<std::uint64_t> read(std::string_view text, const std::array<Unit, N>& units) {
  const auto amount = split(text);
  for (const auto& unit : units)
    if (unit.name == amount.unit) return scaled(amount.number, unit.factor);
  return std::nullopt;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto milliseconds = read(text, kDurations);
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000;
  if (!milliseconds || *milliseconds > kMost)
    return fail(Fault::bad_input, "a duration is a number with ms, s, m or h");
  return std::chrono::milliseconds{static_cast<std::int64_t>(*milliseconds)};
}

std::string format_duration(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (milliseconds == 0) return "0s";
  for (const auto& unit : kDurations) {
    const auto factor = static_cast<std::int64_t>(unit.factor);
    if (milliseconds % factor == 0) return std::to_string(milliseconds / factor) + std::string(unit.name);
  }
  return {};
}

Result<std::size_t> parse_size(std::string_view text) {
  const auto bytes = text.find('.') == std::string_view::npos ? read(text, kSizes) : std::nullopt;
  if (!bytes) return fail(Fault::bad_input, "a size is a whole number with B, KiB, MiB or GiB");
  return static_cast<std::size_t>(*bytes);
}

std::string format_size(std::size_t bytes) {
  if (bytes == 0) return "0B";
  for (const auto& unit : kSizes)
    if (bytes % unit.factor == 0) return std::to_string(bytes / unit.factor) + std::string(unit.name);
  return {};
}

Result<std::string> parse_money(std::string_view text) {
  std::string_view number;
  if (text.starts_with('$')) {
    number = text.substr(1);
  } else if (text.ends_with(" USD")) {
    number = text.substr(0, text.size() - 4);
  }
  if (number.empty() || number.find_first_not_of("0123456789.") != std::string_view::npos)
    return fail(Fault::bad_input, "money is written \"$10\" or \"10 USD\"");
  const auto amount = parse_usd(number);
  if (!amount) return std::unexpected(amount.error());
  return to_decimal(*amount);
}

}  // namespace gantry::config
