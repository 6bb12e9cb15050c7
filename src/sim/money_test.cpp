// What is billed, told and remembered: usage.cost, GET /key, /generation, the journal and the simulator's
// bill.
#include "base/money.hpp"
#include "sim/sim_fixture.hpp"

namespace gantry::sim::test {
namespace {

using namespace std::chrono_literals;

class Money : public SimTest {
 protected:
  explicit Money(SimOptions options = {}) : SimTest(std::move(options)) {}

  // The text of a number, as it stands in the body.
  static std::string number(std::string_view body, std::string_view field) {
    const auto name = '"' + std::string(field) + "\":";
    const auto at = body.find(name);
    if (at == std::string_view::npos) return "none";
    const auto from = at + name.size();
    return std::string(body.substr(from, body.find_first_of(",}", from) - from));
  }
  std::string used(const std::string& key = kKey) { return number(get("/api/v1/key", key)->body, "usage"); }
  std::string cost_of(const FakeExchange& ex) { return number(ex.body, "cost"); }
  std::unique_ptr<FakeExchange> record(const FakeExchange& ex) {
    return get("/api/v1/generation?id=" + ex.header("x-generation-id"));
  }
  boost::json::value bill() { return json(get("/sim/bill", "")->body); }
  // The last attempt's cost, "-" for nothing.
  std::string journalled() {
    for (const auto& attempt : simulator->attempts())
      if (!attempt.generation.empty()) last_ = attempt.cost ? to_decimal(*attempt.cost) : "-";
    return last_;
  }

 private:
  std::string last_;
};

TEST_F(Money, is_the_same_wherever_it_is_told) {
  for (const std::string& body : {chat("deepseek/deepseek-v3.2"), streamed("anthropic/claude-sonnet-4.5"),
                                  chat("openai/gpt-4.1-mini:online")}) {
    start("POST", "/sim/reset", "", {});
    const auto ex = post(body);
    advance(10s);
    const auto cost = cost_of(*ex);
    EXPECT_GT(parse_usd(cost)->value, 0) << ex->body;
    EXPECT_EQ(used(), cost);
    const auto found = record(*ex);
    EXPECT_EQ(number(found->body, "total_cost"), cost);
    EXPECT_EQ(number(found->body, "usage"), cost);
    EXPECT_EQ(journalled(), cost);
    EXPECT_EQ(bill().at("cost").as_string(), cost);
    EXPECT_EQ(bill().at("generations").as_int64(), 1);
  }
}

TEST_F(Money, of_each_key_has_a_line_that_hides_the_key) {
  const std::string other = "sk-or-v1-another-key-of-somebody-else";
  const auto one = post(chat("openai/gpt-4.1")), two = post(chat("openai/gpt-4.1"), "", other),
             three = post(chat("openai/o1-pro"), "", other);
  const auto told = get("/sim/bill", "")->body;
  EXPECT_EQ(told.find(other), std::string::npos);
  const auto keys = json(told).at("keys").as_array();
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].at("key").as_string(), "sk-or-v1-012...def");
  EXPECT_EQ(keys[0].at("cost").as_string(), cost_of(*one));
  EXPECT_EQ(keys[1].at("generations").as_int64(), 2);
  const auto both = parse_usd(cost_of(*two))->value + parse_usd(cost_of(*three))->value;
  EXPECT_EQ(keys[1].at("cost").as_string(), to_decimal(PicoUsd{both}));
}

TEST_F(Money, what_costs_nothing_has_no_cost_in_the_journal) {
  for (const auto* id : {"sim/status-502", "sim/empty", "sim/error-200", "openai/gpt-oss-20b:free"}) {
    post(chat(id));
    EXPECT_EQ(journalled(), "-") << id;
  }
  EXPECT_EQ(bill().at("usage").as_string(), "0");
}

TEST_F(Money, a_search_is_billed_also_where_the_answer_failed) {
  // 0.01 USD a search at this model.
  const auto plain = parse_usd(cost_of(*post(chat("openai/gpt-4.1-mini"))))->value;
  const auto searched = post(chat("openai/gpt-4.1-mini", R"(,"plugins":[{"id":"web"}])"), "tokens=0");
  EXPECT_EQ(number(searched->body, "web_search_requests"), "1");
  const auto failed = post(chat("openai/gpt-4.1-mini", R"(,"plugins":[{"id":"web"}])"), "choice-error");
  EXPECT_EQ(cost_of(*failed), "0.01") << "zero-completion insurance is about tokens";
  EXPECT_LT(plain, 10'000'000'000);
}

TEST_F(Money, the_prompt_cache_is_written_then_read_until_it_is_forgotten) {
  const auto body =
      R"({"model":"anthropic/claude-sonnet-4.5","max_tokens":5,"reasoning":{"effort":"none"},"messages":[
      {"role":"system","content":[{"type":"text","text":"12345678","cache_control":{"type":"ephemeral"}}]},
      {"role":"user","content":"1234"}]})";
  // 5 tokens of prefix, 4 others at 3 USD a million, 5 of completion at 15.
  struct Row {
    std::string_view name;
    Duration wait;
    std::string_view cached, written, cost;
  };
  const Row rows[] = {
      {"written at 3.75", 0s, "0", "5", "0.00010575"},
      {"read at 0.3", 4min, "5", "0", "0.0000885"},
      {"each read keeps it", 4min, "5", "0", "0.0000885"},
      {"after five minutes anew", 5min, "0", "5", "0.00010575"},
  };
  for (const auto& row : rows) {
    advance(row.wait);
    const auto ex = post(body);
    EXPECT_EQ(number(ex->body, "cached_tokens"), row.cached) << row.name;
    EXPECT_EQ(number(ex->body, "cache_write_tokens"), row.written) << row.name;
    EXPECT_EQ(cost_of(*ex), row.cost) << row.name;
  }
  const auto other = post(body, "", "sk-or-v1-another-key-of-somebody-else");
  EXPECT_EQ(number(other->body, "cached_tokens"), "0") << "each key has its own";
  advance(10s);
  EXPECT_EQ(number(record(*post(body))->body, "cache_discount"), "none") << "not there yet";
  const auto read = post(body);
  advance(10s);
  EXPECT_EQ(number(record(*read)->body, "cache_discount"), "0.0000135");
  EXPECT_EQ(number(record(*read)->body, "native_tokens_cached"), "5");
}

TEST_F(Money, a_tier_is_an_endpoint_with_its_own_price) {
  const auto rows =
      json(get("/api/v1/models/openai/gpt-5/endpoints")->body).at("data").at("endpoints").as_array();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].at("tag").as_string(), "openai");
  EXPECT_EQ(rows[1].at("tag").as_string(), "openai/flex");
  EXPECT_EQ(rows[1].at("pricing").at("prompt").as_string(), "0.000000625");
  const auto cost = [&](const std::string& more) {
    return parse_usd(cost_of(*post(chat("openai/gpt-5", R"(,"max_tokens":20)" + more))))->value;
  };
  const auto usual = cost("");
  EXPECT_EQ(cost(R"(,"service_tier":"flex")") * 2, usual);
  EXPECT_EQ(cost(R"(,"service_tier":"priority")"), usual * 2);
  EXPECT_EQ(cost(R"(,"service_tier":"default")"), usual);
  const auto ex = post(chat("openai/gpt-5", R"(,"service_tier":"flex")"));
  EXPECT_EQ(json(ex->body).at("service_tier").as_string(), "flex");
  advance(10s);
  EXPECT_EQ(json(record(*ex)->body).at("data").at("service_tier").as_string(), "flex");
  EXPECT_FALSE(json(post(chat("openai/gpt-4.1", R"(,"service_tier":"flex")"))->body)
                   .as_object()
                   .contains("service_tier"))
      << "a model without that tier";
}

// ---- faults

TEST_F(Money, a_bill_can_be_larger_or_rounded_and_is_so_everywhere) {
  for (const auto* faults : {"bill-factor=10", "bill-factor=0.5", "round=up:6", "round=down:6"}) {
    start("POST", "/sim/reset", "", {});
    const auto honest = parse_usd(cost_of(*post(chat("deepseek/deepseek-v3.2"))))->value;
    const auto ex = post(chat("deepseek/deepseek-v3.2"), faults);
    const auto cost = parse_usd(cost_of(*ex))->value;
    EXPECT_NE(cost, honest) << faults;
    EXPECT_EQ(used(), to_decimal(PicoUsd{honest + cost})) << faults;
    EXPECT_EQ(journalled(), to_decimal(PicoUsd{cost})) << faults;
  }
}

TEST_F(Money, usage_can_come_without_cost) {
  for (const std::string& body : {chat("sim/plain"), streamed("sim/plain")}) {
    const auto ex = post(body, "no-cost");
    EXPECT_NE(ex->body.find(R"("prompt_tokens":8)"), std::string::npos);
    EXPECT_EQ(ex->body.find("cost"), std::string::npos);
    EXPECT_NE(journalled(), "-");
  }
  for (const std::string& body : {chat("sim/plain"), streamed("sim/plain")}) {
    EXPECT_EQ(post(body, "no-usage")->body.find("usage"), std::string::npos);
    EXPECT_NE(journalled(), "-");
  }
}

TEST_F(Money, a_record_can_come_late_after_some_asking_or_never) {
  const auto third = post(chat("sim/generation-third-ask")), never = post(chat("sim/generation-never"));
  EXPECT_EQ(record(*third)->status, 404);
  advance(24h);
  EXPECT_EQ(record(*third)->status, 404) << "it is the asking that counts";
  EXPECT_EQ(record(*third)->status, 200);
  EXPECT_EQ(record(*third)->status, 200);
  advance(24h * 365);
  EXPECT_EQ(record(*never)->status, 404);
  EXPECT_NE(used(), "0") << "it was billed all the same";
}

TEST_F(Money, a_failed_attempt_can_be_billed_all_the_same) {
  for (const std::string& body : {chat("sim/billed-failure"), streamed("sim/billed-failure")}) {
    start("POST", "/sim/reset", "", {});
    const auto ex = post(body);
    EXPECT_EQ(ex->status, 502);
    EXPECT_NE(journalled(), "-");
    EXPECT_EQ(used(), journalled());
    advance(10s);
    const auto data = json(record(*ex)->body).at("data");
    EXPECT_EQ(data.at("finish_reason").as_string(), "error");
    EXPECT_EQ(number(record(*ex)->body, "total_cost"), journalled());
  }
  EXPECT_EQ(cost_of(*post(chat("sim/plain"), "choice-error;tokens=46")), "0") << "insured";
  EXPECT_EQ(cost_of(*post(chat("sim/plain"), "choice-error;tokens=46;billed-failure")), "0.0001");
}

TEST_F(Money, an_error_in_a_stream_costs_nothing_unless_it_is_billed) {
  post(streamed("sim/plain"), "mid-error;after=3");
  EXPECT_EQ(journalled(), "-");
  post(streamed("sim/plain"), "mid-error;after=3;billed-failure");
  EXPECT_EQ(journalled(), "0.000014") << "8 tokens of prompt, 3 of completion";
}

TEST_F(Money, a_stream_that_ends_before_its_first_token_is_insured) {
  post(streamed("sim/plain"), "close-after;after=0");
  EXPECT_EQ(journalled(), "-");
  post(streamed("sim/plain"), "close-after;after=2");
  EXPECT_EQ(journalled(), "0.000012");
}

TEST_F(Money, with_the_owners_provider_key_is_a_fee_and_the_providers_bill) {
  const auto ex = post(chat("sim/byok", R"(,"max_tokens":16)"), "tokens=16");
  const auto usage = json(ex->body).at("usage");
  EXPECT_TRUE(usage.at("is_byok").as_bool());
  EXPECT_EQ(cost_of(*ex), "0.000002") << "five percent";
  EXPECT_EQ(number(ex->body, "upstream_inference_cost"), "0.00004");
  const auto key = get("/api/v1/key")->body;
  EXPECT_EQ(number(key, "usage"), "0.000002");
  EXPECT_EQ(number(key, "byok_usage"), "0.00004");
  EXPECT_EQ(bill().at("byok").as_string(), "0.00004");
  advance(10s);
  const auto found = record(*ex)->body;
  EXPECT_EQ(number(found, "is_byok"), "true");
  EXPECT_EQ(number(found, "total_cost"), "0.000002");
  EXPECT_EQ(number(found, "upstream_inference_cost"), "0.00004");
}

TEST_F(Money, a_cancelled_stream_is_billed_as_its_provider_or_the_fault_says) {
  struct Row {
    std::string_view name, model, faults, cost;
  };
  // 8 tokens of prompt, 50 of completion in all, one of them sent.
  const Row rows[] = {
      {"a provider that stops", "sim/plain", "", "0.00001"},
      {"one that goes on", "google/gemini-2.0-flash-001", "", "0.0000208"},
      {"one that is made to go on", "sim/billed-after-cancel", "", "0.000108"},
      {"one that is made to stop", "google/gemini-2.0-flash-001", "after-cancel=sent", "0.0000012"},
  };
  for (const auto& row : rows) {
    start("POST", "/sim/reset", "", {});
    const auto ex = post(streamed(std::string(row.model)), "tps=10;tokens=50;" + std::string(row.faults));
    ex->hang_up();
    advance(10ms);
    EXPECT_EQ(journalled(), row.cost) << row.name;
    EXPECT_EQ(used(), row.cost) << row.name;
    advance(10s);
    const auto found = record(*ex)->body;
    EXPECT_EQ(number(found, "cancelled"), "true") << row.name;
    EXPECT_EQ(number(found, "total_cost"), row.cost) << row.name;
  }
}

TEST_F(Money, a_plain_call_whose_client_hung_up_is_billed_in_full) {
  const auto ex = post(chat("sim/plain"), "stall-headers=1h;tokens=50");
  ex->hang_up();
  advance(10ms);
  EXPECT_EQ(journalled(), "0.000108");
  advance(10s);
  const auto found = get("/api/v1/generation?id=" + simulator->attempts().at(0).generation);
  EXPECT_EQ(number(found->body, "cancelled"), "true");
  EXPECT_EQ(number(found->body, "total_cost"), "0.000108");
}

// ---- strangers and limits

class Shared : public Money {
 protected:
  Shared() : Money({.key = kKey, .key_limit = "1", .limit_reset = "daily"}) {}
  std::unique_ptr<FakeExchange> spend(const std::string& body) {
    return start("POST", "/sim/spend", body, {});
  }
};

TEST_F(Shared, a_stranger_spends_from_the_same_key) {
  EXPECT_EQ(json(spend(R"({"usd":"0.25"})")->body).at("usage").as_string(), "0.25");
  EXPECT_EQ(used(), "0.25");
  EXPECT_EQ(number(get("/api/v1/key")->body, "limit_remaining"), "0.75");
  const auto told = bill();
  EXPECT_EQ(told.at("cost").as_string(), "0");
  EXPECT_EQ(told.at("strangers").as_string(), "0.25");
  EXPECT_EQ(told.at("usage").as_string(), "0.25");
  EXPECT_EQ(told.at("generations").as_int64(), 0);
  spend(R"({"key":"sk-or-v1-other","usd":"2"})");
  EXPECT_EQ(used(), "0.25");
  for (const auto* wrong : {"", "{}", R"({"usd":1})", R"({"usd":"-1"})", R"({"usd":"much"})"})
    EXPECT_EQ(spend(wrong)->status, 400) << wrong;
}

TEST_F(Shared, the_limit_counts_down_and_is_whole_again_after_midnight) {
  spend(R"({"usd":"1"})");
  EXPECT_EQ(post(chat("openai/gpt-4.1"))->status, 402);
  EXPECT_EQ(number(get("/api/v1/key")->body, "limit_remaining"), "0");
  advance(24h);
  EXPECT_EQ(number(get("/api/v1/key")->body, "limit_remaining"), "1");
  EXPECT_EQ(post(chat("openai/gpt-4.1", R"(,"max_tokens":20)"))->status, 200);
  EXPECT_EQ(number(get("/api/v1/key")->body, "limit_reset"), R"("daily")");
}

}  // namespace
}  // namespace gantry::sim::test
