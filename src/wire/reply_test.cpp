#include "wire/reply.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "wire/dialect.hpp"

namespace gantry::wire {
namespace {

using testing::HasSubstr;

ReplyFacts reply(const std::string& body) {
  ReplyScanner scanner;
  auto facts = scanner.reply(body);
  EXPECT_TRUE(facts.has_value()) << body << ": " << (facts ? "" : facts.error().detail);
  return facts.value_or(ReplyFacts{});
}

ReplyFacts with_choice(const std::string& choice) { return reply(R"({"choices":[)" + choice + "]}"); }
ReplyFacts with_usage(const std::string& usage) { return reply(R"({"choices":[],"usage":)" + usage + "}"); }

const std::string kWhole =
    R"({"id":"gen-1790000001-AbC","object":"chat.completion","created":1790000001,"model":"acme/alpha-2",)"
    R"("provider":"Acme Cloud","system_fingerprint":null,"choices":[{"index":0,"finish_reason":"stop",)"
    R"("native_finish_reason":"end_turn","logprobs":null,"message":{"role":"assistant","content":"hi","refusal":null,)"
    R"("reasoning":null}}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"cost":0.0000123,)"
    R"("is_byok":false,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":1},)"
    R"("cost_details":{"upstream_inference_cost":0.0000456}}})";

void expect_whole(const ReplyFacts& facts) {
  EXPECT_EQ(facts.id, "gen-1790000001-AbC");
  EXPECT_EQ(facts.model, "acme/alpha-2");
  EXPECT_EQ(facts.provider, "Acme Cloud");
  EXPECT_EQ(facts.finish, FinishReason::stop);
  EXPECT_TRUE(facts.has_choices && facts.has_content);
  EXPECT_FALSE(facts.reasoning_only || facts.error);
  ASSERT_TRUE(facts.usage.has_value());
  EXPECT_EQ(facts.usage->prompt_tokens, 9);
  EXPECT_EQ(facts.usage->completion_tokens, 2);
  EXPECT_EQ(facts.usage->reasoning_tokens, 1);
  EXPECT_EQ(facts.usage->cached_tokens, 4);
  EXPECT_EQ(facts.usage->cost, PicoUsd{12'300'000});
  EXPECT_EQ(facts.usage->upstream_cost, PicoUsd{45'600'000});
  EXPECT_FALSE(facts.usage->is_byok);
}

TEST(Reply, tells_every_fact) { expect_whole(reply(kWhole)); }

TEST(Reply, may_come_behind_minutes_of_keep_alive_white_space) {
  expect_whole(reply(std::string(5000, '\n') + " \r\n\t" + kWhole + "\n"));
}

TEST(Reply, is_malformed_when_it_is_not_one_object) {
  ReplyScanner scanner;
  for (const std::string& body :
       {std::string(), std::string("   \n"), std::string("[]"), std::string("\"ok\""), std::string("null"),
        std::string("<html>"), kWhole.substr(0, kWhole.size() - 1), kWhole + kWhole,
        std::string(R"({"choices":[{"message":{"content":"cut)")}) {
    const auto facts = scanner.reply(body);
    ASSERT_FALSE(facts.has_value()) << body;
    EXPECT_EQ(facts.error().fault, Fault::malformed) << body;
    EXPECT_THAT(facts.error().detail, testing::Not(HasSubstr("html"))) << "a failure never quotes the reply";
  }
  expect_whole(*scanner.reply(kWhole));
}

TEST(Reply, is_malformed_wherever_it_is_cut) {
  ReplyScanner scanner;
  for (std::size_t size = 0; size < kWhole.size(); ++size)
    EXPECT_FALSE(scanner.reply(kWhole.substr(0, size)).has_value()) << size;
}

struct Content {
  std::string name;
  std::string choice;
  bool has_content;
  bool reasoning_only = false;
};

TEST(Reply, knows_every_kind_of_content_and_its_absence) {
  const std::vector<Content> rows = {
      {"text", R"({"message":{"content":"a"}})", true},
      {"text of a completion", R"({"text":"a","finish_reason":"stop"})", true},
      {"parts", R"({"message":{"content":[{"type":"text","text":"a"}]}})", true},
      {"a tool call", R"({"message":{"content":null,"tool_calls":[{"id":"1"}]}})", true},
      {"an old function call", R"({"message":{"content":null,"function_call":{"name":"f"}}})", true},
      {"a refusal", R"({"message":{"content":null,"refusal":"no"}})", true},
      {"an image", R"({"message":{"content":"","images":[{"image_url":{"url":"data:"}}]}})", true},
      {"audio", R"({"message":{"content":null,"audio":{"id":"a"}}})", true},
      {"reasoning alone", R"({"message":{"content":"","reasoning":"hm"}})", true, true},
      {"reasoning details alone",
       R"({"message":{"content":null,"reasoning_details":[{"type":"reasoning.encrypted"}]}})", true, true},
      {"reasoning of a completion", R"({"text":"","reasoning":"hm"})", true, true},
      {"reasoning and text", R"({"message":{"content":"a","reasoning":"hm"}})", true},
      {"white space is content", R"({"message":{"content":" "}})", true},
      {"null", R"({"message":{"content":null}})", false},
      {"empty", R"({"message":{"content":""}})", false},
      {"no content", R"({"message":{"role":"assistant"}})", false},
      {"no message", R"({"index":0})", false},
      {"a null message", R"({"message":null})", false},
      {"empty lists", R"({"message":{"content":[],"tool_calls":[],"images":[]}})", false},
      {"content of a wrong type", R"({"message":{"content":5}})", false},
      {"a choice that is none", "7", false},
      {"an empty text", R"({"text":""})", false},
      {"log probabilities", R"({"message":{"content":""},"logprobs":{"content":[{"token":"a"}]}})", false},
  };
  for (const auto& row : rows) {
    const ReplyFacts facts = with_choice(row.choice);
    EXPECT_EQ(facts.has_content, row.has_content) << row.name;
    EXPECT_EQ(facts.reasoning_only, row.reasoning_only) << row.name;
  }
}

TEST(Reply, tolerates_choices_of_any_shape) {
  for (const std::string body :
       {"{}", R"({"choices":[]})", R"({"choices":null})", R"({"choices":{}})", R"({"choices":"x"})"}) {
    const ReplyFacts facts = reply(body);
    EXPECT_FALSE(facts.has_choices || facts.has_content || facts.error) << body;
    EXPECT_EQ(facts.finish, FinishReason::none) << body;
  }
}

TEST(Reply, reads_finish_reasons_also_those_nobody_knows_yet) {
  const std::vector<std::pair<std::string, FinishReason>> rows = {
      {"\"stop\"", FinishReason::stop},
      {"\"length\"", FinishReason::length},
      {"\"tool_calls\"", FinishReason::tool_calls},
      {"\"function_call\"", FinishReason::tool_calls},
      {"\"content_filter\"", FinishReason::content_filter},
      {"\"error\"", FinishReason::error},
      {"\"budget\"", FinishReason::other},
      {"null", FinishReason::none},
      {"\"\"", FinishReason::none},
      {"5", FinishReason::none},
  };
  for (const auto& [text, finish] : rows)
    EXPECT_EQ(with_choice(R"({"finish_reason":)" + text + "}").finish, finish) << text;
}

TEST(Reply, takes_the_first_choice_unless_another_ended_in_an_error) {
  EXPECT_EQ(with_choice(R"({"finish_reason":"stop"},{"finish_reason":"length"})").finish, FinishReason::stop);
  EXPECT_EQ(with_choice(R"({"finish_reason":null},{"finish_reason":"length"})").finish, FinishReason::none);
  EXPECT_EQ(with_choice(R"({"finish_reason":"stop"},{"finish_reason":"error"})").finish, FinishReason::error);
}

TEST(Reply, finds_an_error_inside_a_200) {
  const ReplyFacts whole = reply(R"({"error":{"code":502,"message":"upstream dropped"}})");
  ASSERT_TRUE(whole.error.has_value());
  EXPECT_EQ(whole.error->status, 502);
  EXPECT_FALSE(whole.has_choices);

  const ReplyFacts choice = reply(
      R"({"id":"gen-x","choices":[{"index":0,"finish_reason":"error","message":{"content":"partial"},)"
      R"("error":{"code":502,"message":"upstream dropped","metadata":{"error_type":"provider_unavailable"}}}]})");
  ASSERT_TRUE(choice.error.has_value());
  EXPECT_EQ(choice.error->error_type, "provider_unavailable");
  EXPECT_EQ(choice.finish, FinishReason::error);
  EXPECT_TRUE(choice.has_content);

  const ReplyFacts both =
      reply(R"({"choices":[{"error":{"code":1,"message":"inner"}}],"error":{"code":503,"message":"outer"}})");
  ASSERT_TRUE(both.error.has_value());
  EXPECT_EQ(both.error->message, "outer") << "the top-level error comes first";
}

TEST(Reply, takes_no_error_for_no_error) {
  for (const std::string error : {"null", "false"})
    EXPECT_FALSE(reply(R"({"choices":[{"error":)" + error + R"(}],"error":)" + error + "}").error.has_value())
        << error;
  EXPECT_TRUE(reply(R"({"error":{}})").error.has_value());
  EXPECT_TRUE(reply(R"({"error":"broken"})").error.has_value());
}

TEST(Usage, is_null_tolerant_field_by_field) {
  const auto usage =
      with_usage(R"({"prompt_tokens":null,"completion_tokens":3,"cost":null,"is_byok":null,)"
                 R"("prompt_tokens_details":null,"completion_tokens_details":{"reasoning_tokens":null},)"
                 R"("cost_details":{"upstream_inference_cost":null}})")
          .usage;
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->completion_tokens, 3);
  EXPECT_FALSE(usage->prompt_tokens || usage->cost || usage->upstream_cost || usage->reasoning_tokens ||
               usage->cached_tokens);
  EXPECT_FALSE(usage->is_byok);
}

TEST(ReplyScanner, reads_what_else_has_a_price_only_where_no_cost_is_told) {
  const std::string rest =
      R"("prompt_tokens":9,"completion_tokens":7,"prompt_tokens_details":{"cache_write_tokens":3,"audio_tokens":2,)"
      R"("image_tokens":1},"completion_tokens_details":{"audio_tokens":4,"image_tokens":5},)"
      R"("server_tool_use":{"web_search_requests":2},"server_tool_use_details":{"tool_calls_requested":6,)"
      R"("tool_calls_executed":5,"web_search_requests":1}})";
  const auto untold = with_usage("{" + rest).usage;
  ASSERT_TRUE(untold);
  EXPECT_EQ(untold->details.cache_write_tokens, 3);
  EXPECT_EQ(untold->details.prompt_audio_tokens, 2);
  EXPECT_EQ(untold->details.completion_audio_tokens, 4);
  EXPECT_EQ(untold->details.completion_image_tokens, 5);
  EXPECT_EQ(untold->details.web_searches, 2) << "the two names are not added up";
  EXPECT_EQ(untold->details.server_tool_calls, 6);
  EXPECT_EQ(with_usage(R"({"cost":null,)" + rest).usage->details.cache_write_tokens, 3);
  EXPECT_EQ(with_usage(R"({"cost":0.1,)" + rest).usage->details.cache_write_tokens, 0);
  const auto odd = with_usage(R"({"prompt_tokens_details":null,"completion_tokens_details":[1],)"
                              R"("server_tool_use":{"web_search_requests":-1,"tool_calls_requested":null}})")
                       .usage;
  EXPECT_EQ(odd->details.web_searches + odd->details.server_tool_calls, 0);
}

TEST(Usage, tolerates_wrong_types_and_never_takes_them_for_zero) {
  const auto usage =
      with_usage(R"({"prompt_tokens":"9","completion_tokens":-1,"cost":{},"is_byok":"yes",)"
                 R"("prompt_tokens_details":[],"completion_tokens_details":5,"cost_details":"x"})")
          .usage;
  ASSERT_TRUE(usage.has_value());
  EXPECT_FALSE(usage->prompt_tokens || usage->completion_tokens || usage->cost || usage->upstream_cost);
  for (const std::string wrong : {"null", "[]", "5", "\"x\""})
    EXPECT_FALSE(with_usage(wrong).usage.has_value()) << wrong;
}

TEST(Usage, reads_the_cost_from_its_digits) {
  const std::vector<std::pair<std::string, std::optional<PicoUsd>>> rows = {
      {"0.0000123", PicoUsd{12'300'000}},
      {"1.23e-5", PicoUsd{12'300'000}},
      {"0", PicoUsd{0}},
      {"0.1", PicoUsd{100'000'000'000}},
      {"\"0.25\"", PicoUsd{250'000'000'000}},
      {"-0.5", std::nullopt},
      {"1e300", std::nullopt},
      {"\"free\"", std::nullopt},
      {"true", std::nullopt},
  };
  for (const auto& [text, cost] : rows) {
    const auto usage = with_usage(R"({"cost":)" + text + "}").usage;
    ASSERT_TRUE(usage.has_value()) << text;
    EXPECT_EQ(usage->cost, cost) << text;
  }
}

TEST(Usage, knows_bring_your_own_key) {
  const auto usage =
      with_usage(R"({"cost":0.001,"is_byok":true,"cost_details":{"upstream_inference_cost":0.02}})").usage;
  ASSERT_TRUE(usage.has_value());
  EXPECT_TRUE(usage->is_byok);
  EXPECT_EQ(usage->cost, PicoUsd{1'000'000'000});
  EXPECT_EQ(usage->upstream_cost, PicoUsd{20'000'000'000});
}

ChunkFacts chunk(ReplyScanner& scanner, const std::string& data) {
  auto facts = scanner.chunk(data);
  EXPECT_TRUE(facts.has_value()) << data;
  return facts.value_or(ChunkFacts{});
}

TEST(Chunk, knows_a_token_from_what_is_none) {
  const std::vector<std::pair<std::string, bool>> rows = {
      {R"({"delta":{"content":"he"}})", true},
      {R"({"delta":{"reasoning":"hm"}})", true},
      {R"({"delta":{"reasoning_details":[{"type":"reasoning.text"}]}})", true},
      {R"({"delta":{"refusal":"no"}})", true},
      {R"({"delta":{"tool_calls":[{"index":0}]}})", true},
      {R"({"delta":{"images":[{}]}})", true},
      {R"({"delta":{"audio":{"data":"A"}}})", true},
      {R"({"text":"he"})", true},
      {R"({"delta":{"content":"x"},"finish_reason":"stop"})", true},
      {R"({"delta":{"role":"assistant"}})", false},
      {R"({"delta":{"role":"assistant","content":""}})", false},
      {R"({"delta":{"content":null,"reasoning":null,"tool_calls":null}})", false},
      {R"({"delta":{}})", false},
      {R"({"text":""})", false},
      {"", false},
  };
  ReplyScanner scanner;
  for (const auto& [choice, token] : rows)
    EXPECT_EQ(chunk(scanner, R"({"choices":[)" + choice + "]}").first_token, token) << choice;
}

TEST(Chunk, takes_usage_from_either_form) {
  ReplyScanner scanner;
  const std::string usage = R"("usage":{"prompt_tokens":9,"completion_tokens":2,"cost":0.0000123}})";
  for (const std::string choices :
       {R"({"choices":[],)",
        R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],)"}) {
    const ChunkFacts facts = chunk(scanner, choices + usage);
    ASSERT_TRUE(facts.usage.has_value()) << choices;
    EXPECT_EQ(facts.usage->cost, PicoUsd{12'300'000}) << choices;
    EXPECT_EQ(facts.finish, FinishReason::none) << choices;
    EXPECT_FALSE(facts.first_token) << choices;
  }
  EXPECT_FALSE(chunk(scanner, R"({"choices":[],"usage":null})").usage.has_value());
}

TEST(Chunk, reads_errors_with_any_kind_of_code) {
  ReplyScanner scanner;
  const ChunkFacts number = chunk(
      scanner,
      R"({"id":"gen-7","error":{"code":502,"message":"Provider dropped","metadata":{"error_type":"provider_unavailable"}},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]})");
  ASSERT_TRUE(number.error.has_value());
  EXPECT_EQ(number.error->status, 502);
  EXPECT_EQ(number.error->error_type, "provider_unavailable");
  EXPECT_EQ(number.finish, FinishReason::error);
  const ChunkFacts text = chunk(scanner, R"({"error":{"code":"server_error","message":"x"}})");
  ASSERT_TRUE(text.error.has_value());
  EXPECT_EQ(text.error->status, 0);
  EXPECT_EQ(text.error->code_text, "server_error");
  EXPECT_TRUE(chunk(scanner, R"({"error":{"message":"bare"}})").error.has_value());
}

TEST(Chunk, names_itself_in_memory_of_the_scanner) {
  ReplyScanner scanner;
  std::string data = R"({"id":"gen-\u0037","model":"a\/b","choices":[]})";
  const ChunkFacts facts = chunk(scanner, data);
  data.assign(data.size(), 'x');
  EXPECT_EQ(facts.id, "gen-7");
  EXPECT_EQ(facts.model, "a/b");
  EXPECT_EQ(chunk(scanner, R"({"id":null,"model":5})").id, "");
}

TEST(Chunk, is_malformed_when_it_is_not_one_object) {
  ReplyScanner scanner;
  for (const std::string data : {"", "[DONE]", "{", "null", "OPENROUTER PROCESSING"}) {
    const auto facts = scanner.chunk(data);
    ASSERT_FALSE(facts.has_value()) << data;
    EXPECT_EQ(facts.error().fault, Fault::malformed) << data;
  }
}

TEST(Dialects, read_their_own_and_say_where_they_live) {
  EXPECT_EQ(kChat.path, "/chat/completions");
  EXPECT_EQ(kChat.chunk_object, "chat.completion.chunk");
  EXPECT_EQ(kCompletions.path, "/completions");
  EXPECT_EQ(kCompletions.chunk_object, "text_completion");
  ReplyScanner scanner;
  for (const Dialect* dialect : {&kChat, &kCompletions}) {
    EXPECT_TRUE(dialect->reply(scanner, kWhole)->has_content) << dialect->name;
    EXPECT_TRUE(dialect->chunk(scanner, R"({"choices":[{"text":"a"}]})")->first_token) << dialect->name;
  }
}

}  // namespace
}  // namespace gantry::wire
