#include "wire/pricing.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace gantry::wire {
namespace {

using namespace std::chrono_literals;

std::optional<Pricing> read(const std::string& json) {
  JsonIndex index;
  EXPECT_FALSE(index.parse(json)) << json;
  return read_pricing(index.root());
}

// Besides prompt and completion.
std::optional<Pricing> with(const std::string& members) {
  return read(R"({"prompt":"0.000001","completion":"0.000002",)" + members + "}");
}

bool is(std::optional<Price> price, std::string_view decimal) {
  return price && compare(*price, *parse_price(decimal)) == 0;
}

// On some day, in UTC.
WallTime clock(int hour, int minute, int second = 0) {
  return WallTime{std::chrono::sys_days{2026y / 11 / 24}} + std::chrono::hours{hour} +
         std::chrono::minutes{minute} + std::chrono::seconds{second};
}

TEST(Pricing, keeps_every_digit_of_every_price) {
  std::string json;
  for (std::size_t i = 0; i < kPriceKeyCount; ++i)
    json += (i ? ",\"" : "{\"") + std::string(name(static_cast<PriceKey>(i))) +
            R"(":"0.00000000000000000000)" + std::to_string(10 + i) + "\"";
  const auto pricing = read(json + "}");
  ASSERT_TRUE(pricing) << json;
  for (std::size_t i = 0; i < kPriceKeyCount; ++i)
    EXPECT_TRUE(
        is(pricing->base.find(static_cast<PriceKey>(i)), "0.00000000000000000000" + std::to_string(10 + i)))
        << name(static_cast<PriceKey>(i));
  EXPECT_TRUE(
      is(with(R"("input_cache_write":"0.00000008333333333333334")")->base.find(PriceKey::input_cache_write),
         "8.333333333333334e-8"));
}

TEST(Pricing, is_no_price_when_anything_in_it_is_not_one) {
  struct Row {
    std::string why, json;
  };
  const std::vector<Row> rows = {
      {"only a router knows", R"({"prompt":"-1","completion":"-1"})"},
      {"the prompt's price is missing", R"({"completion":"0"})"},
      {"the completion's price is null", R"({"prompt":"0","completion":null})"},
      {"a component is negative", R"({"prompt":"0","completion":"0","request":"-0.1"})"},
      {"a component is not finite", R"({"prompt":"0","completion":"0","image":"NaN"})"},
      {"a component is not finite either", R"({"prompt":"inf","completion":"0"})"},
      {"a component is a word", R"({"prompt":"free","completion":"0"})"},
      {"a component is empty", R"({"prompt":"","completion":"0"})"},
      {"a component is an object", R"({"prompt":{},"completion":"0"})"},
      {"a component has more digits than a price", R"({"prompt":"1e-30","completion":"0"})"},
      {"the discount is negative", R"({"prompt":"0","completion":"0","discount":-0.1})"},
      {"the discount is more than all", R"({"prompt":"0","completion":"0","discount":1.01})"},
      {"overrides are no list", R"({"prompt":"0","completion":"0","overrides":{}})"},
      {"an override is no object", R"({"prompt":"0","completion":"0","overrides":[1]})"},
      {"an override's price is negative", R"({"prompt":"0","completion":"0","overrides":[{"prompt":"-1"}]})"},
      {"a condition is no number",
       R"({"prompt":"0","completion":"0","overrides":[{"min_prompt_tokens":"many"}]})"},
      {"a condition is no clock", R"({"prompt":"0","completion":"0","overrides":[{"utc_start":1260}]})"},
      {"a condition is past the day", R"({"prompt":"0","completion":"0","overrides":[{"utc_end":2401}]})"},
      {"it is no object", "[]"},
  };
  for (const auto& row : rows) EXPECT_FALSE(read(row.json)) << row.why << ": " << row.json;
}

TEST(Pricing, takes_numbers_nulls_and_what_it_does_not_know) {
  const auto pricing = read(
      R"({"prompt":0.0000005,"completion":"0","image":null,"a_price_of_tomorrow":"-1","discount":null,"overrides":null})");
  ASSERT_TRUE(pricing);
  EXPECT_TRUE(is(pricing->base.find(PriceKey::prompt), "0.0000005"));
  EXPECT_TRUE(is(pricing->base.find(PriceKey::completion), "0"));
  EXPECT_FALSE(pricing->base.find(PriceKey::image));
  EXPECT_TRUE(pricing->overrides.empty());
  EXPECT_TRUE(is(with(R"("discount":0.30000000000000004)")->discount, "0.30000000000000004"));
}

TEST(Pricing, takes_the_overrides_whose_conditions_all_hold_and_the_later_one_wins) {
  const auto list = with(R"("audio":"5","overrides":[
    {"min_prompt_tokens":1000,"prompt":"10","completion":"20"},
    {"utc_start":2200,"utc_end":600,"prompt":"3"},
    {"min_prompt_tokens":1000,"utc_start":2200,"utc_end":600,"completion":"7","a_field_of_tomorrow":1}])");
  ASSERT_TRUE(list);
  struct Row {
    std::int64_t tokens;
    WallTime at;
    std::string prompt, completion;
  };
  for (const Row& row : {Row{1000, clock(12, 0), "0.000001", "0.000002"}, Row{1001, clock(12, 0), "10", "20"},
                         Row{1, clock(23, 0), "3", "0.000002"}, Row{1001, clock(5, 59, 59), "3", "7"},
                         Row{1001, clock(6, 0), "10", "20"}}) {
    const PriceList prices = list->in_force(row.tokens, row.at);
    EXPECT_TRUE(is(prices.find(PriceKey::prompt), row.prompt)) << row.tokens << " " << row.prompt;
    EXPECT_TRUE(is(prices.find(PriceKey::completion), row.completion)) << row.tokens << " " << row.completion;
    EXPECT_TRUE(is(prices.find(PriceKey::audio), "5")) << "what an override leaves out is inherited";
  }
}

TEST(DailyWindow, touches_what_overlaps_it) {
  struct Row {
    std::string name;
    DailyWindow window;
    WallTime from, to;
    bool touches;
  };
  const DailyWindow day{9 * 60, 17 * 60}, night{22 * 60, 6 * 60};
  const std::vector<Row> rows = {
      {"its first moment is in it", day, clock(9, 0), clock(9, 0), true},
      {"its last is not", day, clock(17, 0), clock(17, 0), false},
      {"a nanosecond before the end is", day, clock(17, 0) - 1ns, clock(17, 0) - 1ns, true},
      {"a call that reaches its beginning", day, clock(8, 50), clock(9, 0), true},
      {"a call that ends before", day, clock(8, 50), clock(9, 0) - 1ns, false},
      {"a call after it", day, clock(17, 0), clock(23, 0), false},
      {"a call over midnight to the next day's", day, clock(23, 0), clock(9, 0) + 24h, true},
      {"a call around it", day, clock(8, 0), clock(18, 0), true},
      {"over midnight, before it", night, clock(23, 59), clock(23, 59), true},
      {"over midnight, behind it", night, clock(0, 0), clock(0, 0), true},
      {"over midnight, at its end", night, clock(6, 0), clock(6, 0), false},
      {"over midnight, at noon", night, clock(12, 0), clock(21, 59), false},
      {"an empty one", {60, 60}, clock(1, 0), clock(1, 0), false},
      {"the whole day", {}, clock(13, 0), clock(13, 0), true},
      {"until midnight", {12 * 60, 24 * 60}, clock(23, 59, 59), clock(23, 59, 59), true},
      {"until midnight, after it", {12 * 60, 24 * 60}, clock(0, 0), clock(0, 0), false},
      {"before 1970", day, WallTime{} - 24h + 9h, WallTime{} - 24h + 9h, true},
  };
  for (const auto& row : rows) EXPECT_EQ(row.window.touches(row.from, row.to), row.touches) << row.name;
}

TEST(DailyWindow, touches_a_span_exactly_when_it_touches_some_minute_of_it) {
  EXPECT_TRUE(rc::check("a span is all of its moments", [] {
    const DailyWindow window{*rc::gen::inRange(0, 1441), *rc::gen::inRange(0, 1441)};
    const WallTime from = clock(0, *rc::gen::inRange(0, 1440));
    const int minutes = *rc::gen::inRange(0, 1600);
    bool some = false;
    for (int i = 0; i <= minutes; ++i) {
      const WallTime at = from + std::chrono::minutes{i};
      some = some || window.touches(at, at);
    }
    RC_ASSERT(window.touches(from, from + std::chrono::minutes{minutes}) == some);
  }));
}

}  // namespace
}  // namespace gantry::wire
