#include "route/outcome.hpp"

#include <gmock/gmock.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace gantry::route {

static std::ostream& operator<<(std::ostream& out, Outcome outcome) { return out << name(outcome); }

namespace {

using enum Outcome;

std::vector<Outcome> all_outcomes() {
  std::vector<Outcome> out;
  for (int i = 0; i < kOutcomes; ++i) out.push_back(static_cast<Outcome>(i));
  return out;
}

wire::UpstreamError status_only(int status) {
  wire::UpstreamError error;
  error.status = status;
  return error;
}

Outcome from_body(int status, const std::string& body) { return classify(wire::read_error(status, body)); }

TEST(Outcome, has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (const Outcome outcome : all_outcomes()) {
    EXPECT_FALSE(name(outcome).empty());
    names.insert(name(outcome));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kOutcomes));
  EXPECT_EQ(name(delivered), "delivered");
  EXPECT_EQ(name(cancelled), "cancelled");
}

TEST(Outcome, says_whether_another_model_may_be_asked) {
  const std::set<Outcome> no = {delivered, refused_content, bad_request, bad_key, cancelled};
  for (const Outcome outcome : all_outcomes())
    EXPECT_EQ(may_fall_back(outcome), !no.contains(outcome)) << outcome;
}

// CONTRACT §6.3, row by row.
TEST(Classify, knows_every_status) {
  const std::vector<std::pair<int, Outcome>> rows = {
      {400, bad_request},    {401, bad_key},        {402, out_of_money},   {403, bad_request},
      {404, model_missing},  {408, upstream_error}, {409, bad_request},    {410, bad_request},
      {412, bad_request},    {413, bad_request},    {422, bad_request},    {429, rate_limited},
      {500, upstream_error}, {502, upstream_error}, {503, overloaded},     {504, upstream_error},
      {520, upstream_error}, {521, upstream_error}, {522, upstream_error}, {523, upstream_error},
      {524, upstream_error}, {525, upstream_error}, {526, upstream_error}, {529, overloaded},
      {530, upstream_error}, {418, bad_request},    {599, upstream_error}, {0, upstream_error},
      {302, upstream_error},
  };
  for (const auto& [status, outcome] : rows) EXPECT_EQ(classify(status_only(status)), outcome) << status;
}

// CONTRACT §6.2, all 27 values; the type decides whatever the status is.
TEST(Classify, knows_every_error_type) {
  const std::vector<std::pair<std::string, Outcome>> rows = {
      {"context_length_exceeded", too_long},
      {"max_tokens_exceeded", too_long},
      {"token_limit_exceeded", too_long},
      {"string_too_long", too_long},
      {"invalid_request", bad_request},
      {"invalid_prompt", bad_request},
      {"content_policy_violation", refused_content},
      {"refusal", refused_content},
      {"invalid_image", bad_request},
      {"image_too_large", bad_request},
      {"image_too_small", bad_request},
      {"unsupported_image_format", bad_request},
      {"image_download_failed", bad_request},
      {"authentication", bad_key},
      {"payment_required", out_of_money},
      {"permission_denied", bad_key},
      {"not_found", model_missing},
      {"image_not_found", bad_request},
      {"precondition_failed", bad_request},
      {"payload_too_large", bad_request},
      {"unprocessable", bad_request},
      {"rate_limit_exceeded", rate_limited},
      {"server", upstream_error},
      {"unmapped", upstream_error},
      {"provider_unavailable", upstream_error},
      {"provider_overloaded", overloaded},
      {"timeout", upstream_error},
  };
  EXPECT_EQ(rows.size(), 27U);
  for (const auto& [type, outcome] : rows) {
    EXPECT_EQ(from_body(400, R"({"error":{"message":"x","metadata":{"error_type":")" + type + R"("}}})"),
              outcome)
        << type;
    EXPECT_EQ(from_body(500, R"({"error":{"message":"x","metadata":{"error_type":")" + type + R"("}}})"),
              outcome)
        << type;
    EXPECT_EQ(from_body(0, R"({"error":{"message":"x","code":")" + type + R"("}})"), outcome)
        << type << " as a code";
  }
  EXPECT_EQ(from_body(400, R"({"error":{"message":"x","metadata":{"error_type":"new_type"}}})"), bad_request);
  EXPECT_EQ(from_body(502, R"({"error":{"message":"x","metadata":{"error_type":"new_type"}}})"),
            upstream_error);
}

struct Availability {
  std::string code;
  int status;
  std::string error_type;
  Outcome plain;      // retryable as the table of CONTRACT §6.4 has it, or left out
  Outcome retryable;  // flagged true
  Outcome final;      // flagged false
};

TEST(Classify, heeds_availability_before_everything_else) {
  const std::vector<Availability> rows = {
      {"model_not_found", 400, "invalid_request", model_missing, overloaded, model_missing},
      {"wrong_endpoint", 400, "invalid_request", bad_request, overloaded, bad_request},
      {"no_endpoints", 404, "not_found", model_missing, overloaded, model_missing},
      {"model_deprecated", 404, "not_found", model_missing, overloaded, model_missing},
      {"model_unavailable_upstream", 404, "not_found", model_missing, overloaded, model_missing},
      {"privacy_restricted", 404, "not_found", model_missing, overloaded, model_missing},
      {"constraint_filtered", 404, "not_found", model_missing, overloaded, model_missing},
      {"free_variant_ended", 404, "not_found", model_missing, overloaded, model_missing},
      {"region_restricted", 403, "permission_denied", model_missing, overloaded, model_missing},
      {"capacity_exhausted", 429, "rate_limit_exceeded", rate_limited, rate_limited, rate_limited},
      {"temporarily_unavailable", 503, "provider_overloaded", overloaded, overloaded, model_missing},
      {"a_code_of_tomorrow", 503, "", overloaded, overloaded, model_missing},
      {"a_code_of_tomorrow", 404, "not_found", model_missing, overloaded, model_missing},
      {"a_code_of_tomorrow", 429, "rate_limit_exceeded", rate_limited, rate_limited, rate_limited},
  };
  for (const auto& row : rows) {
    wire::UpstreamError error = status_only(row.status);
    error.error_type = row.error_type;
    error.availability = row.code;
    EXPECT_EQ(classify(error), row.plain) << row.code;
    error.retryable = true;
    EXPECT_EQ(classify(error), row.retryable) << row.code << " flagged retryable";
    error.retryable = false;
    EXPECT_EQ(classify(error), row.final) << row.code << " flagged final";
  }
}

TEST(Classify, tells_the_many_kinds_of_403_apart) {
  const std::vector<std::pair<std::string, Outcome>> rows = {
      {R"({"error":{"code":403,"message":"Flagged","metadata":{"reasons":["x"],"flagged_input":"y"}}})",
       refused_content},
      {R"({"error":{"code":403,"message":"Blocked","metadata":{"patterns":["ssn"]}}})", refused_content},
      {R"({"error":{"code":403,"message":"No","metadata":{"error_type":"permission_denied"}}})", bad_key},
      {R"({"error":{"code":403,"message":"Workspace Budget exceeded","metadata":{"error_type":"permission_denied"}}})",
       out_of_money},
      {R"({"error":{"code":403,"message":"No"}})", bad_request},
      {"<html>forbidden</html>", bad_request},
  };
  for (const auto& [body, outcome] : rows) EXPECT_EQ(from_body(403, body), outcome) << body;
}

TEST(Classify, knows_a_missing_model_by_its_code_alone) {
  EXPECT_EQ(
      from_body(404, R"({"error":{"message":"x","type":"invalid_request_error","code":"model_not_found"}})"),
      model_missing);
  EXPECT_EQ(from_body(400, R"({"error":{"message":"x","code":"model_not_found"}})"), model_missing);
}

struct Transport {
  Fault fault;
  Outcome unsent;
  Outcome sent;
};

TEST(Classify, knows_every_transport_failure_before_and_after_sending) {
  const std::vector<Transport> rows = {
      {Fault::timed_out, unreachable, silent},         {Fault::cancelled, cancelled, cancelled},
      {Fault::closed, unreachable, ambiguous},         {Fault::reset, unreachable, ambiguous},
      {Fault::refused, unreachable, unreachable},      {Fault::unresolved, unreachable, unreachable},
      {Fault::tls_failed, unreachable, ambiguous},     {Fault::malformed, unreachable, upstream_error},
      {Fault::too_large, unreachable, upstream_error}, {Fault::bad_input, bad_request, bad_request},
      {Fault::not_found, unreachable, upstream_error}, {Fault::overloaded, unreachable, unreachable},
      {Fault::system, unreachable, ambiguous},         {Fault::internal, unreachable, upstream_error},
  };
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(Fault::internal) + 1) << "a fault has no row";
  for (const auto& row : rows) {
    EXPECT_EQ(classify(row.fault, Sent::no), row.unsent) << name(row.fault);
    EXPECT_EQ(classify(row.fault, Sent::yes), row.sent) << name(row.fault);
  }
}

// CONTRACT §4 and §11.1–5: a 200 is not yet a success.
TEST(Classify, reads_a_200_with_care) {
  const std::vector<std::pair<std::string, Outcome>> rows = {
      {R"({"choices":[{"finish_reason":"stop","message":{"content":"hi"}}]})", delivered},
      {R"({"choices":[{"finish_reason":null,"message":{"content":"hi"}}]})", delivered},
      {R"({"choices":[{"finish_reason":"stop","text":"hi"}]})", delivered},
      {R"({"choices":[{"finish_reason":"tool_calls","message":{"content":null,"tool_calls":[{"id":"1"}]}}]})",
       delivered},
      {R"({"choices":[{"finish_reason":"length","message":{"content":"","reasoning":"hm"}}]})", delivered},
      {R"({"choices":[{"finish_reason":"length","message":{"content":""}}]})", delivered},
      {R"({"choices":[{"finish_reason":"stop","message":{"refusal":"no"}}]})", delivered},
      {R"({"choices":[{"finish_reason":"content_filter","message":{"content":null}}]})", delivered},
      {R"({"choices":[{"finish_reason":"stop","message":{"content":""}}]})", delivered},
      {R"({"choices":[]})", empty},
      {"{}", empty},
      {R"({"choices":[{"finish_reason":null,"message":{"content":null}}]})", empty},
      {R"({"choices":[{"finish_reason":"error","message":{"content":""}}]})", empty},
      {R"({"choices":[{"finish_reason":"error","message":{"content":"part"}}]})", upstream_error},
      {R"({"error":{"code":502,"message":"x"}})", upstream_error},
      {R"({"error":{"code":429,"message":"x"}})", rate_limited},
      {R"({"error":{"code":"server_error","message":"x"}})", upstream_error},
      {R"({"error":{"message":"x"}})", upstream_error},
      {R"({"choices":[{"finish_reason":"error","message":{"content":"part"},"error":{"code":503,"message":"x"}}]})",
       overloaded},
  };
  wire::ReplyScanner scanner;
  for (const auto& [body, outcome] : rows) {
    const auto facts = scanner.reply(body);
    ASSERT_TRUE(facts.has_value()) << body;
    EXPECT_EQ(classify(*facts), outcome) << body;
  }
}

struct Client {
  Outcome outcome;
  int upstream;
  int status;
  std::string error_type;
};

TEST(ClientStatus, is_what_the_client_should_act_on) {
  const std::vector<Client> rows = {
      {delivered, 200, 200, ""},
      {empty, 200, 502, "provider_unavailable"},
      {rate_limited, 429, 429, "rate_limit_exceeded"},
      {overloaded, 529, 503, "provider_overloaded"},
      {upstream_error, 500, 500, "server"},
      {upstream_error, 502, 502, "provider_unavailable"},
      {upstream_error, 504, 504, "timeout"},
      {upstream_error, 524, 504, "timeout"},
      {upstream_error, 408, 504, "timeout"},
      {upstream_error, 522, 502, "provider_unavailable"},
      {upstream_error, 0, 502, "provider_unavailable"},
      {unreachable, 0, 502, "provider_unavailable"},
      {ambiguous, 0, 502, "provider_unavailable"},
      {silent, 0, 504, "timeout"},
      {slow, 200, 504, "timeout"},
      {model_missing, 400, 404, "not_found"},
      {model_missing, 404, 404, "not_found"},
      {too_long, 400, 400, "context_length_exceeded"},
      {refused_content, 403, 403, "content_policy_violation"},
      {refused_content, 400, 400, "content_policy_violation"},
      {bad_request, 400, 400, "invalid_request"},
      {bad_request, 403, 403, "permission_denied"},
      {bad_request, 404, 404, "not_found"},
      {bad_request, 412, 412, "precondition_failed"},
      {bad_request, 413, 413, "payload_too_large"},
      {bad_request, 422, 422, "unprocessable"},
      {bad_request, 418, 400, "invalid_request"},
      {bad_key, 401, 502, "provider_unavailable"},
      {bad_key, 403, 502, "provider_unavailable"},
      {out_of_money, 402, 503, "provider_unavailable"},
      {out_of_money, 403, 503, "provider_unavailable"},
      {cancelled, 0, 499, "cancelled"},
  };
  for (const auto& row : rows) {
    const ClientStatus status = client_status(row.outcome, row.upstream);
    EXPECT_EQ(status.status, row.status) << row.outcome << " from " << row.upstream;
    EXPECT_EQ(status.error_type, row.error_type) << row.outcome << " from " << row.upstream;
  }
}

TEST(ClientStatus, never_speaks_of_our_key_as_if_it_were_the_clients) {
  for (const Outcome outcome : all_outcomes())
    for (int upstream = 0; upstream < 600; ++upstream) {
      const int status = client_status(outcome, upstream).status;
      EXPECT_TRUE(status != 401 && status != 402) << outcome << " from " << upstream;
      if (outcome != delivered) EXPECT_GE(status, 400) << outcome << " from " << upstream;
    }
}

}  // namespace
}  // namespace gantry::route
