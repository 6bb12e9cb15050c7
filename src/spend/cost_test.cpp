#include "spend/cost.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace gantry::spend {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wire::FinishReason;

wire::Pricing pricing(const std::string& members) {
  const std::string text = R"({"prompt":"0.000001","completion":"0.00001")" + members + "}";
  wire::JsonIndex index;
  EXPECT_FALSE(index.parse(text)) << text;
  const auto read = wire::read_pricing(index.root());
  EXPECT_TRUE(read) << text;
  return read.value_or(wire::Pricing{});
}

wire::Usage usage(const std::string& members) {
  wire::ReplyScanner scanner;
  const std::string body = R"({"usage":{"prompt_tokens":1000,"completion_tokens":100)" + members + "}}";
  const auto reply = scanner.reply(body);
  EXPECT_TRUE(reply && reply->usage) << body;
  return reply && reply->usage ? *reply->usage : wire::Usage{};
}

// 2026-11-24 at this hour.
WallTime hour(int hours) {
  return WallTime{std::chrono::sys_days{2026y / 11 / 24}} + std::chrono::hours{hours};
}

struct Row {
  std::string name, prices, usage;
  Circumstances when;
  std::string cost;
};

TEST(ComputedCost, is_tokens_times_prices) {
  const std::string prompt_details = R"(,"prompt_tokens_details":)",
                    answer_details = R"(,"completion_tokens_details":)";
  const std::vector<Row> rows = {
      {"plain tokens", "", "", {}, "0.002"},
      {"a price of each request", R"(,"request":"0.5")", "", {}, "0.502"},
      {"images", R"(,"image":"0.25")", "", {.images = 2}, "0.502"},
      {"cached tokens cost less",
       R"(,"input_cache_read":"0.0000001")",
       prompt_details + R"({"cached_tokens":400})",
       {},
       "0.00164"},
      {"cached tokens without a price are plain",
       "",
       prompt_details + R"({"cached_tokens":400})",
       {},
       "0.002"},
      {"tokens written to a cache cost more",
       R"(,"input_cache_write":"0.00000125")",
       prompt_details + R"({"cache_write_tokens":400})",
       {},
       "0.0021"},
      {"and for an hour still more",
       R"(,"input_cache_write":"0.00000125","input_cache_write_1h":"0.000002")",
       prompt_details + R"({"cache_write_tokens":400})",
       {.caches_long = true},
       "0.0024"},
      {"a fee below the prompt's price is on top",
       R"(,"input_cache_write":"0.0000001")",
       prompt_details + R"({"cache_write_tokens":400})",
       {},
       "0.00204"},
      {"audio tokens",
       R"(,"audio":"0.00001","audio_output":"0.0001")",
       prompt_details + R"({"audio_tokens":100})" + answer_details + R"({"audio_tokens":10})",
       {},
       "0.0038"},
      {"reasoning tokens",
       R"(,"internal_reasoning":"0.00002")",
       answer_details + R"({"reasoning_tokens":50})",
       {},
       "0.0025"},
      {"parts larger than the whole count once",
       R"(,"input_cache_read":"0","input_cache_write":"0.00001")",
       prompt_details + R"({"cached_tokens":900,"cache_write_tokens":900,"audio_tokens":900})",
       {},
       "0.002"},
      {"negative parts are none", "", prompt_details + R"({"cache_write_tokens":-5})", {}, "0.002"},
      {"a discount", R"(,"discount":0.25)", "", {}, "0.0015"},
      {"searches", R"(,"web_search":"0.01")", R"(,"server_tool_use":{"web_search_requests":2})", {}, "0.022"},
      {"a long prompt", R"(,"overrides":[{"min_prompt_tokens":999,"prompt":"0.000002"}])", "", {}, "0.003"},
      {"a prompt at the edge of a long one",
       R"(,"overrides":[{"min_prompt_tokens":1000,"prompt":"0.000002"}])",
       "",
       {},
       "0.002"},
      {"at night",
       R"(,"overrides":[{"utc_start":2200,"utc_end":600,"completion":"0"}])",
       "",
       {.at = hour(23)},
       "0.001"},
      {"in the morning",
       R"(,"overrides":[{"utc_start":2200,"utc_end":600,"completion":"0"}])",
       "",
       {.at = hour(6)},
       "0.002"},
      {"a half goes to even", R"(,"request":"0.0000000000005")", "", {}, "0.002"},
  };
  for (const Row& row : rows) {
    const auto cost = computed_cost(usage(row.usage), pricing(row.prices), row.when);
    ASSERT_TRUE(cost) << row.name << ": " << cost.error().detail;
    EXPECT_EQ(to_decimal(*cost), row.cost) << row.name;
  }
}

TEST(ComputedCost, is_unknown_and_not_zero_when_too_little_is_told) {
  const std::vector<Row> rows = {
      {"no tokens", "", R"(,"x":1)", {}, "token counts"},
      {"the provider's bill", "", R"(,"is_byok":true)", {}, "the provider"},
      {"tools were run",
       "",
       R"(,"server_tool_use_details":{"tool_calls_executed":2,"web_search_requests":1})",
       {},
       "ran tools"},
      {"searches without a price", "", R"(,"server_tool_use":{"web_search_requests":1})", {}, "no price"},
      {"images were made",
       R"(,"image_output":"0.04")",
       R"(,"completion_tokens_details":{"image_tokens":9})",
       {},
       "number of images"},
      {"tokens of images have a price", R"(,"image_token":"0.1")", "", {.images = 1}, "tokens of images"},
  };
  for (const Row& row : rows) {
    wire::Usage told = usage(row.usage);
    if (row.name == "no tokens") told.completion_tokens.reset();
    const auto cost = computed_cost(told, pricing(row.prices), row.when);
    ASSERT_FALSE(cost) << row.name;
    EXPECT_EQ(cost.error().fault, Fault::not_found) << row.name;
    EXPECT_THAT(cost.error().detail, HasSubstr(row.cost)) << row.name;
  }
}

TEST(KnownFree, are_the_ends_that_nobody_is_charged_for) {
  struct Ending {
    std::string name;
    End end;
    bool free;
  };
  const std::vector<Ending> rows = {
      {"an answer", {.finish = FinishReason::stop, .completion_tokens = 5}, false},
      {"it ended in an error", {.finish = FinishReason::error}, true},
      {"it ended in an error after some text", {.finish = FinishReason::error, .completion_tokens = 5}, true},
      {"it ended in an error, and was searched for",
       {.finish = FinishReason::error, .other_fees = true},
       false},
      {"no tokens and no reason", {.completion_tokens = 0}, true},
      {"no tokens and no reason, and files were read", {.completion_tokens = 0, .other_fees = true}, false},
      {"no reason, and tokens nobody told", {}, false},
      {"no tokens, but a reason", {.finish = FinishReason::stop, .completion_tokens = 0}, false},
      {"cut short by a filter", {.finish = FinishReason::content_filter, .completion_tokens = 0}, false},
      {"out of the response cache",
       {.finish = FinishReason::stop,
        .prompt_tokens = 0,
        .completion_tokens = 0,
        .cache_hit = true,
        .other_fees = true},
       true},
      {"a hit that was charged",
       {.finish = FinishReason::stop, .prompt_tokens = 9, .completion_tokens = 2, .cache_hit = true},
       false},
      {"a hit that does not tell", {.finish = FinishReason::stop, .cache_hit = true}, false},
      {"nothing used, and no hit",
       {.finish = FinishReason::stop, .prompt_tokens = 0, .completion_tokens = 0},
       false},
  };
  for (const Ending& row : rows) EXPECT_EQ(known_free(row.end), row.free) << row.name;
}

}  // namespace
}  // namespace gantry::spend
