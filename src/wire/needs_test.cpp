#include "wire/needs.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace gantry::wire {
namespace {

constexpr std::string_view kHello = R"("messages":[{"role":"user","content":"hi"}])";

RequestNeeds needs_of(const std::string& body) {
  RequestScanner scanner;
  const auto facts = scanner.chat(body);
  EXPECT_TRUE(facts) << body << (facts ? "" : facts.error().message);
  return facts ? read_needs(body, *facts) : RequestNeeds{};
}

RequestNeeds with(const std::string& members) {
  return needs_of("{" + members + (members.empty() ? "" : ",") + std::string(kHello) + "}");
}

RequestNeeds with_parts(const std::string& parts, const std::string& members = "") {
  return needs_of(R"({"messages":[{"role":"user","content":[)" + parts + "]}]" + members + "}");
}

TEST(RequestNeeds, are_none_for_a_plain_question) {
  const RequestNeeds needs = with("");
  EXPECT_FALSE(needs.tools || needs.response_format || needs.structured_outputs || needs.prefill ||
               needs.no_reasoning);
  EXPECT_TRUE(needs.inputs.empty() && needs.outputs.empty());
  EXPECT_EQ(needs.prompt_tokens_at_least, 0);
}

TEST(RequestNeeds, tools_when_there_are_some) {
  EXPECT_TRUE(with(R"("tools":[{"type":"function","function":{"name":"f"}}])").tools);
  EXPECT_TRUE(with(R"("tools":[{"type":"openrouter:web_search"}])").tools);
  EXPECT_FALSE(with(R"("tools":[])").tools);
  EXPECT_FALSE(with(R"("tools":null)").tools);
}

TEST(RequestNeeds, a_response_format_other_than_text) {
  struct Row {
    std::string format;
    bool any, schema;
  };
  const std::vector<Row> rows = {
      {R"({"type":"text"})", false, false},
      {R"({"type":"json_object"})", true, false},
      {R"({"type":"json_schema","json_schema":{"name":"x","schema":{"type":"text"}}})", true, true},
      {R"({"type":"grammar","grammar":"x"})", true, false},
      {R"({"type":"a_type_of_tomorrow"})", true, false},
      {R"({"type":null})", false, false},
      {"{}", false, false},
      {"null", false, false},
  };
  for (const auto& row : rows) {
    const RequestNeeds needs = with(R"("response_format":)" + row.format);
    EXPECT_EQ(needs.response_format, row.any) << row.format;
    EXPECT_EQ(needs.structured_outputs, row.schema) << row.format;
  }
}

TEST(RequestNeeds, the_modalities_of_the_prompts_parts) {
  const std::string image = R"({"type":"image_url","image_url":{"url":"data:,"}})";
  const std::string audio = R"({"type":"input_audio","input_audio":{"data":"","format":"wav"}})";
  EXPECT_EQ(with_parts(image).inputs, (Modalities{Modality::image}));
  EXPECT_EQ(with_parts(audio).inputs, (Modalities{Modality::audio}));
  EXPECT_EQ(with_parts(R"({"type":"video_url","video_url":{"url":"x"}})").inputs,
            (Modalities{Modality::video}));
  EXPECT_EQ(with_parts(R"({"type":"input_video","video_url":{"url":"x"}})").inputs,
            (Modalities{Modality::video}));
  EXPECT_EQ(with_parts(image + "," + audio + R"(,{"type":"text","text":"image_url"})").inputs,
            (Modalities{Modality::image, Modality::audio}));
  EXPECT_TRUE(with_parts(R"({"type":"a_part_of_tomorrow","x":1})").inputs.empty());
}

TEST(RequestNeeds, files_only_when_no_plugin_reads_them_for_the_model) {
  const std::string file = R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:,"}})";
  const auto engine = [](const std::string& name) {
    return R"(,"plugins":[{"id":"web"},{"id":"file-parser","pdf":{"engine":")" + name + R"("}}])";
  };
  EXPECT_TRUE(with_parts(file).inputs.empty());
  EXPECT_TRUE(with_parts(file, engine("mistral-ocr")).inputs.empty());
  EXPECT_EQ(with_parts(file, engine("native")).inputs, (Modalities{Modality::file}));
  EXPECT_TRUE(with_parts(R"({"type":"text","text":"hi"})", engine("native")).inputs.empty());
}

TEST(RequestNeeds, the_modalities_that_are_asked_for) {
  EXPECT_EQ(with(R"("modalities":["text","image"])").outputs, (Modalities{Modality::text, Modality::image}));
  EXPECT_EQ(with(R"("modalities":["audio","a_kind_of_tomorrow",5])").outputs, (Modalities{Modality::audio}));
  EXPECT_TRUE(with(R"("modalities":null)").outputs.empty());
}

TEST(RequestNeeds, a_prefill_when_the_last_message_is_the_assistants) {
  const std::string user = R"({"role":"user","content":"hi"})";
  const std::string assistant = R"({"content":"Well,","role":"assistant"})";
  EXPECT_TRUE(needs_of(R"({"messages":[)" + user + "," + assistant + "]}").prefill);
  EXPECT_FALSE(needs_of(R"({"messages":[)" + user + "," + assistant + "," + user + "]}").prefill);
}

TEST(RequestNeeds, no_reasoning_when_its_effort_is_none) {
  EXPECT_TRUE(with(R"("reasoning":{"effort":"none"})").no_reasoning);
  EXPECT_TRUE(with(R"("reasoning_effort":"none")").no_reasoning);
  EXPECT_FALSE(with(R"("reasoning":{"effort":"low"})").no_reasoning);
  EXPECT_FALSE(with(R"("reasoning":{"exclude":true})").no_reasoning);
  EXPECT_FALSE(with(R"("reasoning":null,"reasoning_effort":null)").no_reasoning);
}

TEST(RequestNeeds, room_for_the_prompt_and_for_what_is_to_be_written) {
  const RequestNeeds needs = needs_of(R"({"max_tokens":7,"messages":[{"role":"user","content":")" +
                                      std::string(8000, 'x') + R"("}]})");
  EXPECT_EQ(needs.prompt_tokens_at_least, 1000);
}

TEST(RequestNeeds, of_a_text_completion_are_its_prompts) {
  RequestScanner scanner;
  const std::string body =
      R"({"prompt":")" + std::string(800, 'x') + R"(","response_format":{"type":"json_object"}})";
  const auto facts = scanner.completions(body);
  ASSERT_TRUE(facts);
  const RequestNeeds needs = read_needs(body, *facts);
  EXPECT_EQ(needs.prompt_tokens_at_least, 100);
  EXPECT_TRUE(needs.response_format);
  EXPECT_FALSE(needs.prefill);
}

TEST(RequestNeeds, tolerate_wrong_types_in_what_the_scan_does_not_check) {
  const RequestNeeds needs = with(
      R"("modalities":"image","reasoning":"none","plugins":{"id":"file-parser"},"reasoning_effort":{"a":1})");
  EXPECT_TRUE(needs.outputs.empty());
  EXPECT_FALSE(needs.no_reasoning);
}

bool contains(const Modalities& all, const Modalities& some) {
  for (const auto each : {Modality::text, Modality::image, Modality::audio, Modality::file, Modality::video})
    if (some.has(each) && !all.has(each)) return false;
  return true;
}

TEST(RequestNeeds, are_never_more_than_the_scan_lets_expect) {
  struct Row {
    std::string members, part;
    bool little;
  };
  const std::vector<Row> rows = {
      {"", "", true},
      {R"("max_tokens":7,"temperature":1,"provider":{"zdr":true},"stop":"x")", "", true},
      {R"("tools":[],"response_format":null,"modalities":null,"reasoning":null)", "", true},
      {R"("tools":[{"type":"function","function":{"name":"f"}}])", "", false},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"x"}})", "", false},
      {R"("response_format":{"type":"text"})", "", false},
      {R"("modalities":["image","text"])", "", false},
      {R"("modalities":["audio"])", "", false},
      {R"("reasoning":{"effort":"none"})", "", false},
      {R"("reasoning_effort":"none")", "", false},
      {"", R"({"type":"image_url","image_url":{"url":"u"}})", false},
      {"", R"({"type":"input_audio","input_audio":{"data":"","format":"wav"}})", false},
      {"", R"({"type":"video_url","video_url":{"url":"u"}})", false},
      {"", R"({"type":"input_video","video_url":{"url":"u"}})", false},
      {"", R"({"type":"text","text":"x","type":"image_url"})", false},
      {R"("plugins":[{"id":"file-parser","pdf":{"engine":"native"}}])", R"({"type":"file","file":{}})",
       false},
      {"", R"({"type":"file","file":{}})", false},
      {"", R"({"type":"a_part_of_tomorrow"})", true},
  };
  for (const auto& row : rows) {
    const std::string part = row.part.empty() ? "" : "," + row.part;
    const std::string body = R"({"messages":[{"role":"user","content":[{"type":"text","text":"hi"})" + part +
                             "]}]" + (row.members.empty() ? "" : ",") + row.members + "}";
    RequestScanner scanner;
    const auto facts = scanner.chat(body);
    ASSERT_TRUE(facts) << body << facts.error().message;
    EXPECT_EQ(needs_little(*facts), row.little) << body;
    const RequestNeeds most = most_needs(*facts), real = read_needs(body, *facts);
    EXPECT_TRUE(most.tools >= real.tools && most.response_format >= real.response_format &&
                most.structured_outputs >= real.structured_outputs && most.prefill >= real.prefill &&
                most.no_reasoning >= real.no_reasoning && contains(most.inputs, real.inputs) &&
                contains(most.outputs, real.outputs))
        << body;
    EXPECT_EQ(most.prompt_tokens_at_least, real.prompt_tokens_at_least) << body;
  }
  RequestScanner scanner;
  const auto scanned =
      scanner.chat(R"({"messages":[{"role":"user","content":")" + std::string(33'000, 'x') + R"("}]})");
  ASSERT_TRUE(scanned);
  EXPECT_FALSE(needs_little(*scanned)) << "a long prompt";
}

}  // namespace
}  // namespace gantry::wire
