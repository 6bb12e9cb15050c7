#include "wire/decimal.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

namespace gantry::wire {
namespace {

constexpr auto kLess = std::strong_ordering::less;
constexpr auto kEqual = std::strong_ordering::equal;

TEST(Decimals, compare_by_value_whatever_way_they_are_written) {
  const struct {
    const char* a;
    const char* b;
    std::strong_ordering expected;
  } rows[] = {
      {"1", "1.0", kEqual},
      {"0", "-0.00e7", kEqual},
      {"100", "1e2", kEqual},
      {"0.001", "1E-3", kEqual},
      {"1.50", "15e-1", kEqual},
      {"9", "10", kLess},
      {"2.9999999999999999999999999", "3", kLess},
      {"3", "3.0000000000000000000000001", kLess},
      {"0", "1e-400", kLess},
      {"1e400", "1e401", kLess},
      {"-1", "0", kLess},
      {"-2", "-1", kLess},
      {"-1e9", "1e-9", kLess},
      {"5", "1e99999999999999999999999", kLess},
      {"1e-99999999999999999999999", "5", kLess},
      {"0", "1e-99999999999999999999999", kLess},
      {"0e99999999999999999999999", "1", kLess},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(compare_decimals(row.a, row.b), row.expected) << row.a << " and " << row.b;
    EXPECT_EQ(compare_decimals(row.b, row.a), 0 <=> row.expected) << row.b << " and " << row.a;
  }
}

TEST(Decimals, are_numbers_as_json_writes_them_and_nothing_else) {
  for (const char* text :
       {"", " 1", "1 ", "+1", ".5", "5.", "01", "0x1", "1,5", "$3", "NaN", "Infinity", "-", "1e"})
    EXPECT_FALSE(compare_decimals(text, "1")) << text;
}

TEST(Decimals, agree_with_integers_at_any_scale) {
  EXPECT_TRUE(rc::check("units times a power of ten compare as the units do", [] {
    const auto a = *rc::gen::arbitrary<std::int32_t>(), b = *rc::gen::arbitrary<std::int32_t>();
    const auto exponent = "e" + std::to_string(*rc::gen::inRange(-400, 400));
    RC_ASSERT((compare_decimals(std::to_string(a) + exponent, std::to_string(b) + exponent) == (a <=> b)));
  }));
}

}  // namespace
}  // namespace gantry::wire
