#include "base/money.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace gantry {
namespace {

struct Decimal {
  bool negative = false;
  unsigned __int128 digits = 0;
  int scale = 0;  // value = digits × 10^-scale
};

constexpr unsigned __int128 kDigitLimit = static_cast<unsigned __int128>(1) << 120;

// Reads sign, digits, fraction and exponent. Digits past 36 significant ones are dropped with a sticky 1,
// which is enough for half-even rounding to be right.
std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal out;
  std::size_t i = 0;
  if (i < text.size() && text[i] == '-') out.negative = true, ++i;
  bool any = false, fraction = false, sticky = false;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    any = true;
    const auto digit = static_cast<unsigned>(c - '0');
    if (out.digits < kDigitLimit / 10) {
      out.digits = out.digits * 10 + digit;
      if (fraction) ++out.scale;
    } else {
      sticky = sticky || digit != 0;
      if (!fraction) return std::nullopt;  // larger than any money
    }
  }
  if (!any) return std::nullopt;
  if (sticky) out.digits |= 1;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    bool minus = false;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) minus = text[i++] == '-';
    int exponent = 0;
    const std::size_t start = i;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      if (exponent > 1000) return std::nullopt;
      exponent = exponent * 10 + (text[i] - '0');
    }
    if (i == start) return std::nullopt;
    out.scale += minus ? exponent : -exponent;
  }
  if (i != text.size()) return std::nullopt;
  return out;
}

constexpr int kMostTens = 38;  // as many as 128 bits hold
constexpr auto kPowersOfTen = [] {
  std::array<unsigned __int128, kMostTens + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();
constexpr unsigned __int128 power_of_ten(int exponent) {
  return kPowersOfTen[static_cast<std::size_t>(exponent)];
}

// digits × 10^-scale to a whole number of 10^-target, half-even; nullopt when it does not fit 126 bits.
std::optional<unsigned __int128> rescale(Decimal d, int target) {
  int shift = target - d.scale;
  while (shift > 0) {
    if (d.digits >= kDigitLimit) return std::nullopt;
    if (d.digits == 0) return 0;
    d.digits *= 10;
    --shift;
  }
  if (shift == 0) return d.digits;
  if (shift < -kMostTens) return 0;
  const unsigned __int128 divisor = power_of_ten(-shift);
  const auto quotient = d.digits / divisor, rest = d.digits % divisor;
  const auto twice = rest * 2;
  const bool up = rest > divisor - rest || (twice == divisor && (quotient & 1));
  return quotient + (up ? 1 : 0);
}

Result<PicoUsd> to_pico(const Decimal& d, std::string_view shown) {
  const auto whole = rescale(d, 12);
  if (!whole || *whole > static_cast<unsigned __int128>(std::numeric_limits<std::int64_t>::max()))
    return fail(Fault::bad_input, "the amount " + std::string(shown.substr(0, 40)) + " is out of range");
  const auto value = static_cast<std::int64_t>(*whole);
  return PicoUsd{d.negative ? -value : value};
}

constexpr unsigned __int128 kPico = 1'000'000'000'000;
constexpr int kSumScale = 24;

std::unexpected<Failure> out_of_range() { return fail(Fault::internal, "a cost is out of range"); }

void put_six(char* to, std::uint32_t digits) {
  for (int i = 5; i >= 0; --i, digits /= 10) to[i] = static_cast<char>('0' + digits % 10);
}

}  // namespace

Result<PicoUsd> add(PicoUsd a, PicoUsd b) {
  PicoUsd sum;
  if (__builtin_add_overflow(a.value, b.value, &sum.value)) return fail(Fault::internal, "money overflow");
  return sum;
}

Result<PicoUsd> parse_usd(std::string_view text) {
  const auto decimal = read_decimal(text);
  if (!decimal) return fail(Fault::bad_input, "not a decimal amount: " + std::string(text.substr(0, 40)));
  return to_pico(*decimal, text);
}

char* put_decimal(char* to, PicoUsd amount) {
  constexpr std::uint64_t kOne = 1'000'000'000'000;
  const bool negative = amount.value < 0;
  const auto magnitude =
      negative ? 0 - static_cast<std::uint64_t>(amount.value) : static_cast<std::uint64_t>(amount.value);
  if (negative) *to++ = '-';
  to = std::to_chars(to, to + kLongestDecimal, magnitude / kOne).ptr;
  const std::uint64_t fraction = magnitude % kOne;
  if (fraction == 0) return to;
  *to++ = '.';
  put_six(to, static_cast<std::uint32_t>(fraction / 1'000'000));
  put_six(to + 6, static_cast<std::uint32_t>(fraction % 1'000'000));
  char* end = to + 12;
  while (end[-1] == '0') --end;
  return end;
}

std::string to_decimal(PicoUsd amount) {
  std::array<char, kLongestDecimal> text{};
  return {text.data(), put_decimal(text.data(), amount)};
}

Result<Price> parse_price(std::string_view decimal) {
  const auto read = read_decimal(decimal);
  if (!read) return fail(Fault::bad_input, "not a price: " + std::string(decimal.substr(0, 40)));
  if (read->negative && read->digits != 0) return Price{-1, 0};
  Decimal exact = *read;
  while (exact.scale > 0 && exact.digits % 10 == 0) exact.digits /= 10, --exact.scale;
  while (exact.scale < 0 && exact.digits < kDigitLimit / 10) exact.digits *= 10, ++exact.scale;
  if (exact.scale < 0 || exact.scale > 24 ||
      exact.digits > static_cast<unsigned __int128>(std::numeric_limits<std::int64_t>::max()))
    return fail(Fault::bad_input, "the price " + std::string(decimal.substr(0, 40)) + " is out of range");
  return Price{static_cast<std::int64_t>(exact.digits), exact.scale};
}

std::strong_ordering compare(Price a, Price b) {
  // The one with fewer decimals is brought to the other's, and is larger once it leaves 128 bits on the way.
  auto left = static_cast<__int128>(a.units), right = static_cast<__int128>(b.units);
  for (int i = a.scale; i < b.scale; ++i)
    if (__builtin_mul_overflow(left, static_cast<__int128>(10), &left)) return std::strong_ordering::greater;
  for (int i = b.scale; i < a.scale; ++i)
    if (__builtin_mul_overflow(right, static_cast<__int128>(10), &right)) return std::strong_ordering::less;
  return left <=> right;
}

void CostSum::add(Price price, std::int64_t count) {
  if (count <= 0) return;
  if (!price.known()) {
    known_ = false;
    return;
  }
  __int128 product = static_cast<__int128>(price.units) * count;
  const auto shift = static_cast<__int128>(power_of_ten(kSumScale - price.scale));
  if (__builtin_mul_overflow(product, shift, &product) || __builtin_add_overflow(sum_, product, &sum_))
    overflow_ = true;
}

Result<PicoUsd> CostSum::total(Rounding rounding) const {
  if (!known_) return fail(Fault::bad_input, "a price of this model is not known before routing");
  if (overflow_) return out_of_range();
  auto sum = static_cast<unsigned __int128>(sum_);
  if (rounding == Rounding::up) sum += (kPico - sum % kPico) % kPico;
  const auto total = to_pico({.negative = false, .digits = sum, .scale = kSumScale}, "");
  return total ? total : out_of_range();
}

// With sum = a × 10¹² + b and factor = 1 − discount = f × 10⁻ˢ: the result is (a × f + b × f × 10⁻¹²) × 10⁻ˢ
// pico-dollars. a is below 2⁶³, b below 10¹² and f at most 10¹⁸, so that no product passes 127 bits.
Result<PicoUsd> CostSum::total_less(Price discount) const {
  if (const auto whole = total(); !whole) return whole;
  const unsigned __int128 one = power_of_ten(discount.scale);
  if (!discount.known() || discount.scale > kDiscountScale ||
      static_cast<unsigned __int128>(discount.units) > one)
    return fail(Fault::bad_input, "a discount is a fraction from 0 to 1");
  const auto sum = static_cast<unsigned __int128>(sum_);
  const unsigned __int128 factor = one - static_cast<unsigned __int128>(discount.units);
  const unsigned __int128 product = sum / kPico * factor;
  const unsigned __int128 rest = product % one * kPico + sum % kPico * factor;  // in 10⁻¹²⁻ˢ
  const unsigned __int128 whole = product / one + rest / (one * kPico), left = rest % (one * kPico);
  const unsigned __int128 half = one * kPico / 2;
  const bool up = left > half || (left == half && (whole & 1) != 0);
  return PicoUsd{static_cast<std::int64_t>(whole + (up ? 1 : 0))};
}

}  // namespace gantry
