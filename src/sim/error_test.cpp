// Errors in all their shapes.
#include "sim/errors.hpp"

#include <fmt/format.h>

#include "sim/sim_fixture.hpp"

namespace gantry::sim::test {
namespace {

using Errors = SimTest;

TEST_F(Errors, every_status_can_be_had_by_model_and_by_header) {
  for (const int status : {400, 402, 403, 404, 408, 409, 410, 412, 413, 422, 429, 500,
                           502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 529, 530}) {
    for (const bool streaming : {false, true}) {
      const auto id = fmt::format("sim/status-{}", status);
      const auto ex = post(streaming ? streamed(id) : chat(id));
      EXPECT_EQ(ex->status, status);
      EXPECT_EQ(ex->header("content-type"), "application/json");
      const auto error = json(ex->body).at("error");
      EXPECT_EQ(error.at("code").as_int64(), status);
      EXPECT_FALSE(error.at("message").as_string().empty());
      EXPECT_FALSE(error.at("metadata").at("error_type").as_string().empty());
      EXPECT_EQ(post(chat("openai/gpt-4.1"), fmt::format("status={}", status))->status, status);
    }
  }
}

TEST_F(Errors, statuses_have_the_error_type_of_the_contract) {
  struct Row {
    int status;
    std::string_view type;
  };
  const Row rows[] = {{400, "invalid_request"},
                      {401, "authentication"},
                      {402, "payment_required"},
                      {403, "permission_denied"},
                      {404, "not_found"},
                      {412, "precondition_failed"},
                      {413, "payload_too_large"},
                      {422, "unprocessable"},
                      {429, "rate_limit_exceeded"},
                      {500, "server"},
                      {502, "provider_unavailable"},
                      {503, "provider_overloaded"},
                      {504, "timeout"}};
  for (const auto& row : rows) EXPECT_EQ(error_type_of(row.status), row.type) << row.status;
}

TEST_F(Errors, retry_after_is_whatever_is_asked_for) {
  EXPECT_EQ(post(chat("sim/status-429"))->header("retry-after"), "");
  for (const std::string value : {"0", "12", "86400", "soon", "-1"})
    EXPECT_EQ(post(chat("sim/status-429"), "retry-after=" + value)->header("retry-after"), value);
  EXPECT_EQ(post(chat("sim/retry-after-huge"), "retry-after=none")->header("retry-after"), "");
}

TEST_F(Errors, shapes_differ) {
  const auto body = [&](const std::string& shape) {
    return post(chat("sim/status-529"), "shape=" + shape)->body;
  };
  const auto b = json(body("availability")).at("error").as_object();
  EXPECT_FALSE(b.contains("code"));
  EXPECT_EQ(b.at("http_status").as_int64(), 529);
  EXPECT_EQ(b.at("error_type").as_string(), "provider_overloaded");
  EXPECT_EQ(json(body("responses")).at("error").at("code").as_string(), "server_error");
  EXPECT_EQ(json(body("messages")).at("error").at("type").as_string(), "overloaded_error");
  const auto provider = json(body("provider")).at("error");
  EXPECT_EQ(provider.at("message").as_string(), "Provider returned error");
  EXPECT_TRUE(json(std::string(provider.at("metadata").at("raw").as_string())).is_object());
  EXPECT_TRUE(body("html").starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(body("plain"), "error code: 529");
  EXPECT_EQ(body("blank"), "");
  EXPECT_TRUE(post(chat("sim/html-502"))->header("content-type").starts_with("text/html"));
}

TEST_F(Errors, the_platforms_limit_resets_at_a_unix_time_in_milliseconds) {
  // The clock stands at 1790000000 s: 13:33:20 UTC, 20 s into a minute.
  struct Row {
    std::string_view model, reset, words, limit, source;
  };
  const Row rows[] = {
      {"sim/rate-limit-minute", "1790000040000", "free-models-per-min", "20", "openrouter_free_tier_minute"},
      {"sim/rate-limit-daily", "1790035200000", "free-models-per-day", "1000", "openrouter_free_tier_daily"}};
  for (const auto& row : rows) {
    const auto ex = post(chat(std::string(row.model)));
    EXPECT_EQ(ex->status, 429);
    EXPECT_EQ(ex->header("x-ratelimit-reset"), row.reset);
    EXPECT_EQ(ex->header("x-ratelimit-remaining"), "0");
    EXPECT_EQ(ex->header("x-ratelimit-limit"), row.limit);
    const auto error = json(ex->body).at("error");
    EXPECT_EQ(error.at("metadata").at("headers").at("X-RateLimit-Reset").as_string(), row.reset);
    EXPECT_EQ(error.at("metadata").at("limit_source").as_string(), row.source);
    EXPECT_NE(std::string(error.at("message").as_string()).find(row.words), std::string::npos);
  }
  const auto upstream = post(chat("sim/rate-limit-upstream"));
  EXPECT_EQ(upstream->header("x-ratelimit-limit"), "") << "only limits of the platform carry them";
  EXPECT_EQ(upstream->header("retry-after"), "2");
}

TEST_F(Errors, availability_codes_have_their_status_and_say_whether_to_retry) {
  struct Row {
    std::string_view code;
    int status;
    bool retryable;
  };
  const Row rows[] = {{"model_not_found", 400, false},        {"wrong_endpoint", 400, false},
                      {"no_endpoints", 404, false},           {"model_deprecated", 404, false},
                      {"privacy_restricted", 404, false},     {"constraint_filtered", 404, false},
                      {"free_variant_ended", 404, false},     {"region_restricted", 403, false},
                      {"capacity_exhausted", 429, true},      {"model_unavailable_upstream", 404, false},
                      {"temporarily_unavailable", 503, true}, {"tomorrows_code", 503, true}};
  for (const auto& row : rows) {
    const auto ex = post(chat("openai/gpt-4.1"), fmt::format("availability={};retry-after=12", row.code));
    EXPECT_EQ(ex->status, row.status) << row.code;
    const auto a = json(ex->body).at("error").at("availability");
    EXPECT_EQ(a.at("code").as_string(), row.code);
    EXPECT_EQ(a.at("retryable").as_bool(), row.retryable) << row.code;
    EXPECT_EQ(a.at("requested_models").at(0).as_string(), "openai/gpt-4.1");
    if (row.retryable) EXPECT_EQ(a.at("retry_after").as_int64(), 12);
  }
}

TEST_F(Errors, a_model_that_never_was_is_a_400_with_relatives) {
  const auto ex = post(chat("openai/gpt-4.9"));
  EXPECT_EQ(ex->status, 400);
  const auto error = json(ex->body).at("error");
  EXPECT_EQ(error.at("availability").at("code").as_string(), "model_not_found");
  EXPECT_EQ(error.at("availability").at("fallback_models").as_array().size(), 3u);
}

TEST_F(Errors, a_model_that_is_gone_is_a_404_with_successors) {
  const auto ex = post(chat("anthropic/claude-3.5-sonnet"));
  EXPECT_EQ(ex->status, 404);
  const auto a = json(ex->body).at("error").at("availability");
  EXPECT_EQ(a.at("code").as_string(), "model_deprecated");
  EXPECT_EQ(a.at("fallback_models").at(0).as_string(), "anthropic/claude-sonnet-4.5");
}

TEST_F(Errors, moderation_guardrail_and_budget_are_403) {
  const auto moderation = json(post(chat("sim/moderation"))->body).at("error").at("metadata");
  EXPECT_TRUE(moderation.at("reasons").is_array());
  EXPECT_LE(moderation.at("flagged_input").as_string().size(), 100u);
  EXPECT_EQ(moderation.at("model_slug").as_string(), "sim/moderation");
  EXPECT_TRUE(json(post(chat("sim/guardrail"))->body).at("error").at("metadata").at("patterns").is_array());
  for (const auto* model : {"sim/moderation", "sim/guardrail", "sim/budget"})
    EXPECT_EQ(post(chat(model))->status, 403) << model;
}

TEST_F(Errors, max_tokens_beyond_what_is_affordable_is_402) {
  EXPECT_EQ(post(chat("sim/max-tokens-402", R"(,"max_tokens":100)"))->status, 200);
  EXPECT_EQ(post(chat("sim/max-tokens-402", R"(,"max_tokens":101)"))->status, 402);
  EXPECT_EQ(post(chat("sim/max-tokens-402"))->status, 402) << "unset means the model's default";
}

TEST_F(Errors, requests_that_make_no_sense_are_400) {
  struct Row {
    std::string body;
    std::string_view told;
  };
  const Row rows[] = {
      {"nonsense", "not valid JSON"},
      {chat("openai/gpt-5-mini", R"(,"max_tokens":5)"), "minimum of 16"},
      {chat("deepseek/deepseek-r1", R"(,"reasoning":{"effort":"none"})"), "Reasoning is mandatory"},
      {chat("openai/gpt-3.5-turbo", R"(,"max_tokens":20000)"), "context length is 16385"},
  };
  for (const auto& row : rows) {
    const auto ex = post(row.body);
    EXPECT_EQ(ex->status, 400) << row.body;
    EXPECT_NE(ex->body.find(row.told), std::string::npos) << ex->body;
  }
  EXPECT_EQ(post(chat("openai/gpt-5-mini", R"(,"max_tokens":16)"))->status, 200);
  EXPECT_NE(post(chat("openai/gpt-4.1"), "no-such-fault")->body.find("x-sim-fault: unknown fault"),
            std::string::npos);
}

TEST_F(Errors, a_model_that_cannot_see_says_so) {
  const std::string parts =
      R"({"model":"MODEL","messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]})";
  const auto ask = [&](const std::string& model) {
    return post(std::string(parts).replace(parts.find("MODEL"), 5, model));
  };
  EXPECT_EQ(ask("openai/gpt-3.5-turbo")->status, 404);
  const auto seen = ask("openai/gpt-4o");
  EXPECT_EQ(seen->status, 200);
  EXPECT_EQ(json(seen->body).at("usage").at("prompt_tokens").as_int64(), 3 + 3 + 85);
}

TEST_F(Errors, keys_are_checked) {
  EXPECT_EQ(post(chat("openai/gpt-4.1"), "", "")->status, 401);
  EXPECT_EQ(post(chat("openai/gpt-4.1"), "", "not-a-key")->status, 401);
  EXPECT_EQ(post(chat("openai/gpt-4.1"), "", kManagementKey)->status, 403);
}

TEST_F(Errors, the_servers_own_refusals_have_the_envelope) {
  const auto body = json(Simulator::refusal(431, Failure{Fault::too_large, "the head is too large"}));
  EXPECT_EQ(body.at("error").at("code").as_int64(), 431);
  EXPECT_EQ(body.at("error").at("message").as_string(), "the head is too large");
}

}  // namespace
}  // namespace gantry::sim::test
