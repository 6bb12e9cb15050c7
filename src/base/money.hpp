#pragma once
// Money is an integer number of pico-dollars (DESIGN §5): ±9.2 million USD, checked, never a double.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gantry {

/// 10⁻¹² USD. One token of the cheapest priced model is about 10⁴ of them.
struct PicoUsd {
  std::int64_t value = 0;
  auto operator<=>(const PicoUsd&) const = default;
};

/// Checked sum; Fault::internal when it leaves the range.
Result<PicoUsd> add(PicoUsd a, PicoUsd b);

/// Reads a JSON number or decimal string ("0.00000028", "1.5e-7", "12") exactly; more than twelve decimals
/// are rounded half-even (DESIGN §5: the text of usage.cost is the truth). Errors: bad_input for anything
/// else or out of range.
Result<PicoUsd> parse_usd(std::string_view text);

/// The shortest decimal text that says exactly this amount, without an exponent: 12300000 -> "0.0000123".
std::string to_decimal(PicoUsd amount);
inline constexpr std::size_t kLongestDecimal = 21;  ///< -9223372.036854775808
/// The same where there is room for the longest; returns the end.
char* put_decimal(char* to, PicoUsd amount);

/// A per-unit price with every digit kept: `units` × 10⁻ˢᶜᵃˡᵉ USD. Scale is at most 24.
struct Price {
  std::int64_t units = 0;
  int scale = 0;
  [[nodiscard]] bool known() const {
    return units >= 0;
  }  ///< OpenRouter lists "-1" where only routing decides
};
Result<Price> parse_price(std::string_view decimal);
/// Which of two known prices is dearer, exactly.
std::strong_ordering compare(Price a, Price b);

enum class Rounding : std::uint8_t { half_even, up };

/// Adds up price × count exactly (128-bit) and rounds once to PicoUsd.
class CostSum {
 public:
  /// `count` ≥ 0; an unknown price makes the whole sum unknown.
  void add(Price price, std::int64_t count);
  [[nodiscard]] bool known() const { return known_; }
  /// Errors: bad_input when a price was unknown, internal when out of range.
  [[nodiscard]] Result<PicoUsd> total(Rounding rounding = Rounding::half_even) const;
  /// The sum × (1 − discount), rounded once, half-even; the discount is a fraction from 0 to 1 with at most
  /// kDiscountScale decimals.
  [[nodiscard]] Result<PicoUsd> total_less(Price discount) const;
  static constexpr int kDiscountScale = 18;

 private:
  __int128 sum_ = 0;  // in 10⁻²⁴ USD
  bool known_ = true;
  bool overflow_ = false;
};

}  // namespace gantry
