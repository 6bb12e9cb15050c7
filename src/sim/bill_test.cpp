#include "sim/bill.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <boost/json.hpp>

#include "sim/request.hpp"

namespace gantry::sim {
namespace {

using namespace std::chrono;

constexpr WallTime kNoon{seconds{1'790'000'000 / 86'400 * 86'400 + 43'200}};  // 12:00 UTC

const Model& model(std::string_view id) {
  static const auto made = Catalogue::builtin(kNoon).value();
  const auto* found = made.find(id);
  if (!found) throw std::runtime_error("no model " + std::string(id));
  return *found;
}

Pricing priced(const std::string& pricing) {
  const auto list = Catalogue::parse(R"([{"id":"a/b","pricing":)" + pricing + "}]", "test", kNoon);
  if (!list) throw std::runtime_error(list.error().detail);
  return list->find("a/b")->pricing;
}

std::string cost(const Usage& usage, const Pricing& pricing) {
  const auto bill = price(usage, pricing, kNoon);
  return bill ? to_decimal(bill->total) : bill.error().detail;
}

TEST(Price, agrees_with_the_list_to_the_last_digit) {
  struct Row {
    std::string_view name, model;
    Usage usage;
    std::string_view cost;
  };
  const Row rows[] = {
      {"a cheap model",
       "meta-llama/llama-3.1-8b-instruct",
       {.prompt_tokens = 7, .completion_tokens = 3},
       "0.00000029"},
      {"a dear model", "openai/o1-pro", {.prompt_tokens = 1, .completion_tokens = 1}, "0.00075"},
      {"the primary",
       "anthropic/claude-sonnet-4.5",
       {.prompt_tokens = 1001, .completion_tokens = 333},
       "0.007998"},
      {"odd digits", "deepseek/deepseek-v3.2", {.prompt_tokens = 999, .completion_tokens = 7}, "0.000254394"},
      {"ten decimals",
       "qwen/qwen3-235b-a22b-thinking-2507",
       {.prompt_tokens = 3, .completion_tokens = 1},
       "0.0000019435"},
      {"a free model", "openai/gpt-oss-20b:free", {.prompt_tokens = 1000, .completion_tokens = 1000}, "0"},
      {"reasoning at its own price",
       "google/gemini-2.5-flash",
       {.prompt_tokens = 10, .completion_tokens = 10, .reasoning_tokens = 4},
       "0.000028"},
      {"audio at its own price",
       "google/gemini-2.5-flash",
       {.prompt_tokens = 30, .audio_tokens = 10},
       "0.000016"},
      {"an image", "google/gemini-2.5-pro", {.prompt_tokens = 85, .images = 1}, "0.0001075"},
      {"at the threshold the base price",
       "google/gemini-2.5-pro",
       {.prompt_tokens = 200'000, .completion_tokens = 1},
       "0.25001"},
      {"above it the override",
       "google/gemini-2.5-pro",
       {.prompt_tokens = 200'001, .completion_tokens = 1},
       "0.5000175"},
      {"nothing used", "openai/gpt-4.1", {}, "0"},
  };
  for (const auto& row : rows) {
    const auto bill = price(row.usage, model(row.model).pricing, kNoon);
    ASSERT_TRUE(bill) << row.name;
    EXPECT_EQ(to_decimal(bill->total), row.cost) << row.name;
  }
}

TEST(Price, follows_the_clock_where_the_list_says_so) {
  const auto& m = model("deepseek/deepseek-chat-v3-0324");
  const auto cost = [&](int hour, int minute) {
    const auto midnight = floor<days>(kNoon);
    return to_decimal(price({.prompt_tokens = 1000, .completion_tokens = 1000}, m.pricing,
                            midnight + hours{hour} + minutes{minute})
                          ->total);
  };
  EXPECT_EQ(cost(16, 29), "0.00097");
  EXPECT_EQ(cost(16, 30), "0.000485");
  EXPECT_EQ(cost(0, 29), "0.000485") << "the window wraps past midnight";
  EXPECT_EQ(cost(0, 30), "0.00097");
}

TEST(Price, is_unknown_where_the_list_says_minus_one) {
  EXPECT_FALSE(price({.prompt_tokens = 1}, model("openrouter/auto").pricing, kNoon));
}

constexpr const char* kEverything =
    R"({"prompt":"1","completion":"10","request":"0.5","image":"7","image_token":"3","audio":"20","web_search":"100",
        "internal_reasoning":"40","input_cache_read":"0.1","input_cache_write":"1.25","input_cache_write_1h":"2"})";

TEST(Price, bills_every_component_that_the_list_prices) {
  struct Row {
    std::string_view name;
    Usage usage;
    std::string_view cost;
  };
  const Row rows[] = {
      {"a request, whatever is in it", {.prompt_tokens = 1}, "1.5"},
      {"an image, and its tokens", {.prompt_tokens = 86, .image_tokens = 85, .images = 1}, "263.5"},
      {"audio", {.prompt_tokens = 12, .audio_tokens = 10}, "202.5"},
      {"reasoning", {.completion_tokens = 5, .reasoning_tokens = 3}, "140.5"},
      {"a web search", {.prompt_tokens = 1, .searches = 2}, "201.5"},
      {"the prompt cache, read", {.prompt_tokens = 12, .cached_tokens = 10}, "3.5"},
      {"the prompt cache, written", {.prompt_tokens = 12, .cache_write_tokens = 10}, "15"},
      {"written for an hour",
       {.prompt_tokens = 12, .cache_write_tokens = 10, .cached_for_hour = true},
       "22.5"},
  };
  const auto pricing = priced(kEverything);
  for (const auto& row : rows) EXPECT_EQ(cost(row.usage, pricing), row.cost) << row.name;
}

TEST(Price, of_a_component_without_its_own_is_what_it_stands_for) {
  const Usage usage{.prompt_tokens = 100,
                    .completion_tokens = 10,
                    .reasoning_tokens = 4,
                    .audio_tokens = 10,
                    .image_tokens = 10,
                    .images = 1,
                    .cached_tokens = 10,
                    .cache_write_tokens = 10,
                    .searches = 1};
  EXPECT_EQ(cost(usage, priced(R"({"prompt":"1","completion":"10"})")), "200");
  EXPECT_EQ(cost(usage, priced(R"({"prompt":"1","completion":"10","internal_reasoning":"0"})")), "200");
}

TEST(Price, what_the_prompt_cache_saved_may_be_negative) {
  const auto pricing = priced(kEverything);
  const auto saved = [&](const Usage& usage) { return to_decimal(price(usage, pricing, kNoon)->saved); };
  EXPECT_EQ(saved({.prompt_tokens = 12, .cached_tokens = 10}), "9");
  EXPECT_EQ(saved({.prompt_tokens = 12, .cache_write_tokens = 10}), "-2.5");
  EXPECT_EQ(saved({.prompt_tokens = 12}), "0");
}

TEST(Price, a_discount_is_taken_off_exactly) {
  struct Row {
    std::string_view name, pricing;
    std::int64_t tokens;
    std::string_view cost;
  };
  const Row rows[] = {
      {"a quarter", R"({"prompt":"0.000003","completion":"0","discount":0.25})", 1, "0.00000225"},
      {"of an override too",
       R"({"prompt":"0.000003","completion":"0","discount":0.5,"overrides":[{"min_prompt_tokens":9,"prompt":"0.000004"}]})",
       10, "0.00002"},
      {"of a price with many digits",
       R"({"prompt":"0.00000008333333333333334","completion":"0","discount":0.125})", 24, "0.00000175"},
      {"all of it", R"({"prompt":"0.000003","completion":"0","discount":1})", 10, "0"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(cost({.prompt_tokens = row.tokens}, priced(std::string(row.pricing))), row.cost) << row.name;
}

TEST(Price, is_rounded_once_and_half_to_even) {
  const auto pricing = priced(R"({"prompt":"0.0000000000005","completion":"0.0000000000005"})");
  EXPECT_EQ(cost({.prompt_tokens = 1, .completion_tokens = 1}, pricing), "0.000000000001")
      << "two halves are one, and not two that were rounded to nothing";
  EXPECT_EQ(cost({.prompt_tokens = 1}, pricing), "0");
  EXPECT_EQ(cost({.prompt_tokens = 3}, pricing), "0.000000000002");
}

TEST(Price, of_a_whole_number_of_pico_dollars_each_is_the_plain_sum) {
  EXPECT_TRUE(rc::check([] {
    const auto below = [](int most) { return *rc::gen::inRange<std::int64_t>(0, most); };
    const auto in = below(1'000'000), out = below(1'000'000), each_in = below(1'000'000),
               each_out = below(1'000'000);
    const auto text = [](std::int64_t pico) { return to_decimal(PicoUsd{pico}); };
    const auto bill = price(
        {.prompt_tokens = in, .completion_tokens = out},
        priced(R"({"prompt":")" + text(each_in) + R"(","completion":")" + text(each_out) + R"("})"), kNoon);
    RC_ASSERT(bill->total.value == in * each_in + out * each_out);
  }));
}

TEST(Tier, has_its_own_prices_and_the_usual_ones_where_it_has_none) {
  const auto list = Catalogue::parse(
      R"([{"id":"a/b","pricing":{"prompt":"2","completion":"4","request":"1","overrides":[{"min_prompt_tokens":0,"prompt":"9"}]},
           "sim":{"tiers":{"flex":{"prompt":"1","completion":"2"}}}}])",
      "test", kNoon);
  ASSERT_TRUE(list) << list.error().detail;
  const auto* m = list->find("a/b");
  EXPECT_EQ(m->tier("priority"), nullptr);
  ASSERT_NE(m->tier("flex"), nullptr);
  EXPECT_EQ(cost({.prompt_tokens = 1, .completion_tokens = 1}, m->tier("flex")->pricing), "4");
  EXPECT_EQ(cost({.prompt_tokens = 1, .completion_tokens = 1}, m->pricing), "14");
  EXPECT_FALSE(Catalogue::parse(
      R"([{"id":"a/b","pricing":{"prompt":"2","completion":"4"},"sim":{"tiers":{"flex":{"prompt":"cheap"}}}}])",
      "test", kNoon));
}

TEST(Distorted, by_the_faults_of_money) {
  struct Row {
    std::string_view faults, total, upstream;
  };
  const Row rows[] = {
      {"", "0.0000015", "0"},
      {"bill-factor=10", "0.000015", "0"},
      {"bill-factor=0", "0", "0"},
      {"bill-factor=0.5", "0.00000075", "0"},
      {"round=up:6", "0.000002", "0"},
      {"round=down:6", "0.000001", "0"},
      {"round=trunc:7", "0.0000015", "0"},
      {"round=up:0", "1", "0"},
      {"byok", "0.000000075", "0.0000015"},
      {"byok=0", "0", "0.0000015"},
      {"byok;round=up:6;bill-factor=20", "0.000002", "0.0000015"},
  };
  Bill honest;
  honest.total = PicoUsd{1'500'000};
  for (const auto& row : rows) {
    const auto bill = distorted(honest, parse_faults(row.faults).value());
    EXPECT_EQ(to_decimal(bill.total), row.total) << row.faults;
    EXPECT_EQ(to_decimal(bill.upstream), row.upstream) << row.faults;
  }
}

// What a request makes the simulator bill beside its text.
Request asked(std::string_view more) {
  auto parsed = parse_request(
      R"({"model":"m/n","messages":[{"role":"user","content":"12345678"}])" + std::string(more) + "}",
      Api::chat, 1);
  if (!parsed) throw std::runtime_error(parsed.error().detail);
  return std::move(*parsed);
}

TEST(Request, searches_once_by_the_plugin_and_once_by_the_tool) {
  struct Row {
    std::string_view more;
    int searches;
  };
  const Row rows[] = {
      {"", 0},
      {R"(,"plugins":[{"id":"web"}])", 1},
      {R"(,"plugins":[{"id":"web","enabled":false}])", 0},
      {R"(,"plugins":[{"id":"response-healing"}])", 0},
      {R"(,"web_search_options":{"search_context_size":"low"})", 1},
      {R"(,"tools":[{"type":"openrouter:web_search"}])", 1},
      {R"(,"plugins":[{"id":"web"}],"web_search_options":{},"tools":[{"type":"openrouter:web_search"}])", 2},
  };
  for (const auto& row : rows) EXPECT_EQ(asked(row.more).searches, row.searches) << row.more;
  EXPECT_EQ(parse_request(R"({"model":"m/n:online","prompt":"x"})", Api::completions, 1)->searches, 1);
}

TEST(Request, asks_for_a_tier_by_name_by_provider_or_by_variant) {
  struct Row {
    std::string_view more, tier;
  };
  const Row rows[] = {
      {"", ""},
      {R"(,"service_tier":"flex")", "flex"},
      {R"(,"service_tier":"fast")", "priority"},
      {R"(,"service_tier":"auto")", ""},
      {R"(,"provider":{"order":["openai/priority","openai"]})", "priority"},
      {R"(,"provider":{"only":["openai/flex"]})", "flex"},
      {R"(,"provider":{"order":["openai"]})", ""},
      {R"(,"service_tier":"default","provider":{"order":["openai/flex"]})", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(asked(row.more).tier, row.tier) << row.more;
  EXPECT_EQ(parse_request(R"({"model":"m/n:floor","prompt":"x"})", Api::completions, 1)->tier, "flex");
  EXPECT_EQ(parse_request(R"({"model":"m/n:nitro","prompt":"x"})", Api::completions, 1)->tier, "priority");
}

TEST(Request, marks_the_prefix_up_to_its_last_breakpoint) {
  const auto parsed = [](std::string_view parts, std::string_view more = "") {
    return parse_request(R"({"model":"m/n","messages":[{"role":"user","content":[)" + std::string(parts) +
                             "]}]" + std::string(more) + "}",
                         Api::chat, 1)
        .value();
  };
  constexpr std::string_view kMark =
      R"({"type":"text","text":"12345678","cache_control":{"type":"ephemeral"}})";
  constexpr std::string_view kTail = R"(,{"type":"text","text":"and more"})";
  constexpr std::string_view kLong =
      R"({"type":"text","text":"12345678","cache_control":{"type":"ephemeral","ttl":"1h"}})";
  const auto whole = parsed(kMark), tailed = parsed(std::string(kMark) + std::string(kTail));
  EXPECT_EQ(whole.cacheable_tokens, 3 + 2);
  EXPECT_EQ(tailed.cacheable_tokens, 3 + 2);
  EXPECT_EQ(tailed.text_tokens, 3 + 2 + 2);
  EXPECT_EQ(whole.cacheable_hash, tailed.cacheable_hash) << "what follows is no part of the prefix";
  EXPECT_NE(whole.cacheable_hash, parsed(std::string(kMark) + "," + std::string(kMark)).cacheable_hash);
  EXPECT_FALSE(whole.cache_for_hour);
  EXPECT_TRUE(parsed(kLong).cache_for_hour);
  EXPECT_EQ(parsed(R"({"type":"text","text":"12345678"})").cacheable_tokens, 0);
  EXPECT_EQ(parsed(R"({"type":"text","text":"12345678"})", R"(,"cache_control":{"type":"ephemeral"})")
                .cacheable_tokens,
            5);
}

}  // namespace
}  // namespace gantry::sim
