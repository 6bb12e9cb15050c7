// Plain replies, determinism, money across calls.
#include "sim/answer.hpp"
#include "sim/sim_fixture.hpp"
#include "sim/texts.hpp"
#include "sim/world.hpp"

namespace gantry::sim::test {
namespace {

using namespace std::chrono_literals;
using Plain = SimTest;

TEST_F(Plain, an_answer_is_as_the_contract_shows_it) {
  const auto ex = post(chat("openai/gpt-4.1"));
  EXPECT_EQ(ex->status, 200);
  EXPECT_EQ(ex->header("content-type"), "application/json");
  EXPECT_EQ(ex->header("x-gantry-simulated"), "1");
  const auto reply = json(ex->body);
  EXPECT_EQ(reply.at("id").as_string(), ex->header("x-generation-id"));
  EXPECT_EQ(reply.at("object").as_string(), "chat.completion");
  EXPECT_EQ(reply.at("model").as_string(), "openai/gpt-4.1");
  EXPECT_EQ(reply.at("provider").as_string(), "OpenAI");
  EXPECT_EQ(reply.at("created").as_int64(), 1'790'000'000);
  const auto& choice = reply.at("choices").at(0);
  EXPECT_EQ(choice.at("finish_reason").as_string(), "stop");
  EXPECT_FALSE(choice.at("message").at("content").as_string().empty());
  const auto& usage = reply.at("usage");
  EXPECT_EQ(usage.at("prompt_tokens").as_int64(), 8);
  EXPECT_EQ(usage.at("total_tokens").as_int64(), 8 + usage.at("completion_tokens").as_int64());
}

TEST_F(Plain, equal_seeds_give_equal_bytes) {
  const auto other = create(time, {}), third = create(time, {.seed = 2});
  const auto ask = [&](Simulator& sim) {
    FakeExchange ex(loop, "POST", "/api/v1/chat/completions", chat("openai/gpt-4.1"), with(kKey, ""));
    loop.spawn(sim.handle(ex));
    loop.poll();
    return ex.body;
  };
  const auto first = ask(*simulator);
  EXPECT_EQ(first, ask(*other));
  EXPECT_NE(first, ask(*third));
  EXPECT_NE(json(first).at("id"), json(ask(*simulator)).at("id")) << "ids are never given twice";
}

TEST_F(Plain, faults_that_hide_in_a_200) {
  const auto reply = [&](const std::string& model) {
    const auto ex = post(chat(model));
    EXPECT_EQ(ex->status, 200) << model;
    return ex->body;
  };
  const auto choice = [&](const std::string& model) { return json(reply(model)).at("choices").at(0); };
  EXPECT_EQ(json(reply("sim/error-200")).at("error").at("code").as_int64(), 502);
  EXPECT_FALSE(json(reply("sim/error-200")).as_object().contains("choices"));
  EXPECT_EQ(choice("sim/choice-error").at("finish_reason").as_string(), "error");
  EXPECT_EQ(choice("sim/choice-error").at("error").at("code").as_int64(), 502);
  EXPECT_EQ(choice("sim/empty").at("message").at("content").as_string(), "");
  EXPECT_TRUE(choice("sim/empty").at("finish_reason").is_null());
  EXPECT_TRUE(choice("sim/null-content").at("message").at("content").is_null());
  EXPECT_TRUE(json(reply("sim/no-choices")).at("choices").as_array().empty());
  EXPECT_TRUE(choice("sim/reasoning-only").at("message").at("content").is_null());
  EXPECT_FALSE(choice("sim/reasoning-only").at("message").at("reasoning").as_string().empty());
  EXPECT_EQ(choice("sim/reasoning-only").at("finish_reason").as_string(), "length");
  EXPECT_TRUE(choice("sim/refusal").at("message").at("refusal").is_string());
  EXPECT_EQ(choice("sim/content-filter").at("finish_reason").as_string(), "content_filter");
  EXPECT_EQ(
      choice("sim/tool-calls").at("message").at("tool_calls").at(0).at("function").at("name").as_string(),
      "lookup");
  EXPECT_TRUE(json(reply("sim/unknown-fields")).as_object().contains("x_tomorrow"));
  EXPECT_FALSE(json(reply("sim/no-usage")).as_object().contains("usage"));
  EXPECT_TRUE(reply("sim/html-200").starts_with("<!DOCTYPE"));
  boost::json::error_code error;
  const auto broken = boost::json::parse(reply("sim/broken-json"), error);
  EXPECT_TRUE(error);
}

TEST_F(Plain, an_answer_that_failed_or_is_empty_costs_nothing) {
  for (const auto* model :
       {"sim/error-200", "sim/choice-error", "sim/empty", "sim/html-200", "sim/zero-usage", "sim/status-502"})
    post(chat(model));
  post(streamed("sim/mid-error"));
  EXPECT_EQ(json(get("/api/v1/key")->body).at("data").at("usage").as_int64(), 0);
}

TEST_F(Plain, slow_json_has_white_space_first) {
  const auto ex = post(chat("sim/plain"), "slow-json=3s");
  EXPECT_EQ(ex->status, 200);
  EXPECT_TRUE(ex->flushed_early);
  advance(1s);
  advance(1s);
  EXPECT_EQ(ex->body, "\n\n");
  advance(1s);
  EXPECT_EQ(ex->end, FakeExchange::End::whole);
  EXPECT_TRUE(json(ex->body).is_object()) << "white space is legal before JSON";
}

TEST_F(Plain, takes_as_long_as_its_tokens_would) {
  const auto ex = post(chat("sim/plain"), "ttft=1s;tps=10;tokens=5");
  advance(1490ms);
  EXPECT_EQ(ex->status, 0);
  advance(10ms);
  EXPECT_EQ(ex->status, 200);
}

TEST_F(Plain, can_be_cut_and_can_stall) {
  const auto cut = post(chat("sim/plain"), "close-at=50");
  EXPECT_EQ(cut->body.size(), 50u);
  EXPECT_EQ(cut->end, FakeExchange::End::closed);
  const auto stalled = post(chat("sim/plain"), "stall-mid=5s");
  EXPECT_GT(stalled->body.size(), 50u);
  EXPECT_EQ(stalled->end, FakeExchange::End::open);
  advance(5s);
  EXPECT_TRUE(json(stalled->body).is_object());
}

TEST_F(Plain, a_success_may_have_another_status) {
  EXPECT_EQ(post(chat("sim/plain"), "success-status=201")->status, 201);
  EXPECT_EQ(post(chat("sim/plain"), "success-status")->status, 202);
}

TEST_F(Plain, any_fault_can_be_a_model_id) {
  EXPECT_EQ(post(chat("sim/status=418;retry-after=7"))->status, 418);
  EXPECT_EQ(post(chat("sim/nonsense"))->status, 400);
}

TEST_F(Plain, models_is_a_list_of_fallbacks) {
  const auto body = chat("sim/status-503", R"(,"models":["nobody/nothing","openai/gpt-4.1"])");
  const auto ex = post(body);
  EXPECT_EQ(ex->status, 200);
  EXPECT_EQ(json(ex->body).at("model").as_string(), "openai/gpt-4.1");
  EXPECT_EQ(post(chat("sim/status-503", R"(,"models":["sim/status-529"])"))->status, 529)
      << "the last error is told";
}

TEST_F(Plain, aliases_and_routers_answer_as_what_they_stand_for) {
  EXPECT_EQ(json(post(chat("~anthropic/claude-sonnet-latest"))->body).at("model").as_string(),
            "anthropic/claude-sonnet-4.5");
  const auto routed = json(post(chat("openrouter/auto"))->body);
  EXPECT_EQ(routed.at("model").as_string(), "openai/gpt-4.1-mini");
  EXPECT_GT(routed.at("usage").at("cost").as_double(), 0);
}

TEST_F(Plain, the_response_cache_answers_the_second_time_for_nothing) {
  auto headers = with(kKey, "");
  headers.emplace_back("X-OpenRouter-Cache", "true");
  headers.emplace_back("X-OpenRouter-Cache-TTL", "10s");
  const auto ask = [&] { return start("POST", "/api/v1/chat/completions", chat("openai/gpt-4.1"), headers); };
  const auto miss = ask();
  EXPECT_EQ(miss->header("x-openrouter-cache-status"), "MISS");
  EXPECT_EQ(miss->header("x-openrouter-cache-ttl"), "10");
  advance(4s);
  const auto hit = ask();
  EXPECT_EQ(hit->header("x-openrouter-cache-status"), "HIT");
  EXPECT_EQ(hit->header("x-openrouter-cache-age"), "4");
  EXPECT_EQ(hit->header("x-openrouter-cache-ttl"), "6");
  EXPECT_EQ(hit->header("x-openrouter-cache-source-id"), miss->header("x-generation-id"));
  EXPECT_NE(hit->header("x-generation-id"), miss->header("x-generation-id"));
  EXPECT_EQ(json(hit->body).at("usage").at("total_tokens").as_int64(), 0);
  EXPECT_EQ(json(hit->body).at("choices"), json(miss->body).at("choices"));
  advance(6s);
  EXPECT_EQ(ask()->header("x-openrouter-cache-status"), "MISS");
}

class Broke : public SimTest {
 protected:
  Broke() : SimTest({.key_limit = "0.001", .limit_reset = "daily"}) {}
};

TEST_F(Broke, the_balance_counts_down_to_a_402_and_comes_back_at_midnight) {
  // 8 prompt and 400 completion tokens at 1 and 2 USD a million: 0.000808 a call at most.
  const auto body = chat("sim/plain", R"(,"max_tokens":400)");
  const auto first = post(body, "tokens=400");
  EXPECT_EQ(first->status, 200);
  const auto left = get("/api/v1/key");
  EXPECT_EQ(json(left->body).at("data").at("limit_remaining").as_double(), 0.000192);
  const auto second = post(body);
  EXPECT_EQ(second->status, 402);
  EXPECT_NE(second->body.find("400 tokens were asked for, and 92 can be afforded"), std::string::npos)
      << second->body;
  EXPECT_EQ(post(chat("sim/plain", R"(,"max_tokens":92)"))->status, 200) << "fewer tokens are affordable";
  advance(24h);
  EXPECT_EQ(post(body)->status, 200);
}

TEST_F(Broke, usage_is_exact_over_many_calls) {
  PicoUsd sum{};
  for (int i = 0; i < 20; ++i) {
    const auto ex =
        post(chat("meta-llama/llama-3.1-8b-instruct", R"(,"max_tokens":7,"seed":)" + std::to_string(i)));
    const auto at = ex->body.find(R"("cost":)") + 7;
    sum = add(sum, parse_usd(ex->body.substr(at, ex->body.find(',', at) - at)).value()).value();
  }
  EXPECT_NE(get("/api/v1/key")->body.find(R"("usage":)" + to_decimal(sum) + ","), std::string::npos);
}

class Scripted : public SimTest {};

TEST_F(Scripted, a_model_fails_for_a_minute_and_recovers) {
  ASSERT_TRUE(simulator->run_script("from 0s to 60s model openai/gpt-4.1 answers 503"));
  EXPECT_EQ(post(chat("openai/gpt-4.1"))->status, 503);
  EXPECT_EQ(post(chat("openai/gpt-4o"))->status, 200);
  advance(60s);
  EXPECT_EQ(post(chat("openai/gpt-4.1"))->status, 200);
  simulator->reset();
  EXPECT_EQ(post(chat("openai/gpt-4.1"))->status, 503) << "the script's clock starts again";
  ASSERT_TRUE(simulator->run_script(""));
  EXPECT_EQ(post(chat("openai/gpt-4.1"))->status, 200);
}

TEST_F(Scripted, model_id_and_header_win_over_the_script) {
  ASSERT_TRUE(simulator->run_script("model * answers 503"));
  EXPECT_EQ(post(chat("sim/status-529"))->status, 529);
  EXPECT_EQ(post(chat("openai/gpt-4.1"), "429")->status, 429);
}

}  // namespace
}  // namespace gantry::sim::test
