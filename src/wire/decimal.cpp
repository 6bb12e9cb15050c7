#include "wire/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "wire/json_text.hpp"

namespace gantry::wire {
namespace {

// ±0.d₁d₂… × 10^point with d₁ and the last digit not 0; zero has no digits.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t point = 0;
};

std::int64_t read_exponent(std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000'000'000'000;
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc{}) return text.starts_with('-') ? -kMost : kMost;
  return std::clamp(exponent, -kMost, kMost);
}

std::optional<Decimal> read(std::string_view text) {
  if (text.empty() || json_number_length(text) != text.size()) return std::nullopt;
  Decimal out;
  out.negative = text.starts_with('-');
  if (out.negative) text.remove_prefix(1);
  const auto e = std::min(text.find_first_of("eE"), text.size());
  const auto mantissa = text.substr(0, e);
  const auto dot = std::min(mantissa.find('.'), mantissa.size());
  out.digits = mantissa.substr(0, dot);
  if (dot < mantissa.size()) out.digits += mantissa.substr(dot + 1);
  out.point = static_cast<std::int64_t>(dot) + (e < text.size() ? read_exponent(text.substr(e + 1)) : 0);
  const auto first = std::min(out.digits.find_first_not_of('0'), out.digits.size());
  out.digits.erase(0, first);
  out.point -= static_cast<std::int64_t>(first);
  out.digits.erase(out.digits.find_last_not_of('0') + 1);
  if (out.digits.empty()) return Decimal{};
  return out;
}

std::strong_ordering compare_sizes(const Decimal& a, const Decimal& b) {
  if (a.digits.empty() || b.digits.empty()) return !a.digits.empty() <=> !b.digits.empty();
  if (a.point != b.point) return a.point <=> b.point;
  return a.digits <=> b.digits;
}

}  // namespace

std::optional<std::strong_ordering> compare_decimals(std::string_view a, std::string_view b) {
  const auto left = read(a), right = read(b);
  if (!left || !right) return std::nullopt;
  if (left->negative != right->negative) return right->negative <=> left->negative;
  return left->negative ? compare_sizes(*right, *left) : compare_sizes(*left, *right);
}

}  // namespace gantry::wire
