// The ends that are not an error's body: transport failures, replies with status 200, chunks of a stream; and
// what holds of every verdict.
#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "route/verdict.hpp"
#include "route/verdict_printing.hpp"

namespace gantry::route {
namespace {

using enum Outcome;

constexpr Scope kRequest = Scope::request, kModel = Scope::model, kProvider = Scope::provider,
                kUpstream = Scope::upstream;

struct Transport {
  Fault fault;
  Outcome unsent;
  Scope unsent_scope;
  Outcome sent;
  Scope sent_scope;
};

TEST(Verdict, of_every_transport_failure_before_and_after_sending) {
  const std::vector<Transport> rows = {
      {Fault::timed_out, unreachable, kUpstream, silent, kModel},
      {Fault::cancelled, cancelled, kRequest, cancelled, kRequest},
      {Fault::closed, unreachable, kUpstream, ambiguous, kModel},
      {Fault::reset, unreachable, kUpstream, ambiguous, kModel},
      {Fault::refused, unreachable, kUpstream, unreachable, kUpstream},
      {Fault::unresolved, unreachable, kUpstream, unreachable, kUpstream},
      {Fault::tls_failed, unreachable, kUpstream, ambiguous, kModel},
      {Fault::malformed, unreachable, kUpstream, upstream_error, kModel},
      {Fault::too_large, unreachable, kUpstream, upstream_error, kModel},
      {Fault::bad_input, bad_request, kRequest, bad_request, kRequest},
      {Fault::not_found, unreachable, kRequest, upstream_error, kRequest},
      {Fault::overloaded, unreachable, kRequest, unreachable, kRequest},
      {Fault::system, unreachable, kRequest, ambiguous, kRequest},
      {Fault::internal, unreachable, kRequest, upstream_error, kRequest},
  };
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(Fault::internal) + 1) << "a fault has no row";
  for (const auto& row : rows) {
    const Verdict unsent = judge(row.fault, Sent::no), sent = judge(row.fault, Sent::yes);
    EXPECT_EQ(unsent.outcome, row.unsent) << name(row.fault);
    EXPECT_EQ(unsent.scope, row.unsent_scope) << name(row.fault);
    EXPECT_FALSE(unsent.maybe_billed) << name(row.fault);
    EXPECT_EQ(sent.outcome, row.sent) << name(row.fault);
    EXPECT_EQ(sent.scope, row.sent_scope) << name(row.fault);
    EXPECT_EQ(sent.maybe_billed, row.sent != unreachable && row.sent != bad_request) << name(row.fault);
  }
}

TEST(Verdict, of_what_the_engine_saw_itself_speaks_of_who_was_serving) {
  EXPECT_EQ(judge(silent).scope, kModel);
  EXPECT_EQ(judge(slow, "Acme").scope, kProvider);
  EXPECT_EQ(judge(slow, "Acme").provider, "Acme");
  EXPECT_TRUE(judge(slow).maybe_billed);
  EXPECT_EQ(judge(delivered, "Acme").scope, kRequest);
}

struct Reply {
  std::string body;
  Outcome outcome;
  Scope scope;
};

// CONTRACT §4 and §11.1–5: a 200 is not yet a success.
TEST(Verdict, of_a_200_is_not_yet_a_success) {
  const std::vector<Reply> rows = {
      {R"({"choices":[{"finish_reason":"stop","message":{"content":"hi"}}]})", delivered, kRequest},
      {R"({"provider":"Acme","choices":[{"finish_reason":"stop","message":{"content":"hi"}}]})", delivered,
       kRequest},
      {R"({"choices":[{"finish_reason":null,"message":{"content":"hi"}}]})", delivered, kRequest},
      {R"({"choices":[{"finish_reason":"stop","text":"hi"}]})", delivered, kRequest},
      {R"({"choices":[{"finish_reason":"tool_calls","message":{"content":null,"tool_calls":[{"id":"1"}]}}]})",
       delivered, kRequest},
      {R"({"choices":[{"finish_reason":"length","message":{"content":"","reasoning":"hm"}}]})", delivered,
       kRequest},
      {R"({"choices":[{"finish_reason":"length","message":{"content":""}}]})", delivered, kRequest},
      {R"({"choices":[{"finish_reason":"stop","message":{"refusal":"no"}}]})", delivered, kRequest},
      {R"({"choices":[{"finish_reason":"content_filter","message":{"content":null}}]})", delivered, kRequest},
      {R"({"choices":[{"finish_reason":"stop","message":{"content":""}}]})", delivered, kRequest},
      {R"({"choices":[]})", empty, kModel},
      {R"({"provider":"Acme","choices":[]})", empty, kProvider},
      {"{}", empty, kModel},
      {R"({"choices":[{"finish_reason":null,"message":{"content":null}}]})", empty, kModel},
      {R"({"choices":[{"finish_reason":"error","message":{"content":""}}]})", empty, kModel},
      {R"({"choices":[{"finish_reason":"error","message":{"content":"part"}}]})", upstream_error, kModel},
      {R"({"provider":"Acme","choices":[{"finish_reason":"error","message":{"content":"part"}}]})",
       upstream_error, kProvider},
  };
  wire::ReplyScanner scanner;
  for (const auto& row : rows) {
    const auto facts = scanner.reply(row.body);
    ASSERT_TRUE(facts.has_value()) << row.body;
    EXPECT_EQ(judge(*facts).outcome, row.outcome) << row.body;
    EXPECT_EQ(judge(*facts).scope, row.scope) << row.body;
  }
}

// CONTRACT §4.3, §5.3 and §6.4: the same error at the top of a 200, in a choice, and in the middle of a
// stream.
TEST(Verdict, of_an_error_is_the_same_wherever_in_a_200_it_is_told) {
  const std::vector<Reply> rows = {
      {R"({"code":502,"message":"x"})", upstream_error, kModel},
      {R"({"code":429,"message":"x"})", rate_limited, kModel},
      {R"({"code":"server_error","message":"x"})", upstream_error, kModel},
      {R"({"message":"x"})", upstream_error, kModel},
      {R"("text")", upstream_error, kModel},
      {R"({"code":503,"message":"x"})", overloaded, kModel},
      {R"({"code":522,"message":"x"})", upstream_error, kModel},  // told by OpenRouter, not by its edge
      {R"({"code":502,"message":"x","metadata":{"error_type":"provider_unavailable","provider_name":"Acme"}})",
       upstream_error, kProvider},
      {R"({"code":400,"message":"x","metadata":{"error_type":"max_tokens_exceeded"}})", too_long, kRequest},
      {R"({"message":"x","availability":{"code":"capacity_exhausted","retryable":true}})", rate_limited,
       kModel},
      {R"({"code":402,"message":"x"})", out_of_money, kRequest},
  };
  wire::ReplyScanner scanner;
  for (const auto& row : rows) {
    const std::string choice =
        R"("choices":[{"index":0,"finish_reason":"error","message":{"content":"part"})";
    const auto top = scanner.reply(R"({"error":)" + row.body + "}");
    const auto both = scanner.reply(R"({"error":)" + row.body + "," + choice + "}]}");
    const auto inside = scanner.reply("{" + choice + R"(,"error":)" + row.body + "}]}");
    for (const auto& reply : {top, both, inside}) {
      ASSERT_TRUE(reply && reply->error) << row.body;
      EXPECT_EQ(judge(*reply).outcome, row.outcome) << row.body;
      EXPECT_EQ(judge(*reply).scope, row.scope) << row.body;
    }
    const auto chunk = scanner.chunk(R"({"id":"gen-1","error":)" + row.body + R"(,"choices":[]})");
    ASSERT_TRUE(chunk) << row.body;
    const auto verdict = judge(*chunk);
    ASSERT_TRUE(verdict) << row.body;
    EXPECT_EQ(verdict->outcome, row.outcome) << row.body;
    EXPECT_EQ(verdict->scope, row.scope) << row.body;
  }
}

TEST(Verdict, of_a_failing_stream_names_the_provider_that_was_answering) {
  wire::ReplyScanner scanner;
  const auto chunk = scanner.chunk(
      R"({"provider":"Acme","error":{"code":502,"message":"x"},"choices":[{"index":0,"finish_reason":"error"}]})");
  ASSERT_TRUE(chunk);
  const auto verdict = judge(*chunk);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->scope, kProvider);
  EXPECT_EQ(verdict->provider, "Acme");
  const auto money = scanner.chunk(R"({"provider":"Acme","error":{"code":402,"message":"x"}})");
  ASSERT_TRUE(money);
  EXPECT_EQ(judge(*money)->outcome, out_of_money) << "our account, whoever was answering";
}

TEST(Verdict, of_a_chunk_is_none_while_all_is_well) {
  wire::ReplyScanner scanner;
  const auto token = scanner.chunk(R"({"choices":[{"delta":{"content":"hi"},"finish_reason":null}]})");
  EXPECT_FALSE(judge(*token));
  const auto done = scanner.chunk(R"({"choices":[{"delta":{},"finish_reason":"stop"}]})");
  EXPECT_FALSE(judge(*done));
  const auto broken = scanner.chunk(R"({"choices":[{"delta":{},"finish_reason":"error"}]})");
  ASSERT_TRUE(judge(*broken));
  EXPECT_EQ(judge(*broken)->outcome, upstream_error);
}

std::string any_word(const std::vector<std::string>& known) {
  if (*rc::gen::inRange(0, 4) == 0) return *rc::gen::string<std::string>();
  return *rc::gen::elementOf(known);
}

wire::UpstreamError any_error() {
  static const std::vector<std::string> kTypes = {"",
                                                  "context_length_exceeded",
                                                  "content_policy_violation",
                                                  "authentication",
                                                  "payment_required",
                                                  "not_found",
                                                  "permission_denied",
                                                  "rate_limit_exceeded",
                                                  "server",
                                                  "timeout",
                                                  "unmapped",
                                                  "provider_unavailable",
                                                  "provider_overloaded",
                                                  "invalid_request"};
  static const std::vector<std::string> kCodes = {"",
                                                  "model_not_found",
                                                  "no_endpoints",
                                                  "model_deprecated",
                                                  "privacy_restricted",
                                                  "wrong_endpoint",
                                                  "capacity_exhausted",
                                                  "region_restricted",
                                                  "free_variant_ended"};
  static const std::vector<std::string> kMessages = {
      "",       "free-models-per-day", "free-models-per-min", "key limit exceeded", "budget exceeded",
      "afford", "can only afford 7",   "5 can be afforded"};
  wire::UpstreamError error;
  error.status = *rc::gen::inRange(-1, 700);
  error.error_type = any_word(kTypes);
  error.code_text = any_word(kTypes);
  error.availability = any_word(kCodes);
  error.message = any_word(kMessages);
  error.limit_source = any_word({"", "openrouter_free_tier_daily", "openrouter_shared_capacity"});
  error.provider = any_word({"", "", "Acme", "Bolt"});
  error.served_by = any_word({"", "", "Acme"});
  if (*rc::gen::arbitrary<bool>()) error.failed_providers.push_back(any_word({"acme", "bolt"}));
  const int retryable = *rc::gen::inRange(0, 3);
  if (retryable > 0) error.retryable = retryable == 1;
  error.constrained = *rc::gen::arbitrary<bool>();
  error.in_reply = *rc::gen::arbitrary<bool>();
  error.json = *rc::gen::arbitrary<bool>();
  return error;
}

TEST(VerdictProperty, every_error_has_a_verdict_that_makes_sense) {
  const bool holds = rc::check([] {
    const wire::UpstreamError error = any_error();
    const Verdict verdict = judge(error);
    RC_ASSERT(!name(verdict.outcome).empty());
    RC_ASSERT(verdict.outcome != delivered && verdict.outcome != cancelled && verdict.outcome != empty);
    RC_ASSERT((verdict.scope == Scope::provider) == !verdict.provider.empty());
    // No client can take a key or a model away from the others.
    RC_ASSERT((verdict.scope == Scope::key) == (verdict.key == KeyDoubt::named));
    RC_ASSERT(verdict.key == KeyDoubt::none || verdict.outcome == bad_key || verdict.outcome == out_of_money);
    RC_ASSERT(verdict.scope != Scope::free_allowance || verdict.free_cap != FreeCap::none);
    if (verdict.gone) RC_ASSERT(verdict.outcome == model_missing && verdict.scope == Scope::model);
    const bool requests =
        verdict.outcome == bad_request || verdict.outcome == too_long || verdict.outcome == refused_content;
    if (requests) RC_ASSERT(verdict.scope == Scope::request);
    if (error.retryable == false) RC_ASSERT(verdict.no_retry);
    RC_ASSERT(!verdict.affordable_tokens || *verdict.affordable_tokens >= 0);
  });
  EXPECT_TRUE(holds);
}

TEST(VerdictProperty, waiting_words_never_make_a_busy_model_look_gone) {
  const bool holds = rc::check([] {
    wire::UpstreamError error = any_error();
    error.retryable = std::nullopt;
    const Verdict plain = judge(error);
    error.retryable = false;
    const Verdict final = judge(error);
    RC_ASSERT(final.outcome == plain.outcome && final.scope == plain.scope && final.gone == plain.gone);
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace gantry::route
