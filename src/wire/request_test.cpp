#include "wire/request.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "wire/dialect.hpp"

namespace gantry::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kMessages = R"("messages":[{"role":"user","content":"hi"}])";

RequestFacts chat(const std::string& body) {
  RequestScanner scanner;
  auto facts = scanner.chat(body);
  EXPECT_TRUE(facts.has_value()) << body << ": " << (facts ? "" : facts.error().message);
  return facts.value_or(RequestFacts{});
}

std::string slice(const std::string& body, const std::optional<ByteRange>& range) {
  return range ? body.substr(range->begin, range->end - range->begin) : "<none>";
}

TEST(ChatRequest, tells_every_fact_with_its_bytes) {
  const std::string body =
      R"( { "model" : "acme/alpha", "models":["a/b","c/d"], "stream":true,"max_tokens": 100 ,)"
      R"("max_completion_tokens":7,"temperature":0,"tools":[{"type":"function"}],)"
      R"("response_format":{"type":"json_object"},)" +
      kMessages + "}";
  const RequestFacts facts = chat(body);
  EXPECT_EQ(facts.model, "acme/alpha");
  EXPECT_EQ(slice(body, facts.model_value), "\"acme/alpha\"");
  EXPECT_THAT(facts.models, ElementsAre("a/b", "c/d"));
  EXPECT_TRUE(facts.stream);
  EXPECT_EQ(facts.max_tokens, 100);
  EXPECT_EQ(slice(body, facts.max_tokens_value), "100");
  EXPECT_EQ(facts.max_completion_tokens, 7);
  EXPECT_EQ(slice(body, facts.max_completion_tokens_value), "7");
  EXPECT_TRUE(facts.has_temperature);
  EXPECT_TRUE(facts.has_tools);
  EXPECT_TRUE(facts.has_response_format);
  EXPECT_EQ(facts.message_count, 1U);
  EXPECT_EQ(facts.prompt.code_points, 2U);
  EXPECT_EQ(body.substr(0, facts.insert_at), " {");
  EXPECT_FALSE(facts.object_empty);
}

TEST(ChatRequest, tells_where_models_and_provider_stand) {
  const std::string body =
      R"({"provider" : { "only":["a"], "x":{} } ,"models": [ "a/b" ] , "preset":"p",)" + kMessages + "}";
  const RequestFacts facts = chat(body);
  EXPECT_EQ(slice(body, facts.provider_value), R"({ "only":["a"], "x":{} })");
  EXPECT_EQ(slice(body, facts.models_value), R"([ "a/b" ])");
  EXPECT_TRUE(facts.has_preset);
  const std::string empty = R"({"provider":null,"models":[],"preset":null,)" + kMessages + "}";
  const RequestFacts none = chat(empty);
  EXPECT_EQ(slice(empty, none.provider_value), "null");
  EXPECT_EQ(slice(empty, none.models_value), "[]");
  EXPECT_FALSE(none.has_preset);
  const RequestFacts absent = chat("{" + kMessages + "}");
  EXPECT_FALSE(absent.provider_value || absent.models_value || absent.has_preset);
}

TEST(ChatRequest, treats_null_as_absent_but_knows_where_it_stands) {
  const std::string body =
      R"({"model":null,"max_tokens":null,"max_completion_tokens":null,"stream":null,"models":null,)"
      R"("temperature":null,"tools":null,"response_format":null,)" +
      kMessages + "}";
  const RequestFacts facts = chat(body);
  EXPECT_FALSE(facts.model || facts.max_tokens || facts.max_completion_tokens);
  EXPECT_EQ(slice(body, facts.model_value), "null");
  EXPECT_EQ(slice(body, facts.max_tokens_value), "null");
  EXPECT_EQ(slice(body, facts.max_completion_tokens_value), "null");
  EXPECT_FALSE(facts.stream || facts.has_tools || facts.has_response_format);
  EXPECT_TRUE(facts.has_temperature) << "one more would be a duplicate";
}

TEST(ChatRequest, decodes_names_and_values_written_with_escapes) {
  const std::string body = R"({"mod\u0065l":"acme\/al\u0070ha",)" + kMessages + "}";
  const RequestFacts facts = chat(body);
  EXPECT_EQ(facts.model, "acme/alpha");
  EXPECT_EQ(slice(body, facts.model_value), R"("acme\/al\u0070ha")");
}

TEST(ChatRequest, lets_unknown_fields_of_any_shape_pass) {
  chat(R"({"x":1e400,"provider":{"order":["a"]},"transforms":["middle-out"],"route":"fallback","prompt":5,)"
       R"("cut":"\ud83d","usage":{"include":true},"x":2,)" +
       kMessages + "}");
}

TEST(ChatRequest, ignores_fields_of_the_same_name_further_down) {
  const RequestFacts facts =
      chat(R"({"metadata":{"model":"x","stream":"y","max_tokens":"z"},)" + kMessages + "}");
  EXPECT_FALSE(facts.model || facts.max_tokens || facts.stream);
}

struct Prompt {
  std::string name;
  std::string messages;
  std::size_t code_points;
  bool any_text;
  bool other_modality;
};

TEST(ChatRequest, counts_text_and_nothing_else) {
  const std::vector<Prompt> rows = {
      {"a plain message", R"([{"role":"user","content":"h\u00e9😀"}])", 3, true, false},
      {"all messages count", R"([{"role":"system","content":"ab"},{"role":"user","content":"c"}])", 3, true,
       false},
      {"text parts count", R"([{"content":[{"type":"text","text":"ab"},{"type":"text","text":"c"}]}])", 3,
       true, false},
      {"base64 does not",
       R"([{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}])",
       1, true, true},
      {"an image alone is a prompt",
       R"([{"content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]}])", 0, false, true},
      {"so is audio",
       R"([{"content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}])", 0, false,
       true},
      {"so is a file", R"([{"content":[{"type":"file","file":{"file_data":"AAAA"}}]}])", 0, false, true},
      {"so is a part of a kind that is new", R"([{"content":[{"type":"hologram"}]}])", 0, false, true},
      {"so is a tool's empty result", R"([{"role":"tool","tool_call_id":"1","content":""}])", 0, false, true},
      {"so is a tool call", R"([{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}])", 0, false,
       true},
      {"white space beside text is counted and kept", R"([{"content":"  a\n"}])", 4, true, false},
      {"a blank message beside a real one", R"([{"content":" "},{"content":"x"}])", 2, true, false},
      {"the second of two contents counts too", R"([{"content":"a","content":"bcd"}])", 4, true, false},
  };
  for (const auto& row : rows) {
    const RequestFacts facts =
        chat(R"({"tools":[{"function":{"description":"never counted"}}],"messages":)" + row.messages + "}");
    EXPECT_EQ(facts.prompt.code_points, row.code_points) << row.name;
    EXPECT_EQ(facts.prompt.any_text, row.any_text) << row.name;
    EXPECT_EQ(facts.prompt.other_modality, row.other_modality) << row.name;
  }
}

struct Refused {
  std::string name;
  std::string body;
  std::string message;  // a part of it
  std::string param;
  std::string error_type = "invalid_request";
};

void expect_refusals(const Dialect& dialect, const std::vector<Refused>& rows) {
  RequestScanner scanner;
  for (const auto& row : rows) {
    const auto facts = dialect.scan(scanner, row.body);
    ASSERT_FALSE(facts.has_value()) << row.name << ": " << row.body;
    EXPECT_EQ(facts.error().status, 400) << row.name;
    EXPECT_THAT(facts.error().message, HasSubstr(row.message)) << row.name;
    EXPECT_EQ(facts.error().param, row.param) << row.name;
    EXPECT_EQ(facts.error().error_type, row.error_type) << row.name;
    EXPECT_FALSE(facts.error().remedy.empty()) << row.name;
  }
}

TEST(ChatRequest, refuses_what_is_not_one_json_object) {
  expect_refusals(kChat,
                  {
                      {"no body", "", "has no body", ""},
                      {"blank", "  ", "nothing but white space", ""},
                      {"not JSON", "hello", "not valid JSON", ""},
                      {"a list", "[]", "must be a JSON object, but it is a list", ""},
                      {"a string", "\"x\"", "but it is a string", ""},
                      {"cut short", "{" + kMessages, "ends too early", ""},
                      {"broken far behind what matters", "{" + kMessages + R"(,"x":[tru]})",
                       "expected a value (at byte 50)", ""},
                      {"something behind it", "{" + kMessages + "}}", "something follows", ""},
                      {"not UTF-8", "{\"x\":\"\xFF\"," + kMessages + "}", "not valid UTF-8", ""},
                      {"nested too deep",
                       "{\"x\":" + std::string(300, '[') + std::string(300, ']') + "," + kMessages + "}",
                       "nesting is deeper", ""},
                  });
}

TEST(ChatRequest, refuses_wrong_types_of_the_fields_gantry_acts_on) {
  expect_refusals(
      kChat,
      {
          {"model", R"({"model":5,)" + kMessages + "}", "model must be a string, but it is a number",
           "model"},
          {"models", R"({"models":"a/b",)" + kMessages + "}", "models must be a list of strings", "models"},
          {"a model of models", R"({"models":["a/b",null],)" + kMessages + "}", "models[1] must be a string",
           "models[1]"},
          {"stream", R"({"stream":"true",)" + kMessages + "}", "stream must be true or false", "stream"},
          {"max_tokens as text", R"({"max_tokens":"5",)" + kMessages + "}",
           "max_tokens must be a whole number, but it is a string", "max_tokens"},
          {"max_tokens with a fraction", R"({"max_tokens":1.5,)" + kMessages + "}", "but it is 1.5",
           "max_tokens"},
          {"max_tokens zero", R"({"max_tokens":0,)" + kMessages + "}", "at least 1, but it is 0",
           "max_tokens"},
          {"a negative max_completion_tokens", R"({"max_completion_tokens":-1,)" + kMessages + "}",
           "but it is -1", "max_completion_tokens"},
          {"max_tokens beyond any number", R"({"max_tokens":99999999999999999999,)" + kMessages + "}",
           "whole number", "max_tokens"},
          {"tools", R"({"tools":{},)" + kMessages + "}", "tools must be a list", "tools"},
          {"response_format", R"({"response_format":"json",)" + kMessages + "}",
           "response_format must be an object", "response_format"},
          {"provider", R"({"provider":["a"],)" + kMessages + "}",
           "provider must be an object, but it is a list", "provider"},
          {"messages", R"({"messages":"hi"})", "messages must be a list of messages, but it is a string",
           "messages"},
          {"a message", R"({"messages":[{"content":"a"},"hi"]})", "messages[1] must be an object",
           "messages[1]"},
          {"content", R"({"messages":[{"content":5}]})", "messages[0].content must be a string or a list",
           "messages[0].content"},
          {"a part", R"({"messages":[{"content":["hi"]}]})", "messages[0].content[0] must be an object",
           "messages[0].content[0]"},
          {"a part's text", R"({"messages":[{"content":[{"type":"text","text":["a"]}]}]})",
           "messages[0].content[0].text must be a string", "messages[0].content[0].text"},
      });
}

TEST(ChatRequest, refuses_a_field_given_twice) {
  expect_refusals(
      kChat,
      {
          {"model", R"({"model":"a/b","model":"c/d",)" + kMessages + "}", "model is given twice", "model"},
          {"one of them escaped", R"({"model":"a/b","\u006dodel":"c/d",)" + kMessages + "}",
           "model is given twice", "model"},
          {"one of them null", R"({"max_tokens":null,"max_tokens":5,)" + kMessages + "}",
           "max_tokens is given twice", "max_tokens"},
          {"messages", "{" + kMessages + "," + kMessages + "}", "messages is given twice", "messages"},
          {"stream", R"({"stream":true,"stream":false,)" + kMessages + "}", "stream is given twice",
           "stream"},
      });
}

TEST(ChatRequest, refuses_a_prompt_that_is_none) {
  expect_refusals(
      kChat,
      {
          {"an empty object", "{}", "has no messages", "messages", "invalid_prompt"},
          {"no messages", R"({"model":"a/b"})", "has no messages", "messages", "invalid_prompt"},
          {"an empty list", R"({"messages":[]})", "has no messages", "messages", "invalid_prompt"},
          {"null", R"({"messages":null})", "has no messages", "messages", "invalid_prompt"},
          {"an empty content", R"({"messages":[{"content":""}]})", "prompt is empty", "messages",
           "invalid_prompt"},
          {"no content", R"({"messages":[{"role":"user"}]})", "prompt is empty", "messages",
           "invalid_prompt"},
          {"blank in every script", R"({"messages":[{"content":" \n\t\u00a0\u2003"},{"content":"\u3000"}]})",
           "prompt is empty", "messages", "invalid_prompt"},
          {"blank parts", R"({"messages":[{"content":[{"type":"text","text":" "}]}]})", "prompt is empty",
           "messages", "invalid_prompt"},
          {"a text part without text", R"({"messages":[{"content":[{"type":"text"}]}]})", "prompt is empty",
           "messages", "invalid_prompt"},
          {"an empty list of tool calls", R"({"messages":[{"content":"","tool_calls":[]}]})",
           "prompt is empty", "messages", "invalid_prompt"},
      });
}

TEST(CompletionsRequest, reads_one_prompt_or_several) {
  RequestScanner scanner;
  const auto one = scanner.completions(R"({"model":"a/b","prompt":"abc"})");
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->prompt.code_points, 3U);
  const auto several = scanner.completions(R"({"prompt":["ab"," ","é"]})");
  ASSERT_TRUE(several.has_value());
  EXPECT_EQ(several->prompt.code_points, 4U);
}

TEST(CompletionsRequest, refuses_a_prompt_that_is_none) {
  expect_refusals(
      kCompletions,
      {
          {"no prompt", R"({"model":"a/b"})", "missing or blank", "prompt", "invalid_prompt"},
          {"null", R"({"prompt":null})", "missing or blank", "prompt", "invalid_prompt"},
          {"blank", R"({"prompt":" "})", "missing or blank", "prompt", "invalid_prompt"},
          {"all of several blank", R"({"prompt":[""," "]})", "missing or blank", "prompt", "invalid_prompt"},
          {"a number", R"({"prompt":5})", "prompt must be a string or a list of strings", "prompt"},
          {"tokens", R"({"prompt":["a",17]})", "prompt[1] must be a string", "prompt[1]"},
          {"messages instead", "{" + kMessages + "}", "missing or blank", "prompt", "invalid_prompt"},
      });
}

TEST(PromptLimit, counts_up_to_the_limit_and_names_the_setting) {
  EXPECT_FALSE(check_prompt_limit({.code_points = 100}, 100).has_value());
  EXPECT_FALSE(check_prompt_limit({.code_points = 1'000'000}, 0).has_value()) << "0 is no limit";
  const auto refusal = check_prompt_limit({.code_points = 101}, 100);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status, 400);
  EXPECT_THAT(refusal->message, HasSubstr("101"));
  EXPECT_THAT(refusal->message + refusal->remedy, HasSubstr("max_prompt"));
}

TEST(ModelId, has_a_provider_prefix_or_is_a_preset) {
  for (const std::string id :
       {"acme/alpha", "acme/alpha-2.5_x", "~acme/alpha-latest", "acme/alpha:free", "acme/alpha:new-suffix",
        "acme/alpha@preset/mine", "acme/alpha:free@preset/mine", "@preset/mine", "openrouter/auto"})
    EXPECT_TRUE(is_model_id(id)) << id;
  for (const std::string id :
       {"", "gpt-4o", "/", "acme/", "/alpha", "acme/alpha/beta", "acme/al pha", "acme/alpha:", "@preset/",
        "acme/alpha@preset/", "~/alpha", "acme/alpha\n", "acme/älpha", "a~cme/alpha", "acme/alpha:a:b",
        "acme@preset/x", "\"acme/alpha\""})
    EXPECT_FALSE(is_model_id(id)) << id;
}

// Bodies with the edited fields at any place, in any white space, beside anything.
std::string arbitrary_body() {
  std::vector<std::string> members = {kMessages, R"("x":{"model":[1,"}{\""]})", R"("provider" : null)"};
  if (*rc::gen::arbitrary<bool>()) members.emplace_back(R"("max_tokens": 17)");
  if (*rc::gen::arbitrary<bool>()) members.emplace_back(R"("model"  :"acme/alpha" )");
  if (*rc::gen::arbitrary<bool>()) members.emplace_back(R"("max_completion_tokens":null)");
  for (std::size_t i = members.size(); i > 1; --i)
    std::swap(members[i - 1], members[*rc::gen::inRange<std::size_t>(0, i)]);
  std::string body = *rc::gen::element<std::string>("{", " {", "{\n  ");
  for (std::size_t i = 0; i < members.size(); ++i) body += (i > 0 ? "," : "") + members[i];
  return body + *rc::gen::element<std::string>("}", " } ", "}\n");
}

TEST(EditedRequest, says_what_was_edited_and_keeps_every_other_byte) {
  EXPECT_TRUE(rc::check("scan, splice, scan again", [] {
    const std::string body = arbitrary_body();
    RequestScanner scanner;
    const auto before = scanner.chat(body);
    RC_ASSERT(before.has_value());
    const auto limit = *rc::gen::inRange<std::int64_t>(1, 1'000'000);
    Splice splice(body);
    const auto set = [&](const std::optional<ByteRange>& where, std::string_view name,
                         const std::string& value) {
      where ? splice.replace(*where, value)
            : splice.insert(before->insert_at, json_quote(name) + ":" + value + ",");
    };
    set(before->model_value, "model", json_quote("zeta/omega"));
    set(before->max_tokens_value, "max_tokens", std::to_string(limit));
    const std::string edited = splice.joined();
    const auto after = scanner.chat(edited);
    RC_ASSERT(after.has_value());
    RC_ASSERT((after->model == "zeta/omega"));
    RC_ASSERT((after->max_tokens == limit));
    // Undo the edits by the ranges of the second scan: with the old values back, the bodies must be the same
    // bytes.
    Splice undo(edited);
    const auto reset = [&](ByteRange now, const std::optional<ByteRange>& was, std::string_view name) {
      if (was) return undo.replace(now, body.substr(was->begin, was->end - was->begin));
      const std::size_t start = now.begin - json_quote(name).size() - 1;
      undo.replace({start, now.end + 1}, "");
    };
    reset(*after->model_value, before->model_value, "model");
    reset(*after->max_tokens_value, before->max_tokens_value, "max_tokens");
    RC_ASSERT(undo.joined() == body);
  }));
}

TEST(RequestScan, tells_what_a_client_key_may_be_kept_from) {
  const struct {
    const char* name;
    std::string fields;
    bool plugins, server_tools, debug;
  } rows[] = {
      {"nothing of it", R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"x"}}}],)",
       false, false, false},
      {"a plugin", R"("plugins":[{"id":"web"}],)", true, false, false},
      {"no plugin in the list", R"("plugins":[],)", false, false, false},
      {"plugins of another type are judged as some", R"("plugins":{"id":"web"},)", true, false, false},
      {"null is absent", R"("plugins":null,"debug":null,"web_search_options":null,)", false, false, false},
      {"a tool that upstream runs", R"("tools":[{"type":"function"},{"type":"openrouter:web_search"}],)",
       false, true, false},
      {"a tool of a type that is no text", R"("tools":[{"type":7}],)", false, true, false},
      {"a search", R"("web_search_options":{},)", false, true, false},
      {"debug", R"("debug":{"echo_upstream_body":true},)", false, false, true},
      {"a name in disguise", R"("plug\u0069ns":[{"id":"web"}],)", true, false, false},
  };
  for (const auto& row : rows) {
    const auto facts = chat("{" + row.fields + kMessages + "}");
    EXPECT_EQ(facts.has_plugins, row.plugins) << row.name;
    EXPECT_EQ(facts.has_server_tools, row.server_tools) << row.name;
    EXPECT_EQ(facts.has_debug, row.debug) << row.name;
  }
}

TEST(RequestScan, finds_whose_session_it_is) {
  const std::string body = R"({"user":"u1","session_id" : "s\u00e9",)" + kMessages + "}";
  const auto facts = chat(body);
  ASSERT_TRUE(facts.user_value && facts.session_value);
  EXPECT_EQ(slice(body, *facts.user_value), R"("u1")");
  EXPECT_EQ(slice(body, *facts.session_value), R"("s\u00e9")");
  EXPECT_FALSE(chat(R"({"user":7,"session_id":null,)" + kMessages + "}").user_value);
}

}  // namespace
}  // namespace gantry::wire
