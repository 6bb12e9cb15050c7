#include "launch/judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::launch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Reply reply(int status, std::string body) {
  return {.status = status, .body = std::move(body), .failure = {}, .took = 7ms};
}
Reply silence(std::string why) { return {.status = 0, .body = {}, .failure = std::move(why), .took = 7ms}; }

constexpr const char* kModels = R"({"data":[{"id":"a/b","name":"x"},{"id":"c/d"}],"total_count":2})";
const std::vector<std::string> kLiving{"anthropic/claude-sonnet-4.5", "anthropic/claude-3.7-sonnet",
                                       "anthropic/claude-opus-4", "openai/gpt-4.1",
                                       "google/claude-3.5-sonnet"};

struct ModelRow {
  const char* name;
  int status;
  const char* body;
  Verdict verdict;
  const char* evidence;
};
class ModelAnswer : public testing::TestWithParam<ModelRow> {};
TEST_P(ModelAnswer, is_judged) {
  const auto& row = GetParam();
  const auto check = judge_model(Role::fallback, "a/b", reply(row.status, row.body), kLiving);
  EXPECT_EQ(check.verdict, row.verdict) << check.evidence;
  EXPECT_THAT(check.evidence, HasSubstr(row.evidence));
  EXPECT_EQ(check.remedy.empty(), row.verdict == Verdict::pass);
  EXPECT_EQ(check.title, "Fallback a/b");
}
const ModelRow kModelRows[] = {
    {"content", 200, R"({"model":"a/b","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]})",
     Verdict::pass, "answered"},
    {"an_alias", 200,
     R"({"model":"a/b-2024","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]})", Verdict::pass,
     "answered as a/b-2024"},
    {"only_reasoning_cut_by_length", 200,
     R"({"choices":[{"message":{"content":null,"reasoning":"hm"},"finish_reason":"length"}]})", Verdict::pass,
     "answered"},
    {"length_with_tokens_used", 200,
     R"({"choices":[{"message":{"content":""},"finish_reason":"length"}],"usage":{"completion_tokens":5}})",
     Verdict::pass, "answered"},
    {"length_without_any_token", 200,
     R"({"choices":[{"message":{"content":""},"finish_reason":"length"}],"usage":{"completion_tokens":0}})",
     Verdict::fail, "empty answer"},
    {"stop_without_content", 200,
     R"({"choices":[{"message":{"content":""},"finish_reason":"stop"}],"usage":{"completion_tokens":5}})",
     Verdict::fail, "empty answer"},
    {"no_choices", 200, R"({"choices":[]})", Verdict::fail, "empty answer"},
    {"an_error_with_status_200", 200, R"({"error":{"code":502,"message":"Provider dropped"}})", Verdict::fail,
     "200 with an error: Provider dropped"},
    {"no_json", 200, "<html>", Verdict::fail, "no answer"},
    {"rate_limited", 429, R"({"error":{"code":429,"message":"Slow down"}})", Verdict::fail, "429 Slow down"},
    {"overloaded", 503, R"({"error":{"code":503,"message":"Busy"}})", Verdict::fail, "503 Busy"},
    {"out_of_money", 402, R"({"error":{"code":402,"message":"Insufficient credits"}})", Verdict::fail,
     "402 Insufficient credits"},
};
INSTANTIATE_TEST_SUITE_P(Table, ModelAnswer, testing::ValuesIn(kModelRows),
                         [](const auto& info) { return info.param.name; });

TEST(Model, that_is_gone_is_named_with_its_relatives) {
  const auto body =
      R"({"error":{"code":404,"message":"No endpoints found for anthropic/claude-3.5-sonnet."}})";
  const auto check = judge_model(Role::primary, "anthropic/claude-3.5-sonnet", reply(404, body), kLiving);
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_EQ(check.title, "Primary anthropic/claude-3.5-sonnet");
  EXPECT_EQ(
      check.remedy,
      "it is gone; its closest living relatives: anthropic/claude-3.7-sonnet, anthropic/claude-sonnet-4.5, "
      "anthropic/claude-opus-4");
}

TEST(Model, cost_and_latency_are_kept) {
  const auto check = judge_model(
      Role::primary, "a/b",
      reply(
          200,
          R"({"choices":[{"message":{"content":"x"},"finish_reason":"length"}],"usage":{"cost":0.0000123}})"),
      {});
  EXPECT_EQ(check.latency, Duration{7ms});
  ASSERT_TRUE(check.cost);
  EXPECT_EQ(to_decimal(*check.cost), "0.0000123");
}

TEST(Model, without_a_reply_fails_with_the_reason) {
  const auto check = judge_model(Role::primary, "a/b", silence("timed_out"), kLiving);
  EXPECT_EQ(check.verdict, Verdict::fail);
  EXPECT_EQ(check.evidence, "timed_out");
}

TEST(Model, few_tokens_are_refused_only_by_a_bad_request) {
  EXPECT_TRUE(
      refuses_few_tokens(reply(400, R"({"error":{"code":400,"message":"max_tokens must be at least 16"}})")));
  EXPECT_TRUE(refuses_few_tokens(reply(422, R"({"error":{"code":422,"message":"too small"}})")));
  EXPECT_FALSE(refuses_few_tokens(reply(404, R"({"error":{"code":404,"message":"No endpoints found"}})")));
  EXPECT_FALSE(refuses_few_tokens(reply(429, "{}")));
  EXPECT_FALSE(refuses_few_tokens(reply(200, "{}")));
  EXPECT_FALSE(refuses_few_tokens(silence("reset")));
}

TEST(Relatives, are_of_the_same_author_first_then_nearest_by_slug) {
  EXPECT_THAT(relatives("anthropic/claude-3.5-sonnet", kLiving, 2),
              ElementsAre("anthropic/claude-3.7-sonnet", "anthropic/claude-sonnet-4.5"));
  EXPECT_THAT(relatives("mistral/claude-3.5-sonnet", kLiving, 1), ElementsAre("google/claude-3.5-sonnet"));
  EXPECT_THAT(relatives("a/b", {"a/b"}, 3), IsEmpty());
}

TEST(Api, is_reachable_when_it_lists_models) {
  const auto check = judge_api(reply(200, kModels));
  EXPECT_EQ(check.verdict, Verdict::pass);
  EXPECT_EQ(check.evidence, "2 models");
  EXPECT_EQ(judge_api(reply(200, "<html>")).verdict, Verdict::fail);
  EXPECT_EQ(judge_api(reply(200, R"({"data":[]})")).verdict, Verdict::fail);
  EXPECT_EQ(judge_api(reply(500, R"({"error":{"code":500,"message":"x"}})")).remedy,
            "look at https://status.openrouter.ai and try again");
  EXPECT_EQ(judge_api(silence("refused")).remedy, "check the network, upstream.base_url and the proxy");
  EXPECT_THAT(model_ids(kModels), ElementsAre("a/b", "c/d"));
}

TEST(Key, is_valid_when_it_may_call_models) {
  EXPECT_EQ(judge_key(reply(200, R"({"data":{"is_management_key":false,"is_free_tier":false}})")).evidence,
            "accepted");
  EXPECT_EQ(judge_key(reply(200, R"({"data":{"is_free_tier":true,"rate_limit":{"requests":-1}}})")).evidence,
            "accepted (no credit bought yet)");
  EXPECT_EQ(judge_key(reply(200, R"({"data":{"is_management_key":true}})")).verdict, Verdict::fail);
  EXPECT_EQ(judge_key(reply(200, R"({"data":{"is_management_key":null}})")).verdict, Verdict::pass);
  const auto refused = judge_key(reply(401, R"({"error":{"code":401,"message":"User not found."}})"));
  EXPECT_EQ(refused.verdict, Verdict::fail);
  EXPECT_THAT(refused.remedy, HasSubstr("starts with sk-or-"));
  EXPECT_EQ(judge_key(reply(200, "[]")).verdict, Verdict::fail);
}

struct CreditRow {
  const char* name;
  const char* remaining;
  const char* minimum;
  Verdict verdict;
};
class Credit : public testing::TestWithParam<CreditRow> {};
TEST_P(Credit, must_be_strictly_more_than_the_minimum) {
  const auto& row = GetParam();
  const auto check = judge_credit(
      reply(200, std::string(R"({"data":{"limit_remaining":)") + row.remaining + ",\"usage\":1}}"),
      row.minimum);
  EXPECT_EQ(check.verdict, row.verdict) << check.evidence;
}
const CreditRow kCreditRows[] = {
    {"more", "10.000001", "10", Verdict::pass},
    {"exactly", "10.0", "10", Verdict::fail},
    {"less", "9.99", "10", Verdict::fail},
    {"overdrawn", "-1.5", "0", Verdict::fail},
    {"a_minimum_of_zero", "0.01", "0", Verdict::pass},
    {"exponent", "1.5e1", "10", Verdict::pass},
    {"no_limit", "null", "10", Verdict::warn},
};
INSTANTIATE_TEST_SUITE_P(Table, Credit, testing::ValuesIn(kCreditRows),
                         [](const auto& info) { return info.param.name; });

TEST(CreditOfAKeyThatFailed, is_skipped) {
  EXPECT_EQ(judge_credit(reply(401, "{}"), "10").verdict, Verdict::skipped);
  EXPECT_EQ(judge_credit(silence("refused"), "10").verdict, Verdict::skipped);
}

Report sample() {
  Report report{.route = "default", .upstream = "https://openrouter.ai/api/v1"};
  report.took = 1234ms;
  report.checks.push_back(judge_api(reply(200, kModels)));
  report.checks.push_back({.id = "primary",
                           .title = "Primary a/b",
                           .verdict = Verdict::pass,
                           .evidence = "answered\x1b[2J",
                           .model = "a/b",
                           .latency = Duration{80ms},
                           .cost = PicoUsd{12'300'000}});
  report.checks.push_back(judge_credit(reply(200, R"({"data":{"limit_remaining":null}})"), "10"));
  return report;
}

TEST(ReportTable, says_it_with_marks_latency_and_cost) {
  auto report = sample();
  EXPECT_TRUE(report.passed()) << "a warning passes";
  const auto text = table(report);
  EXPECT_THAT(text, HasSubstr("  ✓ API reachable  2 models  7 ms\n"));
  EXPECT_THAT(text, HasSubstr("  ✓ Primary a/b    answered?[2J  80 ms  $0.0000123\n"));
  EXPECT_THAT(text, HasSubstr("  ! Credit left    the key has no limit"));
  EXPECT_THAT(text, HasSubstr("\nReady, 1 to look at. Took 1234 ms, cost $0.0000123.\n"));
  report.checks.push_back(judge_model(Role::fallback, "c/d", silence("refused"), {}));
  EXPECT_FALSE(report.passed());
  EXPECT_THAT(table(report), HasSubstr("  ✗ Fallback c/d   refused"));
  EXPECT_THAT(table(report), HasSubstr("\nNot ready: 1 failed, 1 to look at."));
}

TEST(ReportJson, has_every_fact) {
  EXPECT_EQ(
      json({.route = "r", .upstream = "u"}),
      "{\"passed\":true,\"route\":\"r\",\"upstream\":\"u\",\"took_ms\":0,\"cost_usd\":null,\"checks\":[]}\n");
  const auto text = json(sample());
  EXPECT_THAT(text, HasSubstr(R"("passed":true,"route":"default")"));
  EXPECT_THAT(
      text,
      HasSubstr(R"({"id":"api","title":"API reachable","verdict":"pass","model":null,"evidence":"2 models",)"
                R"("remedy":null,"latency_ms":7,"cost_usd":null})"));
  EXPECT_THAT(text, HasSubstr(R"("verdict":"warn")"));
  EXPECT_THAT(text, HasSubstr(R"("latency_ms":80,"cost_usd":"0.0000123"})"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace gantry::launch
