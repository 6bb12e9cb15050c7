#include <gmock/gmock.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "wire/reply.hpp"

namespace gantry::wire {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(ReadError, shape_a_the_envelope) {
  const UpstreamError error =
      read_error(429, R"({"error":{"code":429,"message":"Slow down","metadata":{)"
                      R"("error_type":"rate_limit_exceeded","provider_name":"Acme",)"
                      R"("limit_source":"openrouter_free_tier_daily"}},"user_id":"user-1"})");
  EXPECT_TRUE(error.json);
  EXPECT_EQ(error.status, 429);
  EXPECT_EQ(error.message, "Slow down");
  EXPECT_EQ(error.error_type, "rate_limit_exceeded");
  EXPECT_EQ(error.provider, "Acme");
  EXPECT_EQ(error.limit_source, "openrouter_free_tier_daily");
  EXPECT_FALSE(error.retryable || error.retry_after_s);
}

TEST(ReadError, shape_b_availability_without_a_code) {
  const std::string body =
      R"({"error":{"message":"All providers busy","error_type":"rate_limit_exceeded","http_status":429,)"
      R"("availability":{"code":"capacity_exhausted","retryable":true,"retry_after":12,)"
      R"("requested_models":["acme/alpha-2"],"docs_url":"x"}}})";
  for (const int http : {429, 0}) {
    const UpstreamError error = read_error(http, body);
    EXPECT_EQ(error.status, 429) << "HTTP " << http;
    EXPECT_EQ(error.error_type, "rate_limit_exceeded");
    EXPECT_EQ(error.availability, "capacity_exhausted");
    EXPECT_EQ(error.retryable, true);
    EXPECT_EQ(error.retry_after_s, 12);
  }
}

TEST(ReadError, takes_the_status_from_http_then_code_then_http_status) {
  const std::string body = R"({"error":{"code":502,"http_status":503,"message":"x"}})";
  EXPECT_EQ(read_error(500, body).status, 500);
  EXPECT_EQ(read_error(0, body).status, 502);
  EXPECT_EQ(read_error(0, R"({"error":{"code":"x","http_status":503,"message":"x"}})").status, 503);
  EXPECT_EQ(read_error(0, R"({"error":{"code":7,"message":"x"}})").status, 0) << "7 is no HTTP status";
}

TEST(ReadError, shape_c_of_responses) {
  const UpstreamError request =
      read_error(400, R"({"error":{"code":"invalid_prompt","message":"x"},"metadata":null})");
  EXPECT_EQ(request.code_text, "invalid_prompt");
  EXPECT_EQ(request.status, 400);
  const UpstreamError failed = read_error(
      0,
      R"({"status":"failed","error":{"code":"server_error","message":"x"},"error_type":"provider_unavailable"})");
  EXPECT_EQ(failed.error_type, "provider_unavailable");
}

TEST(ReadError, shape_d_of_messages) {
  EXPECT_EQ(
      read_error(
          429,
          R"({"type":"error","error":{"type":"rate_limit_error","message":"x","error_type":"rate_limit_exceeded"}})")
          .error_type,
      "rate_limit_exceeded");
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"authentication_error", "authentication"},
      {"permission_error", "permission_denied"},
      {"billing_error", "payment_required"},
      {"not_found_error", "not_found"},
      {"rate_limit_error", "rate_limit_exceeded"},
      {"overloaded_error", "provider_overloaded"},
      {"timeout_error", "timeout"},
      {"invalid_request_error", "invalid_request"},
      {"api_error", ""},
  };
  for (const auto& [theirs, ours] : rows)
    EXPECT_EQ(
        read_error(0, R"({"type":"error","error":{"type":")" + theirs + R"(","message":"x"}})").error_type,
        ours)
        << theirs;
  EXPECT_EQ(
      read_error(404, R"({"error":{"type":"invalid_request_error","code":"model_not_found","message":"x"}})")
          .error_type,
      "")
      << "OpenAI's `type` is coarser and must not hide the rest";
}

TEST(ReadError, shape_e_of_images_and_videos) {
  EXPECT_EQ(
      read_error(0, R"({"type":"error","error":{"message":"no pixels","code":null,"param":null}})").message,
      "no pixels");
  EXPECT_EQ(read_error(0, R"({"status":"failed","error":"no frames"})").message, "no frames");
}

TEST(ReadError, shape_f_is_classed_by_its_status_and_not_quoted) {
  for (const std::string body :
       {"<html>cloudflare cf-secret</html>", "", "upstream connect error", "[1]", "{\"error\":"}) {
    const UpstreamError error = read_error(524, body);
    EXPECT_FALSE(error.json) << body;
    EXPECT_EQ(error.status, 524);
    EXPECT_THAT(error.message, AllOf(HasSubstr("524"), Not(HasSubstr("cloudflare"))));
  }
}

TEST(ReadError, tolerates_null_and_wrong_types_everywhere) {
  for (
      const std::string body :
      {R"({"error":null})", R"({"error":{}})",
       R"({"error":{"code":null,"message":null,"metadata":null,"availability":null}})",
       R"({"error":{"code":[],"message":{},"metadata":"x","availability":"y"}})", R"({"error":5})",
       R"({"error":[1]})", "{}",
       R"({"error":{"metadata":{"error_type":5,"provider_name":null},"availability":{"code":1,"retryable":"no","retry_after":-3}}})"}) {
    const UpstreamError error = read_error(500, body);
    EXPECT_EQ(error.status, 500) << body;
    EXPECT_FALSE(error.message.empty()) << body;
    EXPECT_EQ(error.error_type, "") << body;
    EXPECT_FALSE(error.retryable || error.retry_after_s) << body;
  }
}

TEST(ReadError, tells_moderation_and_guardrails_from_a_missing_permission) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {R"({"reasons":["violence"],"flagged_input":"how to","provider_name":"Acme","model_slug":"a"})",
       "content_policy_violation"},
      {R"({"patterns":["ssn"],"error_type":"permission_denied"})", "content_policy_violation"},
      {R"({"error_type":"permission_denied"})", "permission_denied"},
      {R"({"reasons":["x"],"error_type":"refusal"})", "refusal"},
      {"{}", ""},
  };
  for (const auto& [metadata, type] : rows)
    EXPECT_EQ(
        read_error(403, R"({"error":{"code":403,"message":"x","metadata":)" + metadata + "}}").error_type,
        type)
        << metadata;
}

TEST(ReadError, reads_when_a_limit_resets_from_the_headers_in_its_body) {
  const std::vector<std::pair<std::string, std::optional<std::int64_t>>> rows = {
      {R"({"X-RateLimit-Reset":"1790035200000"})", 1790035200000},
      {R"({"x-ratelimit-reset":1790035200000})", 1790035200000},
      {R"({"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"7"})", 7},
      {R"({"X-RateLimit-Reset":"99999999999999999999999"})", std::numeric_limits<std::int64_t>::max()},
      {R"({"X-RateLimit-Reset":"soon"})", std::nullopt},
      {R"({"X-RateLimit-Reset":"1790035200000 "})", std::nullopt},
      {R"({"X-RateLimit-Reset":""})", std::nullopt},
      {R"({"X-RateLimit-Reset":null})", std::nullopt},
      {R"({"X-RateLimit-Limit":"50"})", std::nullopt},
      {R"("X-RateLimit-Reset")", std::nullopt},
      {"null", std::nullopt},
  };
  for (const auto& [headers, expected] : rows)
    EXPECT_EQ(
        read_error(429, R"({"error":{"message":"x","metadata":{"headers":)" + headers + "}}}").limit_reset_ms,
        expected)
        << headers;
}

TEST(ReadError, knows_which_providers_failed) {
  const UpstreamError error = read_error(
      503,
      R"({"error":{"message":"x","availability":{"code":"y","affected_providers":["acme",null,"bolt"]},)"
      R"("metadata":{"previous_errors":[{"provider":"acme"},{"provider_name":"Cave"},{"code":402},5]}}})");
  EXPECT_THAT(error.failed_providers, testing::UnorderedElementsAre("acme", "Cave", "bolt"));
  EXPECT_EQ(error.provider, "");
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += std::string(i ? "," : "") + R"({"provider":"p)" + std::to_string(i) + "\"}";
  EXPECT_EQ(
      read_error(503, R"({"error":{"metadata":{"previous_errors":[)" + many + "]}}}").failed_providers.size(),
      8U);
}

TEST(ReadError, tells_when_filters_had_a_part_in_it) {
  const std::vector<std::pair<std::string, bool>> rows = {
      {R"({"code":"x","excluded_by":["geo"]})", true},
      {R"({"code":"x","constraint":{"field":"provider","detail":"y"}})", true},
      {R"({"code":"x","excluded_by":[]})", false},
      {R"({"code":"x","excluded_by":null,"constraint":null})", false},
      {R"({"code":"x"})", false},
      {"null", false},
  };
  for (const auto& [availability, constrained] : rows)
    EXPECT_EQ(read_error(404, R"({"error":{"message":"x","availability":)" + availability + "}}").constrained,
              constrained)
        << availability;
}

TEST(ReadError, knows_an_error_inside_a_reply_and_who_was_answering) {
  ReplyScanner scanner;
  for (const std::string body : {R"({"provider":"Acme","error":{"code":502,"message":"x"}})",
                                 R"({"choices":[{"error":{"code":502,"message":"x"}}],"provider":"Acme"})"}) {
    const auto reply = scanner.reply(body);
    const auto chunk = scanner.chunk(body);
    ASSERT_TRUE(reply && reply->error && chunk && chunk->error) << body;
    for (const auto* error : {&*reply->error, &*chunk->error}) {
      EXPECT_TRUE(error->in_reply) << body;
      EXPECT_EQ(error->served_by, "Acme") << body;
      EXPECT_EQ(error->provider, "") << body;
    }
  }
  EXPECT_FALSE(read_error(502, R"({"provider":"Acme","error":{"message":"x"}})").in_reply);
}

TEST(ReadError, keeps_no_secret_no_prompt_and_no_user) {
  const UpstreamError error = read_error(
      400,
      R"({"error":{"code":400,"message":"bad key sk-or-v1-0123456789abcdef\n\u001b[31m for label sk-or-v1-abc...123",)"
      R"("metadata":{"raw":"RAWBODY","flagged_input":"PROMPT","provider_name":"Acme sk-0123456789abcdef",)"
      R"("headers":{"x":"HEADER"}}},"user_id":"USERID"})");
  EXPECT_EQ(error.message, "bad key *** [31m for label ***");
  for (const std::string& text : {error.message, error.error_type, error.code_text, error.availability,
                                  error.limit_source, error.provider})
    for (const std::string secret : {"RAWBODY", "PROMPT", "HEADER", "USERID", "0123456789"})
      EXPECT_THAT(text, Not(HasSubstr(secret)));
}

TEST(ReadError, bounds_what_it_keeps) {
  const std::string long_text(10'000, 'x');
  const UpstreamError error = read_error(500, R"({"error":{"code":")" + long_text + R"(","message":")" +
                                                  long_text + R"(","metadata":{"error_type":")" + long_text +
                                                  R"(","provider_name":")" + long_text + R"("}}})");
  EXPECT_LE(error.message.size(), 500U);
  EXPECT_LE(error.code_text.size(), 100U);
  EXPECT_LE(error.error_type.size(), 100U);
  EXPECT_LE(error.provider.size(), 100U);
}

}  // namespace
}  // namespace gantry::wire
