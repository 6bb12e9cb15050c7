#include "spend/bound.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace gantry::spend {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wire::CostDrivers;

// 24 hours of a day, in UTC.
WallTime hour(int hours) {
  return WallTime{std::chrono::sys_days{2026y / 11 / 24}} + std::chrono::hours{hours};
}

CostDrivers drivers_of(const std::string& members, const std::string& content = R"("hello")") {
  const std::string body = R"({"messages":[{"role":"user","content":)" + content + "}]" + members + "}";
  wire::RequestScanner scanner;
  const auto facts = scanner.chat(body);
  EXPECT_TRUE(facts) << body;
  return facts ? wire::read_cost_drivers(body, *facts) : CostDrivers{};
}

// "hello" in one message: 5 bytes, one piece and what stands in front.
constexpr std::int64_t kHello = 5 + kTokensPerPiece + kTokensPerRequest;

// One model "a/b", and the endpoints that are known of it.
struct Shop {
  wire::PriceTable table;
  std::vector<const wire::ModelPrices*> models;

  Shop(const std::string& pricing, const std::vector<std::string>& endpoints,
       const std::string& members = "") {
    auto parsed =
        wire::PriceTable::parse(R"({"data":[{"id":"a/b","pricing":{)" + pricing + "}" + members + "}]}");
    EXPECT_TRUE(parsed) << pricing;
    table = std::move(*parsed);
    std::string rows;
    for (const std::string& each : endpoints) rows += (rows.empty() ? "{" : ",{") + each + "}";
    if (!rows.empty())
      EXPECT_TRUE(table.add_endpoints(R"({"data":{"id":"a/b","endpoints":[)" + rows + "]}}"));
    models = {table.find("a/b")};
  }
  [[nodiscard]] Served served(WallTime at = hour(12), Duration lasts = 10min) const {
    return {models, at, lasts};
  }
};

std::string endpoint(const std::string& prices, const std::string& tag = "x") {
  return R"("tag":")" + tag + R"(","context_length":100000,"pricing":{)" + prices + "}";
}

constexpr std::int64_t kContext = 100'000;

// A micro-dollar for each token of the prompt and ten for each of the answer.
const std::string kPrices = R"("prompt":"0.000001","completion":"0.00001")";

constexpr std::int64_t kMicro = 1'000'000;  // in pico-dollars

struct Row {
  std::string name, members, prices;
  std::int64_t pico;
};

TEST(Bound, is_the_dearest_that_each_token_may_be) {
  const std::string ten = R"(,"max_tokens":10)";
  constexpr std::int64_t kPlain = (kHello + 100) * kMicro;
  const std::vector<Row> rows = {
      {"prompt and answer", ten, "", kPlain},
      {"several answers", ten + R"(,"n":3)", "", kPlain + 200 * kMicro},
      {"a reasoning budget besides", ten + R"(,"reasoning":{"max_tokens":5})", "", kPlain + 50 * kMicro},
      {"what is predicted wrongly", ten + R"(,"prediction":"abc")", "", kPlain + 50 * kMicro},
      {"tools", ten + R"(,"functions":"abc")", "", kPlain + (5 + kTokensForTools) * kMicro},
      {"a price of each request", ten, R"(,"request":"0.5")", kPlain + 500'000 * kMicro},
      {"a search that nobody asks for", ten, R"(,"web_search":"0.5")", kPlain},
      {"reasoning tokens may be dearer", ten, R"(,"internal_reasoning":"0.00002")", kPlain + 100 * kMicro},
      {"reasoning tokens may be cheaper", ten, R"(,"internal_reasoning":"0.000001")", kPlain},
      {"a cache may be written", ten, R"(,"input_cache_write":"0.000002")", kPlain + kHello * kMicro},
      {"writing may cost a fee on top", ten, R"(,"input_cache_write":"0.0000005")",
       kPlain + kHello * kMicro / 2},
      {"nobody asks for an hour", ten, R"(,"input_cache_write_1h":"0.000004")", kPlain},
      {"somebody asks for an hour", ten + R"(,"cache_control":{"ttl":"1h"})",
       R"(,"input_cache_write_1h":"0.000004")", kPlain + 3 * kHello * kMicro},
      {"reading a cache may be dearer", ten, R"(,"input_cache_read":"0.000003")",
       kPlain + 2 * kHello * kMicro},
      {"audio that nobody sends", ten, R"(,"audio":"0.001")", kPlain},
      {"an answer may be spoken", ten, R"(,"audio_output":"0.00003")", kPlain + 200 * kMicro},
      {"an answer may not be spoken", ten + R"(,"modalities":["text"])", R"(,"audio_output":"0.00003")",
       kPlain},
      {"an answer may be an image", ten + R"(,"modalities":["image"])", R"(,"image_output":"0.00003")",
       kPlain + 200 * kMicro},
      {"a discount is not counted on", ten, R"(,"discount":0.5)", kPlain},
      {"a long prompt that this is not", ten, R"(,"overrides":[{"min_prompt_tokens":1000,"prompt":"1"}])",
       kPlain},
      {"a long prompt that this may be", ten,
       R"(,"overrides":[{"min_prompt_tokens":100,"prompt":"0.000002"}])", kPlain + kHello * kMicro},
      {"a cheaper override may not apply", ten, R"(,"overrides":[{"min_prompt_tokens":1,"prompt":"0"}])",
       kPlain},
      {"an answer is no longer than the context", R"(,"max_tokens":5000000)", "",
       (kHello + 10 * kContext) * kMicro},
      {"a part of a pico-dollar is one", ten, R"(,"request":"0.0000000000001")", kPlain + 1},
  };
  for (const Row& row : rows) {
    const Shop shop(kPrices, {endpoint(kPrices + row.prices)});
    const auto most = bound(drivers_of(row.members), shop.served());
    ASSERT_TRUE(most) << row.name << ": " << most.error().field << " " << most.error().reason;
    EXPECT_EQ(most->most.value, row.pico) << row.name;
    EXPECT_FALSE(most->cap) << row.name;
  }
}

TEST(Bound, takes_the_dearest_endpoint_and_tier_that_may_serve) {
  const Shop shop(kPrices, {endpoint(R"("prompt":"0.000001","completion":"0.00001")", "a"),
                            endpoint(R"("prompt":"0.000002","completion":"0.000001")", "b"),
                            endpoint(R"("prompt":"0.000005","completion":"0.00005")", "a/priority"),
                            endpoint(R"("prompt":"0","completion":"0.00002")", "a/flex")});
  const auto most = [&](const std::string& members) {
    return bound(drivers_of(R"(,"max_tokens":10)" + members), shop.served())->most.value / kMicro;
  };
  EXPECT_EQ(most(""), 2 * kHello + 100) << "each component of the dearest for it";
  EXPECT_EQ(most(R"(,"service_tier":"priority")"), 5 * kHello + 500);
  EXPECT_EQ(most(R"(,"service_tier":"flex")"), 2 * kHello + 200);
  EXPECT_EQ(most(R"(,"provider":{"order":["a/priority"]})"), 5 * kHello + 500);
}

TEST(Bound, takes_the_dearest_of_all_models_that_may_answer) {
  Shop shop(kPrices, {endpoint(kPrices)});
  const Shop dear(kPrices, {endpoint(R"("prompt":"0.000001","completion":"0.00003")")});
  shop.models.push_back(dear.models.front());
  EXPECT_EQ(bound(drivers_of(R"(,"max_tokens":10)"), shop.served())->most.value, (kHello + 300) * kMicro);
}

TEST(Bound, takes_every_window_that_a_call_may_reach) {
  const Shop shop(kPrices,
                  {endpoint(kPrices + R"(,"overrides":[{"utc_start":1800,"utc_end":2000,"prompt":"1"}])")});
  struct At {
    std::string name;
    WallTime at;
    Duration lasts;
    bool dear;
  };
  for (const At& row :
       {At{"long before", hour(12), 10min, false}, At{"it may last into it", hour(17) + 50min, 10min, true},
        At{"in it", hour(19), 1s, true}, At{"clocks differ", hour(18) - 59s, 1s, true},
        At{"clocks differ less", hour(18) - 2min, 1s, false},
        At{"just after it, by our clock", hour(20) + 30s, 1s, true},
        At{"after it", hour(20) + 61s, 1s, false}}) {
    const auto most = bound(drivers_of(R"(,"max_tokens":10)"), shop.served(row.at, row.lasts));
    EXPECT_EQ(most->most.value > 1'000'000 * kMicro, row.dear) << row.name;
  }
}

const std::string kImage = R"([{"type":"image_url","image_url":{"url":"data:,"}}])";

TEST(Bound, of_media_is_the_context_length) {
  const auto drivers = drivers_of(R"(,"max_tokens":10)", kImage);
  const Shop shop(kPrices, {endpoint(kPrices + R"(,"image":"0.5","image_token":"0.000002")")});
  EXPECT_EQ(bound(drivers, shop.served())->most.value, (2 * kContext + 100 + 500'000) * kMicro);
  const Shop unknown(kPrices, {R"("tag":"x","pricing":{)" + kPrices + "}"});
  EXPECT_THAT(bound(drivers, unknown.served()).error().reason, HasSubstr("context length"));
  const Shop free(kPrices, {R"("tag":"x","pricing":{"prompt":"0","completion":"0"})"});
  EXPECT_EQ(bound(drivers, free.served())->most.value, 0) << "no tokens of any number cost";
}

TEST(Bound, of_an_answer_without_a_limit_is_what_its_endpoints_give) {
  const Shop limited(kPrices, {endpoint(kPrices) + R"(,"max_completion_tokens":20)",
                               endpoint(kPrices) + R"(,"max_completion_tokens":30)"});
  EXPECT_EQ(bound(drivers_of(""), limited.served())->most.value, (kHello + 300) * kMicro);
  const Shop unlimited(kPrices, {endpoint(kPrices) + R"(,"max_completion_tokens":20)", endpoint(kPrices)});
  EXPECT_EQ(bound(drivers_of(""), unlimited.served()).error().field, "max_tokens");
  const Shop free(kPrices, {endpoint(R"("prompt":"0.000001","completion":"0")")});
  EXPECT_EQ(bound(drivers_of(""), free.served())->most.value, kHello * kMicro);
}

TEST(Bound, of_endpoints_nobody_knows_holds_under_a_cap) {
  struct Cap {
    std::string prices, prompt, completion;
  };
  for (const Cap& row : {Cap{R"("prompt":"0.00000028","completion":"0.0000025")", "0.28", "2.5"},
                         Cap{R"("prompt":"0.000001","completion":"3")", "1", "3000000"},
                         Cap{R"("prompt":"0","completion":"0.000000000001")", "0", "0.000001"},
                         Cap{R"("prompt":"0.00001","completion":"0.12345678")", "10", "123456.78"}}) {
    const Shop shop(row.prices, {});
    const auto most = bound(drivers_of(R"(,"max_tokens":10)"), shop.served());
    ASSERT_TRUE(most && most->cap) << row.prices;
    EXPECT_EQ(*most->cap, (PriceCap{row.prompt, row.completion})) << row.prices;
  }
  const Shop shop(kPrices, {});
  EXPECT_EQ(bound(drivers_of(R"(,"max_tokens":10,"cache_control":{})"), shop.served())->most.value,
            (2 * kHello + 100) * kMicro)
      << "nobody knows what they ask for writing to a cache";
}

TEST(Bound, does_not_exist_where_something_may_cost_anything) {
  struct Unbounded {
    std::string members, field, reason;
  };
  const Shop shop(kPrices, {endpoint(kPrices)});
  for (const Unbounded& row :
       {Unbounded{R"(,"tools":[{"type":"openrouter:web_search"}])", "tools[].type", "OpenRouter runs"},
        Unbounded{R"(,"plugins":[{"id":"web"}])", "plugins (web)", "plugin"},
        Unbounded{R"(,"web_search_options":{})", "web_search_options", "search"},
        Unbounded{R"(,"preset":"p")", "preset", "settings"},
        Unbounded{R"(,"model":"a/b@preset/p")", "model", "settings"},
        Unbounded{R"(,"enable_search":true)", "enable_search", "does not know"},
        Unbounded{R"(,"max_tokens":null)", "max_tokens", "any length"}}) {
    const std::string limit = row.field == "max_tokens" ? "" : R"(,"max_tokens":10)";
    const auto most = bound(drivers_of(row.members + limit), shop.served());
    ASSERT_FALSE(most) << row.members;
    EXPECT_EQ(most.error().field, row.field);
    EXPECT_THAT(most.error().reason, HasSubstr(row.reason)) << row.members;
  }
  const std::string url = R"([{"type":"image_url","image_url":{"url":"https://x"}}])";
  EXPECT_THAT(bound(drivers_of(R"(,"max_tokens":1)", url), shop.served()).error().reason,
              HasSubstr("data URL"));
  const std::string file = R"([{"type":"file","file":{"file_data":"data:,"}}])";
  EXPECT_THAT(bound(drivers_of(R"(,"max_tokens":1)", file), shop.served()).error().reason,
              HasSubstr("native"));
  EXPECT_THAT(bound(drivers_of(R"(,"max_tokens":1)", R"([{"type":"smell"}])"), shop.served()).error().field,
              "messages[].content[].type");
}

TEST(Bound, does_not_exist_where_a_price_is_not_known) {
  const auto drivers = drivers_of(R"(,"max_tokens":10)");
  const auto reason = [&](const Served& served) { return bound(drivers, served).error().reason; };
  const Shop router(R"("prompt":"-1","completion":"-1")", {});
  EXPECT_THAT(reason(router.served()), HasSubstr("a/b has no price before it is routed"));
  const Shop one_unknown(kPrices, {endpoint(kPrices), R"("tag":"y")"});
  EXPECT_THAT(reason(one_unknown.served()), HasSubstr("no price"));
  const Shop searching(kPrices + R"(,"web_search":"0.005")", {},
                       R"(,"supported_parameters":["web_search_options"])");
  EXPECT_THAT(reason(searching.served()), HasSubstr("by itself"));
  const std::vector<const wire::ModelPrices*> nobody = {nullptr};
  EXPECT_THAT(reason({nobody, hour(0), 1s}), HasSubstr("not known"));
  EXPECT_THAT(reason({{}, hour(0), 1s}), HasSubstr("no model"));
}

TEST(Bound, beyond_all_money_is_none) {
  const Shop shop(R"("prompt":"1","completion":"1000000")",
                  {R"("tag":"x","pricing":{"prompt":"1","completion":"1000000"})"});
  EXPECT_THAT(bound(drivers_of(R"(,"max_tokens":9223372036854775807)"), shop.served()).error().reason,
              HasSubstr("more than any budget"));
}

TEST(AffordableTokens, are_the_most_that_fit) {
  const Shop shop(kPrices, {endpoint(kPrices)});
  const auto affordable = [&](std::int64_t pico, const std::string& members = "") {
    return affordable_tokens(drivers_of(members), shop.served(), PicoUsd{pico});
  };
  EXPECT_EQ(affordable((kHello + 100) * kMicro), 10);
  EXPECT_EQ(affordable((kHello + 100) * kMicro - 1), 9);
  EXPECT_EQ(affordable((kHello + 10) * kMicro), 1);
  EXPECT_EQ(affordable((kHello + 10) * kMicro - 1), std::nullopt) << "not even one";
  EXPECT_EQ(affordable(0), std::nullopt);
  EXPECT_EQ(affordable((kHello + 100) * kMicro, R"(,"n":2)"), 5);
  EXPECT_EQ(affordable((kHello + 100) * kMicro, R"(,"max_tokens":4)"), 4) << "never more than was asked for";
  EXPECT_EQ(affordable((kHello + 100) * kMicro, R"(,"preset":"p")"), std::nullopt);
  const Shop free(kPrices, {endpoint(R"("prompt":"0","completion":"0")")});
  EXPECT_EQ(affordable_tokens(drivers_of(""), free.served(), PicoUsd{0}), kMostTokens);
}

}  // namespace
}  // namespace gantry::spend
