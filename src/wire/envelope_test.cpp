#include "wire/envelope.hpp"

#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

#include "wire/json_index.hpp"
#include "wire/reply.hpp"
#include "wire/sse.hpp"

namespace gantry::wire {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ErrorJson, has_the_members_openrouter_and_openai_clients_read) {
  const ErrorBody error{
      .code = 404,
      .message = "There is no \"x\".",
      .error_type = "not_found",
      .remedy = "Look\nagain.",
      .param = "model",
      .call_id = "c-1",
      .attempts = {{"a/b", "model_missing", 12, "the next model"}, {"c/d", "silent", 60000, ""}}};
  EXPECT_EQ(
      error_json(error),
      R"({"error":{"code":404,"message":"There is no \"x\".","type":"not_found","param":"model","metadata":{)"
      R"("error_type":"not_found","gantry":{"remedy":"Look\nagain.","call_id":"c-1","attempts":[)"
      R"({"model":"a/b","outcome":"model_missing","milliseconds":12,"next":"the next model"},)"
      R"({"model":"c/d","outcome":"silent","milliseconds":60000}]}}}})");
}

TEST(ErrorJson, names_every_field_that_is_wrong) {
  const ErrorBody error{.code = 400,
                        .message = "m",
                        .error_type = "invalid_request",
                        .remedy = "r",
                        .param = "name",
                        .problems = {{"name", "is \"taken\""}, {"limits.daily", "must not be negative"}}};
  EXPECT_EQ(
      error_json(error),
      R"({"error":{"code":400,"message":"m","type":"invalid_request","param":"name","metadata":{)"
      R"("error_type":"invalid_request","gantry":{"remedy":"r","problems":[)"
      R"({"field":"name","message":"is \"taken\""},{"field":"limits.daily","message":"must not be negative"}]}}}})");
}

TEST(ErrorJson, leaves_out_what_is_not_known) {
  EXPECT_EQ(
      error_json({.code = 500, .message = "m", .remedy = "r"}),
      R"({"error":{"code":500,"message":"m","type":null,"param":null,"metadata":{"gantry":{"remedy":"r"}}}})");
}

TEST(ErrorJson, is_json_whatever_the_words_are) {
  std::string nasty;
  for (int c = 0; c < 256; ++c) nasty += static_cast<char>(c);
  JsonIndex index;
  const std::string json =
      error_json({.message = nasty, .error_type = nasty, .remedy = nasty, .param = nasty});
  EXPECT_FALSE(index.parse(json));
}

TEST(ErrorJson, is_read_back_as_it_was_meant) {
  const UpstreamError read =
      read_error(503, error_json({.code = 503, .message = "Busy.", .error_type = "provider_overloaded"}));
  EXPECT_EQ(read.status, 503);
  EXPECT_EQ(read.message, "Busy.");
  EXPECT_EQ(read.error_type, "provider_overloaded");
  EXPECT_TRUE(read.json);
}

TEST(ErrorEvent, is_one_event_that_ends_a_stream_as_an_error) {
  const ErrorBody error{.code = 502, .message = "cut", .error_type = "provider_unavailable"};
  for (const std::string object : {"chat.completion.chunk", "text_completion"}) {
    const std::string event = error_event(error, "gen-1", "a/b", object, 1790000000);
    SseParser parser;
    parser.feed(event);
    const auto parsed = parser.next();
    ASSERT_TRUE(parsed.has_value()) << object;
    EXPECT_EQ(parsed->raw, event);
    ReplyScanner scanner;
    const auto chunk = scanner.chunk(parsed->data);
    ASSERT_TRUE(chunk.has_value()) << object;
    EXPECT_EQ(chunk->finish, FinishReason::error);
    EXPECT_FALSE(chunk->first_token);
    ASSERT_TRUE(chunk->error.has_value());
    EXPECT_EQ(chunk->error->status, 502);
    EXPECT_EQ(chunk->id, "gen-1");
    EXPECT_EQ(chunk->model, "a/b");
  }
}

TEST(ErrorEvent, carries_text_for_completions_and_a_delta_for_chat) {
  EXPECT_THAT(error_event({}, "", "", "chat.completion.chunk", 0),
              HasSubstr(R"("delta":{"content":""},"finish_reason":"error")"));
  EXPECT_THAT(error_event({}, "", "", "text_completion", 0),
              HasSubstr(R"({"index":0,"text":"","finish_reason":"error"})"));
}

struct Fixed {
  std::string name;
  int status;
  std::string error_type;
  std::string message;  // parts of the texts
  std::string remedy;
};

TEST(FixedText, says_what_the_checklist_asks_for) {
  const std::vector<Fixed> rows = {
      {"401 names the form of a key", 401, "authentication", "key was not accepted", "sk-or-"},
      {"402 speaks of credit and max_tokens", 402, "payment_required", "credit", "max_tokens"},
      {"429 asks for exponential backoff", 429, "rate_limit_exceeded", "rate limit", "exponentially"},
      {"500 names the status page", 500, "server", "internal error", "https://status.openrouter.ai"},
      {"a missing model names the provider prefix", 404, "not_found", "model was not found",
       "provider prefix"},
      {"502 suggests fallbacks", 502, "provider_unavailable", "no usable answer", "fallback models"},
      {"503 names Retry-After", 503, "provider_overloaded", "No provider", "Retry-After"},
      {"504 tells that it may be billed", 504, "timeout", "in time", "billed"},
      {"anything else has a text too", 418, "", "failed", "error type"},
      {"a 404 that is not a model has the generic one", 404, "image_not_found", "failed", "error type"},
  };
  for (const auto& row : rows) {
    const FixedText text = fixed_text(row.status, row.error_type);
    EXPECT_THAT(std::string(text.message), HasSubstr(row.message)) << row.name;
    EXPECT_THAT(std::string(text.remedy), HasSubstr(row.remedy)) << row.name;
  }
}

TEST(FixedText, differs_for_every_cause) {
  std::set<std::string_view> messages;
  for (const int status : {401, 402, 429, 500, 502, 503, 504, 418})
    messages.insert(fixed_text(status, "").message);
  EXPECT_EQ(messages.size(), 8U);
}

TEST(Attempts, tell_why_a_model_was_passed_over) {
  EXPECT_EQ(
      attempts_json({{.model = "acme/alpha", .outcome = {}, .next = {}, .skipped = "takes no \"image\""},
                     {.model = "acme/beta", .outcome = "delivered", .milliseconds = 7, .next = {}}}),
      R"([{"model":"acme/alpha","outcome":"skipped","reason":"takes no \"image\""},)"
      R"({"model":"acme/beta","outcome":"delivered","milliseconds":7}])");
}

}  // namespace
}  // namespace gantry::wire
