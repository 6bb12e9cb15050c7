#include "sim/answer.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sim/texts.hpp"

namespace gantry::sim {
namespace {

using namespace std::chrono;

constexpr WallTime kNoon{seconds{1'790'000'000 / 86'400 * 86'400 + 43'200}};  // 12:00 UTC

const Catalogue& catalogue() {
  static const auto made = Catalogue::builtin(kNoon).value();
  return made;
}
const Model& model(std::string_view id) {
  const auto* found = catalogue().find(id);
  if (!found) throw std::runtime_error("no model " + std::string(id));
  return *found;
}
Request request(std::string_view more = "", std::uint64_t seed = 7) {
  auto parsed = parse_request(
      R"({"model":"m/n","messages":[{"role":"user","content":"12345678"}])" + std::string(more) + "}",
      Api::chat, seed);
  if (!parsed) throw std::runtime_error(parsed.error().detail);
  return std::move(*parsed);
}
Answer answer(std::string_view id, std::string_view more = "", std::string_view faults = "",
              std::uint64_t seed = 7) {
  return make_answer(request(more, seed), model(id), parse_faults(faults).value(), seed);
}

TEST(Answer, is_the_same_for_the_same_seed_and_another_for_another) {
  const auto first = answer("openai/gpt-4.1"), second = answer("openai/gpt-4.1");
  EXPECT_EQ(first.content(), second.content());
  EXPECT_EQ(first.usage.completion_tokens, second.usage.completion_tokens);
  bool differs = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    differs = differs || answer("openai/gpt-4.1", "", "", seed).content() != first.content();
  EXPECT_TRUE(differs);
}

TEST(Answer, counts_one_token_for_four_bytes) {
  const auto a = answer("openai/gpt-4.1");
  EXPECT_EQ(a.usage.prompt_tokens, 3 + 2);
  EXPECT_EQ(a.usage.completion_tokens, static_cast<std::int64_t>((a.content().size() + 3) / 4));
}

TEST(Answer, stops_at_the_limit_with_length) {
  const auto a = answer("openai/gpt-4.1", R"(,"max_tokens":5)");
  EXPECT_EQ(a.finish, "length");
  EXPECT_EQ(a.usage.completion_tokens, 5);
  EXPECT_EQ(a.content().size(), 20u);
  EXPECT_EQ(answer("openai/gpt-4.1", R"(,"max_tokens":9,"max_completion_tokens":4)").usage.completion_tokens,
            4);
}

TEST(Answer, stops_at_a_stop_sequence) {
  const auto whole = std::string(answer("openai/gpt-4.1").content());
  const auto cut = answer("openai/gpt-4.1", R"(,"stop":["never seen"," "])");
  EXPECT_EQ(cut.content(), whole.substr(0, whole.find(' ')));
  EXPECT_EQ(cut.finish, "stop");
}

TEST(Answer, a_reasoning_model_thinks_first_and_the_limit_counts_it) {
  const auto a = answer("deepseek/deepseek-r1");
  EXPECT_GT(a.usage.reasoning_tokens, 0);
  EXPECT_FALSE(a.reasoning.empty());
  const auto eaten = answer("deepseek/deepseek-r1", R"(,"max_tokens":5)");
  EXPECT_EQ(eaten.usage.reasoning_tokens, 5);
  EXPECT_EQ(eaten.content(), "");
  EXPECT_EQ(eaten.finish, "length");
}

TEST(Answer, reasoning_can_be_hidden_or_turned_off) {
  EXPECT_FALSE(answer("deepseek/deepseek-r1", R"(,"reasoning":{"exclude":true})").reasoning_shown);
  EXPECT_EQ(answer("anthropic/claude-sonnet-4.5", R"(,"reasoning":{"effort":"none"})").usage.reasoning_tokens,
            0);
}

TEST(Answer, an_exact_length_can_be_asked_for) {
  for (const int n : {1, 100, 30'000}) {
    const auto a = answer("sim/plain", R"(,"max_tokens":50000)", "tokens=" + std::to_string(n));
    EXPECT_EQ(a.usage.completion_tokens, std::min(n, 16'384)) << "the model's own maximum still cuts";
  }
}

TEST(Answer, json_mode_gives_json) {
  const auto a = answer("openai/gpt-4.1", R"(,"response_format":{"type":"json_object"})");
  EXPECT_TRUE(boost::json::parse(a.content()).is_object()) << a.content();
}

TEST(Answer, a_schema_gives_json_of_its_shape) {
  const auto a =
      answer("openai/gpt-4.1", R"(,"response_format":{"type":"json_schema","json_schema":{"name":"t","schema":
    {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":18,"maximum":20},
     "kind":{"enum":["x","y"]},"tags":{"type":"array","items":{"$ref":"#/$defs/tag"},"minItems":2},"on":{"type":"boolean"},
     "none":{"type":"null"},"either":{"anyOf":[{"type":"number"},{"type":"string"}]}},
     "$defs":{"tag":{"type":"string","minLength":20}}}}})");
  const auto value = boost::json::parse(a.content());
  EXPECT_TRUE(value.at("name").is_string());
  EXPECT_GE(value.at("age").as_int64(), 18);
  EXPECT_LE(value.at("age").as_int64(), 20);
  EXPECT_TRUE(value.at("kind") == "x" || value.at("kind") == "y");
  ASSERT_EQ(value.at("tags").as_array().size(), 2u);
  EXPECT_GE(value.at("tags").at(0).as_string().size(), 20u);
  EXPECT_TRUE(value.at("on").is_bool());
  EXPECT_TRUE(value.at("none").is_null());
  EXPECT_TRUE(value.at("either").is_number());
}

TEST(Answer, a_schema_that_refers_to_itself_ends) {
  const auto a =
      answer("openai/gpt-4.1", R"(,"response_format":{"type":"json_schema","json_schema":{"name":"t","schema":
    {"type":"object","properties":{"next":{"$ref":"#"}}}}})");
  EXPECT_TRUE(boost::json::parse(a.content()).is_object());
}

constexpr std::string_view kTools =
    R"(,"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}},
                {"type":"function","function":{"name":"get_time"}}])";

TEST(Answer, a_tool_is_called_when_demanded_or_named) {
  struct Row {
    std::string_view name, more, called;
  };
  const Row rows[] = {
      {"not without a reason", "", ""},
      {"when required", R"(,"tool_choice":"required")", "get_weather"},
      {"the one that is chosen", R"(,"tool_choice":{"type":"function","function":{"name":"get_time"}})",
       "get_time"},
      {"never with none", R"(,"tool_choice":"none")", ""},
  };
  for (const auto& row : rows) {
    const auto a = answer("openai/gpt-4.1", std::string(kTools) + std::string(row.more));
    EXPECT_EQ(a.tool_calls.empty() ? "" : a.tool_calls[0].name, row.called) << row.name;
    EXPECT_EQ(a.finish, row.called.empty() ? "stop" : "tool_calls") << row.name;
  }
  const auto named =
      parse_request(R"({"model":"m/n","messages":[{"role":"user","content":"Please use get_time"}])" +
                        std::string(kTools) + "}",
                    Api::chat, 1);
  ASSERT_EQ(named->tool_calls.size(), 1u);
  EXPECT_EQ(named->tool_calls[0].name, "get_time");
}

TEST(Answer, a_tool_result_is_not_answered_with_another_call) {
  const auto r = parse_request(R"({"model":"m/n","messages":[{"role":"user","content":"use a tool"},
    {"role":"tool","tool_call_id":"x","content":"21 degrees"}],"tool_choice":"required")" +
                                   std::string(kTools) + "}",
                               Api::chat, 1);
  EXPECT_TRUE(r->tool_calls.empty());
}

TEST(Answer, finish_reasons_have_the_authors_own_names) {
  EXPECT_EQ(answer("anthropic/claude-sonnet-4.5", R"(,"max_tokens":40,"reasoning":{"effort":"none"})")
                .native.substr(0, 1)
                .empty(),
            false);
  EXPECT_EQ(native_finish("anthropic/x", "stop"), "end_turn");
  EXPECT_EQ(native_finish("google/x", "length"), "MAX_TOKENS");
  EXPECT_EQ(native_finish("openai/x", "tool_calls"), "tool_calls");
}

TEST(Request, each_mistake_is_named) {
  struct Row {
    std::string_view body, told;
  };
  const Row rows[] = {
      {"{", "not valid JSON"},
      {"[]", "not a JSON object"},
      {R"({"messages":[{"role":"user","content":"x"}]})", "No models"},
      {R"({"model":5,"messages":[{"role":"user"}]})", "model: expected a string"},
      {R"({"model":"a/b"})", "messages: expected"},
      {R"({"model":"a/b","messages":[]})", "messages: expected"},
      {R"({"model":"a/b","messages":["x"]})", "messages: expected objects"},
      {R"({"model":"a/b","messages":[{"content":"x"}]})", "messages[].role"},
      {R"({"model":"a/b","messages":[{"role":"user"}],"stream":"yes"})", "stream: expected a boolean"},
      {R"({"model":"a/b","messages":[{"role":"user"}],"max_tokens":0})", "max_tokens: expected"},
      {R"({"model":"a/b","messages":[{"role":"user"}],"temperature":3})", "temperature: expected"},
      {R"({"models":"a/b","messages":[{"role":"user"}]})", "models: expected a list"},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_request(row.body, Api::chat, 1);
    ASSERT_FALSE(parsed) << row.body;
    EXPECT_NE(parsed.error().detail.find(row.told), std::string::npos)
        << row.body << ": " << parsed.error().detail;
  }
  EXPECT_FALSE(parse_request(R"({"model":"a/b"})", Api::completions, 1))
      << "a text completion needs a prompt";
}

TEST(Tokens, never_split_a_character) {
  for (const auto text :
       {std::string_view("plain ascii text"), prose(0, 6, true), std::string_view("äöü🚀€")}) {
    std::string joined;
    for (auto rest = text; !rest.empty(); rest.remove_prefix(token_length(rest))) {
      const auto token = rest.substr(0, token_length(rest));
      EXPECT_LE(token.size(), 4u);
      EXPECT_NE(static_cast<unsigned char>(token[0]) & 0xC0, 0x80) << "begins inside a character";
      joined += token;
    }
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace gantry::sim
