#include "base/money.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <limits>
#include <string>
#include <vector>

namespace gantry {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

struct Read {
  std::string name;
  std::string text;
  std::int64_t pico;
};

TEST(ParseUsd, reads_amounts_to_the_last_digit) {
  const std::vector<Read> rows = {
      {"a whole number", "12", 12'000'000'000'000},
      {"a cost as upstream writes it", "0.0000123", 12'300'000},
      {"an exponent", "1.5e-7", 150'000},
      {"an exponent with a plus sign", "1e+2", 100'000'000'000'000},
      {"a capital E", "2E-3", 2'000'000'000},
      {"zero", "0", 0},
      {"minus zero is zero", "-0.0", 0},
      {"a negative amount", "-0.5", -500'000'000'000},
      {"twelve decimals exactly", "0.000000000001", 1},
      {"a half is rounded to even: down", "0.0000000000005", 0},
      {"a half is rounded to even: up", "0.0000000000015", 2},
      {"just above a half goes up", "0.00000000000050000000000000000000000000000000000001", 1},
      {"just below a half goes down", "0.0000000000014999999999999999999999999999999999999", 1},
      {"a negative half is rounded to even too", "-0.0000000000025", -2},
      {"far below a pico-dollar", "1e-300", 0},
      {"the largest amount", "9223372.036854775807", kMax},
      {"zero with a huge exponent", "0e999", 0},
  };
  for (const auto& row : rows) {
    const auto amount = parse_usd(row.text);
    ASSERT_TRUE(amount.has_value()) << row.name << ": " << row.text;
    EXPECT_EQ(amount->value, row.pico) << row.name << ": " << row.text;
  }
}

TEST(ParseUsd, refuses_what_is_no_amount) {
  const std::vector<std::string> rows = {"",
                                         "-",
                                         ".",
                                         "abc",
                                         "1,5",
                                         "1.2.3",
                                         "1e",
                                         "1e+",
                                         "0x10",
                                         "NaN",
                                         "inf",
                                         " 1",
                                         "1 ",
                                         "+1",
                                         "1e99",
                                         "--1",
                                         "$5",
                                         "1e5000",
                                         "null",
                                         "1e-x",
                                         "9223372.036854775808",
                                         "-9223373",
                                         "123456789012345678901234567890123456789012"};
  for (const auto& text : rows) {
    const auto amount = parse_usd(text);
    ASSERT_FALSE(amount.has_value()) << text << " was read as " << amount->value;
    EXPECT_EQ(amount.error().fault, Fault::bad_input) << text;
  }
}

TEST(ParseUsd, undoes_to_decimal) {
  EXPECT_TRUE(rc::check("reading the written amount gives it back", [](std::int64_t value) {
    if (value == std::numeric_limits<std::int64_t>::min()) value = 0;
    const auto back = parse_usd(to_decimal(PicoUsd{value}));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->value == value);
  }));
}

TEST(ParseUsd, agrees_with_shifting_the_exponent) {
  EXPECT_TRUE(rc::check("1234.5 and 12345e-1 are the same amount", [] {
    const auto digits = *rc::gen::inRange<std::int64_t>(0, 9'000'000);
    const auto places = *rc::gen::inRange(0, 12);
    std::string text = std::to_string(digits);
    const auto shifted = parse_usd(text + "e-" + std::to_string(places));
    if (text.size() <= static_cast<std::size_t>(places))
      text.insert(0, static_cast<std::size_t>(places) + 1 - text.size(), '0');
    text.insert(text.size() - static_cast<std::size_t>(places), ".");
    if (text.ends_with('.')) text.pop_back();
    const auto plain = parse_usd(text);
    RC_ASSERT(shifted.has_value() && plain.has_value());
    RC_ASSERT((*shifted == *plain));
  }));
}

TEST(ToDecimal, is_short_and_without_an_exponent) {
  EXPECT_EQ(to_decimal(PicoUsd{12'300'000}), "0.0000123");
  EXPECT_EQ(to_decimal(PicoUsd{0}), "0");
  EXPECT_EQ(to_decimal(PicoUsd{1}), "0.000000000001");
  EXPECT_EQ(to_decimal(PicoUsd{-1'500'000'000'000}), "-1.5");
  EXPECT_EQ(to_decimal(PicoUsd{std::numeric_limits<std::int64_t>::min()}), "-9223372.036854775808");
}

TEST(Add, is_checked_at_both_ends) {
  EXPECT_EQ(add(PicoUsd{2}, PicoUsd{3}), PicoUsd{5});
  const auto over = add(PicoUsd{kMax}, PicoUsd{1});
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().fault, Fault::internal);
  EXPECT_FALSE(add(PicoUsd{-kMax}, PicoUsd{-2}).has_value());
}

TEST(ParsePrice, keeps_every_digit) {
  struct Row {
    std::string text;
    std::int64_t units;
    int scale;
  };
  const std::vector<Row> rows = {
      {"0.00000028", 28, 8},
      {"0", 0, 0},
      {"0.0000002800", 28, 8},
      {"3e-7", 3, 7},
      {"15", 15, 0},
      {"2e2", 200, 0},
      {"0.000000000000000000000001", 1, 24},
      {"0.0000000749999999", 749999999, 16},
  };
  for (const auto& row : rows) {
    const auto price = parse_price(row.text);
    ASSERT_TRUE(price.has_value()) << row.text;
    EXPECT_EQ(price->units, row.units) << row.text;
    EXPECT_EQ(price->scale, row.scale) << row.text;
    EXPECT_TRUE(price->known()) << row.text;
  }
}

TEST(ParsePrice, reads_a_negative_one_as_unknown) {
  const auto price = parse_price("-1");
  ASSERT_TRUE(price.has_value());
  EXPECT_FALSE(price->known());
}

TEST(ParsePrice, refuses_nonsense_and_what_it_cannot_hold) {
  for (const std::string text : {"", "free", "1e-25", "1e30", "NaN", "99999999999999999999"}) {
    const auto price = parse_price(text);
    ASSERT_FALSE(price.has_value()) << text;
    EXPECT_EQ(price.error().fault, Fault::bad_input) << text;
  }
}

TEST(CostSum, rounds_once_over_all_parts) {
  CostSum sum;
  const Price third{4, 13};  // 0.4 pico-dollars each: rounded one by one they would come to nothing
  for (int i = 0; i < 5; ++i) sum.add(third, 1);
  ASSERT_TRUE(sum.total().has_value());
  EXPECT_EQ(sum.total()->value, 2);
}

TEST(CostSum, gives_the_documented_example) {
  CostSum sum;
  sum.add(*parse_price("0.000001"), 9);
  sum.add(*parse_price("0.00000165"), 2);
  EXPECT_EQ(to_decimal(*sum.total()), "0.0000123");
}

TEST(CostSum, is_unknown_once_a_price_is_unknown_and_something_was_counted) {
  CostSum sum;
  sum.add(Price{-1, 0}, 0);
  EXPECT_TRUE(sum.known()) << "nothing was used of it";
  sum.add(Price{-1, 0}, 1);
  EXPECT_FALSE(sum.known());
  ASSERT_FALSE(sum.total().has_value());
  EXPECT_EQ(sum.total().error().fault, Fault::bad_input);
}

TEST(CostSum, tells_overflow_from_an_unknown_price) {
  CostSum product;
  product.add(Price{kMax, 0}, kMax);
  ASSERT_FALSE(product.total().has_value());
  EXPECT_EQ(product.total().error().fault, Fault::internal);
  CostSum range;
  range.add(Price{1, 0}, 9'300'000);
  ASSERT_FALSE(range.total().has_value());
  EXPECT_EQ(range.total().error().fault, Fault::internal);
}

TEST(CostSum, does_not_depend_on_the_order_or_the_splitting) {
  EXPECT_TRUE(rc::check("a count may be split and added in any order", [] {
    const Price price{*rc::gen::inRange<std::int64_t>(0, 1'000'000), *rc::gen::inRange(0, 25)};
    const auto first = *rc::gen::inRange<std::int64_t>(0, 1'000'000),
               second = *rc::gen::inRange<std::int64_t>(0, 1'000'000);
    CostSum whole, split;
    whole.add(price, first + second);
    split.add(price, second);
    split.add(price, first);
    RC_ASSERT((whole.total() == split.total()));
  }));
}

TEST(CostSum, rounds_up_when_it_bounds) {
  const auto up = [](std::int64_t units, int scale) {
    CostSum sum;
    sum.add(Price{units, scale}, 1);
    return sum.total(Rounding::up)->value;
  };
  EXPECT_EQ(up(0, 0), 0);
  EXPECT_EQ(up(1, 24), 1) << "the smallest part of a pico-dollar";
  EXPECT_EQ(up(1, 12), 1);
  EXPECT_EQ(up(1'000'000'000'001, 24), 2);
  EXPECT_EQ(up(9, 0), 9'000'000'000'000);
}

TEST(CostSum, takes_a_discount_off_before_it_rounds) {
  const auto less = [](Price price, std::int64_t count, std::string_view discount) {
    CostSum sum;
    sum.add(price, count);
    const auto total = sum.total_less(*parse_price(discount));
    return total ? total->value : -1;
  };
  EXPECT_EQ(less({1, 6}, 100, "0"), 100'000'000);
  EXPECT_EQ(less({1, 6}, 100, "0.25"), 75'000'000);
  EXPECT_EQ(less({1, 6}, 100, "1"), 0);
  EXPECT_EQ(less({5, 12}, 1, "0.9"), 0) << "a half goes to even";
  EXPECT_EQ(less({15, 12}, 1, "0.9"), 2) << "a half goes to even";
  EXPECT_EQ(less({1, 12}, 1, "0.499999999999999999"), 1) << "a hair above a half";
  EXPECT_EQ(less({9, 0}, 1'000'000, "0.000000000000000001"), 9'000'000'000'000'000'000 - 9)
      << "all digits of the largest";
  EXPECT_EQ(less({1, 0}, 1, "1.1"), -1);
  EXPECT_EQ(less({1, 0}, 1, "-0.1"), -1);
  EXPECT_EQ(less({1, 0}, 1, "0.0000000000000000001"), -1) << "more decimals than it can hold";
}

TEST(Prices, compare_whatever_their_scales) {
  using std::strong_ordering;
  struct Row {
    Price a, b;
    strong_ordering order;
  };
  for (const Row& row :
       {Row{{1, 6}, {10, 7}, strong_ordering::equal}, Row{{1, 6}, {11, 7}, strong_ordering::less},
        Row{{0, 0}, {0, 24}, strong_ordering::equal}, Row{{1, 24}, {0, 0}, strong_ordering::greater},
        Row{{kMax, 0}, {kMax, 24}, strong_ordering::greater},
        Row{{1, 24}, {kMax, 0}, strong_ordering::less}}) {
    EXPECT_EQ(compare(row.a, row.b), row.order) << row.a.units << "e-" << row.a.scale;
    EXPECT_EQ(compare(row.b, row.a), 0 <=> row.order) << row.b.units << "e-" << row.b.scale;
  }
}

}  // namespace
}  // namespace gantry
