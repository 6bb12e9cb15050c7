#include "route/verdict.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "route/verdict_printing.hpp"

namespace gantry::route {

namespace {

using enum Outcome;

constexpr Scope kRequest = Scope::request, kModel = Scope::model, kProvider = Scope::provider,
                kFree = Scope::free_allowance, kKey = Scope::key, kUpstream = Scope::upstream;

wire::UpstreamError status_only(int status) {
  wire::UpstreamError error;
  error.status = status;
  return error;
}

Verdict from_body(int status, const std::string& body) { return judge(wire::read_error(status, body)); }

struct Status {
  int status;
  Outcome outcome;
  Scope json;   // the scope of a body that is JSON and says no more
  Scope other;  // of one that is not JSON (CONTRACT §6.1 F)
};

// CONTRACT §6.3, row by row, and numbers nobody has named.
TEST(Verdict, of_every_status_alone) {
  const std::vector<Status> rows = {
      {400, bad_request, kRequest, kRequest},      {401, bad_key, kKey, kRequest},
      {402, out_of_money, kRequest, kRequest},     {403, bad_request, kRequest, kRequest},
      {404, model_missing, kRequest, kRequest},    {408, upstream_error, kModel, kModel},
      {409, bad_request, kRequest, kRequest},      {410, bad_request, kRequest, kRequest},
      {412, bad_request, kRequest, kRequest},      {413, bad_request, kRequest, kRequest},
      {418, bad_request, kRequest, kRequest},      {422, bad_request, kRequest, kRequest},
      {429, rate_limited, kModel, kUpstream},      {451, bad_request, kRequest, kRequest},
      {500, upstream_error, kModel, kModel},       {502, upstream_error, kModel, kModel},
      {503, overloaded, kModel, kModel},           {504, upstream_error, kModel, kModel},
      {520, upstream_error, kUpstream, kUpstream}, {521, upstream_error, kUpstream, kUpstream},
      {522, upstream_error, kUpstream, kUpstream}, {523, upstream_error, kUpstream, kUpstream},
      {524, upstream_error, kModel, kUpstream},    {525, upstream_error, kUpstream, kUpstream},
      {526, upstream_error, kUpstream, kUpstream}, {529, overloaded, kModel, kModel},
      {530, upstream_error, kUpstream, kUpstream}, {599, upstream_error, kModel, kModel},
      {302, upstream_error, kUpstream, kUpstream}, {0, upstream_error, kModel, kModel},
  };
  for (const auto& row : rows) {
    const Verdict json = from_body(row.status, R"({"error":{"message":"x"}})");
    EXPECT_EQ(json.outcome, row.outcome) << row.status;
    EXPECT_EQ(json.scope, row.json) << row.status;
    const Verdict other = from_body(row.status, "<html>error</html>");
    EXPECT_EQ(other.outcome, row.outcome) << row.status << " not JSON";
    EXPECT_EQ(other.scope, row.other) << row.status << " not JSON";
    EXPECT_FALSE(json.gone || other.gone || json.no_retry || other.no_retry) << row.status;
    EXPECT_EQ(json.maybe_billed, row.status == 504 || row.status == 524) << row.status;
  }
}

struct Type {
  std::string type;
  Outcome outcome;
  Scope scope;
};

// CONTRACT §6.2, all 27 values; the type decides whatever the status is.
TEST(Verdict, of_every_error_type) {
  const std::vector<Type> rows = {
      {"context_length_exceeded", too_long, kRequest},
      {"max_tokens_exceeded", too_long, kRequest},
      {"token_limit_exceeded", too_long, kRequest},
      {"string_too_long", too_long, kRequest},
      {"invalid_request", bad_request, kRequest},
      {"invalid_prompt", bad_request, kRequest},
      {"content_policy_violation", refused_content, kRequest},
      {"refusal", refused_content, kRequest},
      {"invalid_image", bad_request, kRequest},
      {"image_too_large", bad_request, kRequest},
      {"image_too_small", bad_request, kRequest},
      {"unsupported_image_format", bad_request, kRequest},
      {"image_download_failed", bad_request, kRequest},
      {"authentication", bad_key, kKey},
      {"payment_required", out_of_money, kRequest},
      {"permission_denied", bad_key, kRequest},
      {"not_found", model_missing, kRequest},
      {"image_not_found", bad_request, kRequest},
      {"precondition_failed", bad_request, kRequest},
      {"payload_too_large", bad_request, kRequest},
      {"unprocessable", bad_request, kRequest},
      {"rate_limit_exceeded", rate_limited, kModel},
      {"server", upstream_error, kModel},
      {"unmapped", upstream_error, kModel},
      {"provider_unavailable", upstream_error, kModel},
      {"provider_overloaded", overloaded, kModel},
      {"timeout", upstream_error, kModel},
  };
  EXPECT_EQ(rows.size(), 27U);
  for (const auto& row : rows) {
    for (const int status : {400, 500, 522, 200, 0}) {
      const Verdict typed =
          from_body(status, R"({"error":{"message":"x","metadata":{"error_type":")" + row.type + R"("}}})");
      EXPECT_EQ(typed.outcome, row.outcome) << row.type << " at " << status;
      EXPECT_EQ(typed.scope, row.scope) << row.type << " at " << status;
    }
    const Verdict coded = from_body(0, R"({"error":{"message":"x","code":")" + row.type + R"("}})");
    EXPECT_EQ(coded.outcome, row.outcome) << row.type << " as a code (CONTRACT §6.1 C)";
    EXPECT_EQ(coded.scope, row.scope) << row.type << " as a code";
  }
}

TEST(Verdict, of_an_unknown_error_type_is_that_of_its_status) {
  const std::string body = R"({"error":{"message":"x","metadata":{"error_type":"a_type_of_tomorrow"}}})";
  EXPECT_EQ(from_body(400, body).outcome, bad_request);
  EXPECT_EQ(from_body(429, body).outcome, rate_limited);
  EXPECT_EQ(from_body(502, body).outcome, upstream_error);
  EXPECT_EQ(from_body(502, body).scope, kModel);
}

struct Availability {
  std::string code;
  int status;
  std::string error_type;
  Outcome outcome;  // flagged as the table has it, or not at all
  Outcome waiting;  // flagged retryable
  Scope scope;
  bool gone = false;
};

const std::vector<Availability>& availability_rows() {
  static const std::vector<Availability> rows = {
      {"model_not_found", 400, "invalid_request", model_missing, overloaded, kModel, true},
      {"wrong_endpoint", 400, "invalid_request", bad_request, overloaded, kRequest},
      {"no_endpoints", 404, "not_found", model_missing, overloaded, kRequest},
      {"model_deprecated", 404, "not_found", model_missing, overloaded, kModel, true},
      {"model_unavailable_upstream", 404, "not_found", model_missing, overloaded, kModel},
      {"privacy_restricted", 404, "not_found", model_missing, overloaded, kRequest},
      {"constraint_filtered", 404, "not_found", model_missing, overloaded, kRequest},
      {"free_variant_ended", 404, "not_found", model_missing, overloaded, kModel, true},
      {"region_restricted", 403, "permission_denied", model_missing, overloaded, kRequest},
      {"capacity_exhausted", 429, "rate_limit_exceeded", rate_limited, rate_limited, kModel},
      {"temporarily_unavailable", 503, "provider_overloaded", overloaded, overloaded, kModel},
      {"a_code_of_tomorrow", 503, "", overloaded, overloaded, kModel},
      {"a_code_of_tomorrow", 404, "not_found", model_missing, overloaded, kRequest},
      {"a_code_of_tomorrow", 429, "rate_limit_exceeded", rate_limited, rate_limited, kModel},
  };
  return rows;
}

// CONTRACT §6.4.
TEST(Verdict, heeds_availability_before_everything_else) {
  for (const auto& row : availability_rows()) {
    wire::UpstreamError error = status_only(row.status);
    error.error_type = row.error_type;
    error.availability = row.code;
    const Verdict plain = judge(error);
    EXPECT_EQ(plain.outcome, row.outcome) << row.code;
    EXPECT_EQ(plain.scope, row.scope) << row.code;
    EXPECT_EQ(plain.gone, row.gone) << row.code;
    error.retryable = true;
    const Verdict waiting = judge(error);
    EXPECT_EQ(waiting.outcome, row.waiting) << row.code << " flagged retryable";
    EXPECT_EQ(waiting.scope, row.scope) << row.code << " flagged retryable";
    EXPECT_FALSE(waiting.gone || waiting.no_retry) << row.code << " flagged retryable";
  }
}

TEST(Verdict, takes_no_retry_for_what_it_says_and_not_for_a_model_that_is_gone) {
  for (const auto& row : availability_rows()) {
    wire::UpstreamError error = status_only(row.status);
    error.error_type = row.error_type;
    error.availability = row.code;
    error.retryable = false;
    const Verdict final = judge(error);
    EXPECT_EQ(final.outcome, row.outcome) << row.code;
    EXPECT_EQ(final.gone, row.gone) << row.code;
    EXPECT_TRUE(final.no_retry) << row.code;
  }
}

TEST(Verdict, counts_what_filters_left_nothing_of_as_the_requests_whatever_its_status) {
  for (const std::string code : {"capacity_exhausted", "temporarily_unavailable", "constraint_filtered",
                                 "model_unavailable_upstream", "a_code_of_tomorrow"})
    for (const std::string filter :
         {R"("excluded_by":["max_price"])", R"("constraint":{"field":"provider.only","detail":"x"})"}) {
      const Verdict verdict = from_body(
          503, R"({"error":{"message":"x","availability":{"code":")" + code + R"(",)" + filter + "}}}");
      EXPECT_EQ(verdict.scope, kRequest) << code << " with " << filter;
    }
  const Verdict gone = from_body(
      404, R"({"error":{"message":"x","availability":{"code":"model_deprecated","excluded_by":["geo"]}}})");
  EXPECT_EQ(gone.scope, kModel) << "a model that is gone is gone for all";
  const Verdict nothing = from_body(
      503, R"({"error":{"message":"x","availability":{"code":"temporarily_unavailable","excluded_by":[]}}})");
  EXPECT_EQ(nothing.scope, kModel);
}

TEST(Verdict, knows_a_missing_model_by_its_code_alone) {
  for (const int status : {400, 404}) {
    const Verdict verdict = from_body(
        status, R"({"error":{"message":"x","type":"invalid_request_error","code":"model_not_found"}})");
    EXPECT_EQ(verdict.outcome, model_missing) << status;
    EXPECT_EQ(verdict.scope, kModel) << status;
    EXPECT_TRUE(verdict.gone) << status;
  }
}

struct Provided {
  std::string said;  // members of metadata
  Scope scope;
  std::string provider;
};

TEST(Verdict, of_one_providers_failure_names_it_and_of_several_is_the_models) {
  const std::vector<Provided> rows = {
      {R"("provider_name":"Acme")", kProvider, "Acme"},
      {R"("provider_name":"Acme","raw":"boom")", kProvider, "Acme"},
      {R"("provider_name":null)", kModel, ""},
      {R"("previous_errors":[{"provider":"acme","code":"x","status":502}])", kProvider, "acme"},
      {R"("previous_errors":[{"provider":"acme","status":502},{"provider":"acme","status":503}])", kProvider,
       "acme"},
      {R"("previous_errors":[{"provider":"acme","status":502},{"provider":"bolt","status":502}])", kModel,
       ""},
      {R"("provider_name":"Google AI Studio","previous_errors":[{"provider":"google-ai-studio"}])", kProvider,
       "Google AI Studio"},
      {R"("provider_name":"Acme","previous_errors":[{"provider":"bolt","status":502}])", kModel, ""},
      {R"("previous_errors":[{"code":402,"message":"x"}])", kModel, ""},
      {R"("previous_errors":null)", kModel, ""},
  };
  for (const auto& row : rows)
    for (const int status : {429, 500, 502, 503, 529, 504}) {
      const Verdict verdict = from_body(
          status, R"({"error":{"message":"Provider returned error","metadata":{)" + row.said + "}}}");
      EXPECT_EQ(verdict.scope, row.scope) << row.said << " at " << status;
      EXPECT_EQ(verdict.provider, row.provider) << row.said << " at " << status;
    }
  const Verdict affected = from_body(
      429,
      R"({"error":{"message":"x","availability":{"code":"capacity_exhausted","affected_providers":["acme"]}}})");
  EXPECT_EQ(affected.scope, kProvider);
  EXPECT_EQ(affected.provider, "acme");
  EXPECT_EQ(
      from_body(522, R"({"error":{"code":522,"message":"x","metadata":{"provider_name":"Acme"}}})").scope,
      kProvider)
      << "a provider behind an edge of its own";
}

TEST(Verdict, of_a_providers_own_credentials_is_not_about_our_key) {
  for (const int status : {401, 402}) {
    const Verdict verdict =
        from_body(status, R"({"error":{"message":"x","metadata":{"provider_name":"Acme","raw":"no"}}})");
    EXPECT_EQ(verdict.outcome, upstream_error) << status;
    EXPECT_EQ(verdict.scope, kProvider) << status;
    EXPECT_EQ(verdict.key, KeyDoubt::none) << status;
  }
}

TEST(Verdict, tells_the_many_kinds_of_403_apart) {
  struct Row {
    std::string body;
    Outcome outcome;
    Scope scope;
    KeyDoubt key;
  };
  const std::vector<Row> rows = {
      {R"({"error":{"code":403,"message":"Flagged","metadata":{"reasons":["x"],"flagged_input":"y"}}})",
       refused_content, kRequest, KeyDoubt::none},
      {R"({"error":{"message":"Flagged: budget exceeded","metadata":{"reasons":["x"],"provider_name":"A"}}})",
       refused_content, kRequest, KeyDoubt::none},
      {R"({"error":{"code":403,"message":"Blocked","metadata":{"patterns":["ssn"]}}})", refused_content,
       kRequest, KeyDoubt::none},
      {R"({"error":{"code":403,"message":"No","metadata":{"error_type":"permission_denied"}}})", bad_key,
       kRequest, KeyDoubt::suspected},
      {R"({"error":{"message":"Workspace Budget exceeded","metadata":{"error_type":"permission_denied"}}})",
       out_of_money, kKey, KeyDoubt::named},
      {R"({"error":{"message":"The budget of this guardrail or workspace is exhausted"}})", out_of_money,
       kKey, KeyDoubt::named},
      {R"({"error":{"message":"acme/budget-1 is not available in your region"}})", bad_request, kRequest,
       KeyDoubt::none},
      {R"({"error":{"message":"Key limit exceeded: its total"}})", out_of_money, kKey, KeyDoubt::named},
      {R"({"error":{"code":403,"message":"No"}})", bad_request, kRequest, KeyDoubt::none},
      {"<html>forbidden</html>", bad_request, kRequest, KeyDoubt::none},
  };
  for (const auto& row : rows) {
    const Verdict verdict = from_body(403, row.body);
    EXPECT_EQ(verdict.outcome, row.outcome) << row.body;
    EXPECT_EQ(verdict.scope, row.scope) << row.body;
    EXPECT_EQ(verdict.key, row.key) << row.body;
  }
}

// CONTRACT §11.8: what a request could cost decides, so no client may take a key away from others with it.
TEST(Verdict, of_a_402_only_suspects_the_key_unless_its_own_limit_is_named) {
  struct Row {
    std::string message;
    KeyDoubt key;
    std::optional<std::int64_t> affordable;
  };
  const std::vector<Row> rows = {
      {"Insufficient credits", KeyDoubt::suspected, std::nullopt},
      {"You requested up to 16384 tokens, but can only afford 3919. To increase, pay", KeyDoubt::suspected,
       3919},
      {"8192 tokens were asked for, and 100 can be afforded", KeyDoubt::suspected, 100},
      {"can only afford 0", KeyDoubt::suspected, 0},
      {"can only afford little", KeyDoubt::suspected, std::nullopt},
      {"can only afford 99999999999999999999", KeyDoubt::suspected, std::nullopt},
      {" can be afforded", KeyDoubt::suspected, std::nullopt},
      {"Key limit exceeded", KeyDoubt::named, std::nullopt},
  };
  for (const auto& row : rows) {
    const Verdict verdict = from_body(402, R"({"error":{"code":402,"message":")" + row.message +
                                               R"(","metadata":{"provider_name":null}}})");
    EXPECT_EQ(verdict.outcome, out_of_money) << row.message;
    EXPECT_EQ(verdict.key, row.key) << row.message;
    EXPECT_EQ(verdict.scope, row.key == KeyDoubt::named ? kKey : kRequest) << row.message;
    EXPECT_EQ(verdict.affordable_tokens, row.affordable) << row.message;
  }
}

TEST(Verdict, of_a_401_names_the_key_unless_it_is_not_the_apis_own) {
  EXPECT_EQ(from_body(401, R"({"error":{"code":401,"message":"No"}})").key, KeyDoubt::named);
  EXPECT_EQ(from_body(401, R"({"type":"error","error":{"type":"authentication_error","message":"x"}})").key,
            KeyDoubt::named);
  EXPECT_EQ(from_body(401, "<html>proxy</html>").key, KeyDoubt::suspected);
  EXPECT_EQ(from_body(401, "").scope, kRequest);
}

// CONTRACT §6.5, §7.1, §11.10.
TEST(Verdict, tells_the_caps_on_free_models_from_other_limits) {
  struct Row {
    std::string body;
    FreeCap cap;
    Scope scope;
  };
  const auto metadata = [](const std::string& message, const std::string& members) {
    return R"({"error":{"code":429,"message":")" + message + R"(","metadata":{)" + members + "}}}";
  };
  const std::vector<Row> rows = {
      {metadata("x", R"("limit_source":"openrouter_free_tier_daily","provider_name":null)"), FreeCap::daily,
       kFree},
      {metadata("x", R"("limit_source":"openrouter_free_tier_minute")"), FreeCap::minute, kFree},
      {metadata("Rate limit exceeded: free-models-per-day. Add credits", ""), FreeCap::daily, kFree},
      {metadata("Rate limit exceeded: free-models-per-min", ""), FreeCap::minute, kFree},
      {metadata("free-models-per-min", R"("limit_source":"openrouter_free_tier_daily")"), FreeCap::daily,
       kFree},
      {metadata("x", R"("limit_source":"openrouter_shared_capacity")"), FreeCap::none, kModel},
      {metadata("x", R"("limit_source":"upstream_provider_shared_pool","provider_name":"Acme")"),
       FreeCap::none, kProvider},
      {metadata("free-models-per-day", R"("provider_name":"Acme")"), FreeCap::none, kProvider},
      {metadata("x", ""), FreeCap::none, kModel},
  };
  for (const auto& row : rows) {
    const Verdict verdict = from_body(429, row.body);
    EXPECT_EQ(verdict.outcome, rate_limited) << row.body;
    EXPECT_EQ(verdict.free_cap, row.cap) << row.body;
    EXPECT_EQ(verdict.scope, row.scope) << row.body;
    EXPECT_EQ(verdict.no_retry, row.cap == FreeCap::daily) << row.body;
  }
  EXPECT_EQ(from_body(400, R"({"error":{"message":"free-models-per-day"}})").free_cap, FreeCap::none);
}

}  // namespace
}  // namespace gantry::route
