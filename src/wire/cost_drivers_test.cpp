#include "wire/cost_drivers.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "wire/cost_fields.hpp"

namespace gantry::wire {
namespace {

CostDrivers drivers_of(const std::string& body, bool completions = false) {
  RequestScanner scanner;
  const auto facts = completions ? scanner.completions(body) : scanner.chat(body);
  EXPECT_TRUE(facts) << body << (facts ? "" : facts.error().message);
  return facts ? read_cost_drivers(body, *facts) : CostDrivers{};
}

CostDrivers with(const std::string& members) {
  return drivers_of(R"({"messages":[{"role":"user","content":"hello"}])" +
                    (members.empty() ? "" : "," + members) + "}");
}

constexpr std::array<std::string_view, kBoundlessCount> kWhy = {
    "server_tool", "plugin",       "web_search",   "preset",
    "url_media",   "file_parsing", "unknown_part", "unknown_field"};

// What a request has beyond the plain "hello": "" when that is nothing.
std::string beyond_hello(const CostDrivers& drivers) {
  std::string out;
  const auto say = [&](bool holds, const std::string& what) {
    if (holds) out += (out.empty() ? "" : " ") + what;
  };
  say(drivers.prompt_bytes > 5, "bytes");
  say(drivers.messages != 1, "messages=" + std::to_string(drivers.messages));
  say(drivers.tools, "tools");
  say(drivers.images > 0, "image");
  say(drivers.audios > 0, "audio");
  say(drivers.videos > 0, "video");
  say(drivers.files > 0, "file");
  say(drivers.caches, drivers.caches_long ? "cache_long" : "cache");
  say(drivers.answers != 1, "answers=" + std::to_string(drivers.answers));
  say(drivers.max_tokens.has_value(), "max_tokens=" + std::to_string(drivers.max_tokens.value_or(0)));
  say(drivers.reasoning_tokens > 0, "more_tokens=" + std::to_string(drivers.reasoning_tokens));
  say(drivers.prediction_bytes > 0, "prediction");
  say(drivers.outputs.has_value(), "outputs");
  say(drivers.tiers.has(Tier::flex), "flex");
  say(drivers.tiers.has(Tier::priority), "priority");
  say(drivers.has_models, "models");
  for (const BoundlessField& each : drivers.boundless)
    say(true, std::string(kWhy[static_cast<std::size_t>(each.why)]) + ":" + each.field);
  return out;
}

struct Row {
  std::string field, json, beyond;
};

// Every request field of CONTRACT §3.1, and what it does to the bound.
const std::vector<Row>& fields() {
  static const std::vector<Row> rows = {
      {"model", R"("model":"acme/alpha")", ""},
      {"models", R"("models":["acme/alpha"])", "models"},
      {"models", R"("models":[])", ""},
      {"route", R"("route":"fallback")", ""},
      {"stream", R"("stream":true)", ""},
      {"stream_options", R"("stream_options":{"include_usage":true})", ""},
      {"usage", R"("usage":{"include":true})", ""},
      {"max_completion_tokens", R"("max_completion_tokens":7)", "max_tokens=7"},
      {"max_tokens", R"("max_tokens":9)", "max_tokens=9"},
      {"max_tokens", R"("max_tokens":9,"max_completion_tokens":7)", "max_tokens=9"},
      {"max_tokens", R"("max_tokens":null)", ""},
      {"temperature", R"("temperature":2)", ""},
      {"top_p", R"("top_p":0.5)", ""},
      {"top_k", R"("top_k":40)", ""},
      {"min_p", R"("min_p":0.1)", ""},
      {"top_a", R"("top_a":0.1)", ""},
      {"frequency_penalty", R"("frequency_penalty":2)", ""},
      {"presence_penalty", R"("presence_penalty":2)", ""},
      {"repetition_penalty", R"("repetition_penalty":2)", ""},
      {"seed", R"("seed":42)", ""},
      {"logit_bias", R"("logit_bias":{"1":100})", ""},
      {"logprobs", R"("logprobs":true)", ""},
      {"top_logprobs", R"("top_logprobs":20)", ""},
      {"stop", R"("stop":["x"])", ""},
      {"tools", R"("tools":[{"type":"function","function":{"name":"f","parameters":{}}}])", "bytes tools"},
      {"tools", R"("tools":[{"function":{"name":"f"}}])", "bytes tools"},
      {"tools",
       R"("tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}}])",
       "bytes tools cache"},
      {"tools", R"("tools":[{"type":"openrouter:web_search"}])", "bytes tools server_tool:tools[].type"},
      {"tools", R"("tools":[{"type":"function","function":{"name":"f"},"type":"openrouter:fusion"}])",
       "bytes tools server_tool:tools[].type"},
      {"tools", R"("tools":[{}])", "bytes tools server_tool:tools[].type"},
      {"tool_choice", R"("tool_choice":"auto")", ""},
      {"tool_choice", R"("tool_choice":{"type":"function","function":{"name":"f"}})", ""},
      {"tool_choice", R"("tool_choice":{"type":"openrouter:web_search"})", "server_tool:tool_choice.type"},
      {"parallel_tool_calls", R"("parallel_tool_calls":true)", ""},
      {"stop_server_tools_when", R"("stop_server_tools_when":[{"type":"max_cost","max_cost":1}])", ""},
      {"response_format",
       R"("response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}})", "bytes"},
      {"reasoning", R"("reasoning":{"effort":"high"})", ""},
      {"reasoning", R"("reasoning":{"max_tokens":2000})", "more_tokens=2000"},
      {"reasoning_effort", R"("reasoning_effort":"high")", ""},
      {"include_reasoning", R"("include_reasoning":true)", ""},
      {"verbosity", R"("verbosity":"max")", ""},
      {"modalities", R"("modalities":["text","audio"])", "outputs"},
      {"image_config", R"("modalities":["image"],"image_config":{"image_size":"4K"})", "outputs"},
      {"prediction", R"("prediction":{"type":"content","content":"abc"})", "prediction"},
      {"cache_control", R"("cache_control":{"type":"ephemeral"})", "cache"},
      {"cache_control", R"("cache_control":{"type":"ephemeral","ttl":"5m"})", "cache"},
      {"cache_control", R"("cache_control":{"type":"ephemeral","ttl":"1h"})", "cache_long"},
      {"prompt_cache_key", R"("prompt_cache_key":"k")", ""},
      {"prompt_cache_options", R"("prompt_cache_options":{"mode":"explicit","ttl":"1h"})", "cache_long"},
      {"provider", R"("provider":{"sort":"price"})", ""},
      {"plugins", R"("plugins":[{"id":"web"}])", "plugin:plugins (web)"},
      {"plugins", R"("plugins":[{"id":"web-fetch"}])", "plugin:plugins (web-fetch)"},
      {"plugins", R"("plugins":[{"id":"web","enabled":false}])", ""},
      {"plugins", R"("plugins":[{"id":"response-healing"},{"id":"context-compression"}])", ""},
      {"plugins", R"("plugins":[{"id":"auto-router"},{"id":"auto-beta-router"},{"id":"pareto-router"}])", ""},
      {"plugins", R"("plugins":[{"id":"fusion"},{"id":"moderation"}])",
       "plugin:plugins (fusion) plugin:plugins (moderation)"},
      {"plugins", R"("plugins":[{"id":"file-parser"}])", ""},
      {"plugins", R"("plugins":[{}])", "plugin:plugins ()"},
      {"transforms", R"("transforms":["middle-out"])", ""},
      {"user", R"("user":"u")", ""},
      {"session_id", R"("session_id":"s")", ""},
      {"metadata", R"("metadata":{"a":"b"})", ""},
      {"trace", R"("trace":{"trace_id":"t"})", ""},
      {"service_tier", R"("service_tier":"default")", ""},
      {"service_tier", R"("service_tier":"flex")", "flex"},
      {"service_tier", R"("service_tier":"priority")", "priority"},
      {"service_tier", R"("service_tier":"fast")", "priority"},
      {"service_tier", R"("service_tier":"auto")", "flex priority"},
      {"service_tier", R"("service_tier":"a_tier_of_tomorrow")", "flex priority"},
      {"preset", R"("preset":"p")", "preset:preset"},
      {"debug", R"("debug":{"echo_upstream_body":true})", ""},
      {"web_search_options", R"("web_search_options":{})", "web_search:web_search_options"},
      {"web_search_options", R"("web_search_options":false)", ""},
      {"structured_outputs", R"("structured_outputs":true)", ""},
      {"safe_prompt", R"("safe_prompt":false)", ""},
      {"raw_mode", R"("raw_mode":true)", "bytes"},
      {"n", R"("n":3)", "answers=3"},
      {"n", R"("n":3,"best_of":5)", "answers=5"},
  };
  return rows;
}

void expect(const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(beyond_hello(with(row.json)), row.beyond) << row.json;
}

TEST(CostDrivers, are_known_of_every_field_of_a_request) { expect(fields()); }

TEST(CostDrivers, are_none_of_a_field_that_is_null) {
  for (const Row& row : fields())
    EXPECT_EQ(beyond_hello(with("\"" + row.field + "\":null")), "") << row.field;
}

TEST(CostDrivers, of_provider_are_tiers_alone) {
  expect({
      {"order", R"("provider":{"order":["acme/priority"]})", "priority"},
      {"only", R"("provider":{"only":["acme/eu/flex","bolt"]})", "flex"},
      {"ignore", R"("provider":{"ignore":["acme/priority"]})", ""},
      {"allow_fallbacks", R"("provider":{"allow_fallbacks":true})", ""},
      {"require_parameters", R"("provider":{"require_parameters":true})", ""},
      {"data_collection", R"("provider":{"data_collection":"allow"})", ""},
      {"zdr", R"("provider":{"zdr":true})", ""},
      {"enforce_distillable_text", R"("provider":{"enforce_distillable_text":true})", ""},
      {"quantizations", R"("provider":{"quantizations":["fp8"]})", ""},
      {"sort", R"("provider":{"sort":{"by":"throughput"}})", ""},
      {"preferred_min_throughput", R"("provider":{"preferred_min_throughput":100})", ""},
      {"preferred_max_latency", R"("provider":{"preferred_max_latency":{"p50":1}})", ""},
      {"max_price", R"("provider":{"max_price":{"prompt":1}})", ""},
  });
}

TEST(CostDrivers, of_a_models_id_are_its_variant_and_preset) {
  expect({
      {"model", R"("model":"acme/alpha:free")", ""},
      {"model", R"("model":"~acme/latest:exacto")", ""},
      {"model", R"("model":"acme/alpha:online")", "web_search:model"},
      {"model", R"("model":"acme/alpha:nitro")", "priority"},
      {"model", R"("model":"acme/alpha:floor")", "flex"},
      {"model", R"("model":"@preset/p")", "preset:model"},
      {"model", R"("model":"acme/alpha:online@preset/p")", "preset:model web_search:model"},
      {"models", R"("models":["acme/alpha:nitro","acme/beta@preset/p"])", "priority models preset:model"},
  });
}

TEST(CostDrivers, of_an_unknown_field_only_when_it_can_cost) {
  expect({
      {"sampling", R"("mirostat_tau":5,"typical_p":0.9,"length_penalty":1.5)", "bytes"},
      {"documents become prompt", R"("documents":[{"text":"abc"}])", "bytes"},
      {"off", R"("search_parameters":null,"enable_search":false,"mcp_servers":[],"agent":"","use_tools":0)",
       ""},
      {"searching", R"("search_parameters":{"mode":"auto"})", "bytes unknown_field:search_parameters"},
      {"in any case", R"("enableSearch":true)", "bytes unknown_field:enableSearch"},
      {"tools", R"("mcp_servers":[{"url":"x"}])", "bytes unknown_field:mcp_servers"},
      {"media", R"("images":["x"])", "bytes unknown_field:images"},
      {"other models", R"("fallbacks":[{"model":"x"}])", "bytes unknown_field:fallbacks"},
      {"answers", R"("num_generations":4)", "bytes unknown_field:num_generations"},
      {"one answer", R"("candidateCount":1)", "bytes"},
      {"tokens", R"("max_new_tokens":4000)", "bytes more_tokens=4000"},
      {"tokens inside", R"("thinking":{"type":"enabled","budget_tokens":16000})", "bytes more_tokens=16000"},
      {"tokens deep inside", R"("extra":[{"a":{"thinkingBudget":[5,6]}}])", "bytes more_tokens=11"},
      {"a key is text of others", R"("a_key_of_tomorrow sk-or-v1-0123456789abcdef0123":"x")", "bytes"},
  });
}

TEST(CostDrivers, of_the_parts_of_a_message) {
  const auto parts = [](const std::string& json, const std::string& members = "") {
    return beyond_hello(
        drivers_of(R"({"messages":[{"role":"user","content":[)" + json + "]}]" + members + "}"));
  };
  const std::string native = R"(,"plugins":[{"id":"file-parser","pdf":{"engine":"native"}}])";
  const std::string ocr = R"(,"plugins":[{"id":"file-parser","pdf":{"engine":"mistral-ocr"}}])";
  const std::string file =
      R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA"}})";
  struct Part {
    std::string json, members, beyond;
  };
  for (const Part& row : {
           Part{R"({"type":"text","text":"hey"})", "", ""},
           Part{R"({"type":"text","text":"hey","cache_control":{"type":"ephemeral","ttl":"1h"}})", "",
                "cache_long"},
           Part{R"({"type":"text","text":"hey","prompt_cache_breakpoint":{}})", "", "cache"},
           Part{R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"high"}})", "",
                "image"},
           Part{R"({"type":"image_url","image_url":"DATA:image/png;base64,AA"})", "", "image"},
           Part{R"({"type":"image_url","image_url":{"url":"https://x/y.png"}})", "",
                "image url_media:messages[].content[].image_url"},
           Part{R"({"type":"image_url","image_url":{"url":"data:,","url":"https://x"}})", "",
                "image url_media:messages[].content[].image_url"},
           Part{R"({"type":"text","text":"a","image_url":{"url":"data:,"}})", "", "image"},
           Part{R"({"type":"input_audio","input_audio":{"data":"AA","format":"wav"}})", "", "audio"},
           Part{R"({"type":"input_audio","input_audio":{"data":"https://x"}})", "",
                "audio url_media:messages[].content[].input_audio"},
           Part{R"({"type":"video_url","video_url":{"url":"data:video/mp4;base64,AA"}})", "", "video"},
           Part{R"({"type":"input_video","video_url":{"url":"https://x"}})", "",
                "video url_media:messages[].content[].video_url"},
           Part{file, native, "bytes file"},
           Part{file, "", "bytes file file_parsing:messages[].content[].file"},
           Part{file, ocr, "bytes file file_parsing:messages[].content[].file"},
           Part{R"({"type":"file","file":{"file_data":"https://x/a.pdf"}})", native,
                "file url_media:messages[].content[].file"},
           Part{R"({"type":"file","file":{"file_id":"f"}})", native,
                "file url_media:messages[].content[].file"},
           Part{R"({"type":"a_part_of_tomorrow","x":1})", "", "unknown_part:messages[].content[].type"},
           Part{R"({"x":"something"})", "", "bytes unknown_part:messages[].content[].type"},
       })
    EXPECT_EQ(parts(row.json, row.members), row.beyond) << row.json;
}

TEST(CostDrivers, of_what_assistants_and_tools_said) {
  struct Message {
    std::string json, beyond;
  };
  for (
      const Message& row : {
          Message{R"({"role":"assistant","content":null,"tool_calls":[{"function":{"arguments":"{}"}}]})",
                  "bytes"},
          Message{R"({"role":"tool","tool_call_id":"a","content":"12"})", ""},
          Message{R"({"role":"tool","tool_call_id":"a long one","content":"12"})", "bytes"},
          Message{R"({"role":"assistant","reasoning":"hmm, hmm","content":"1"})", "bytes"},
          Message{
              R"({"role":"assistant","reasoning_details":[{"type":"reasoning.encrypted","data":"AA"}],"content":"1"})",
              "bytes"},
          Message{
              R"({"role":"assistant","images":[{"type":"image_url","image_url":{"url":"data:,"}}],"content":"1"})",
              "image"},
          Message{R"({"role":"assistant","audio":{"id":"a"},"content":"1"})", "bytes audio"},
          Message{R"({"role":"assistant","annotations":[{"type":"file","file":{}}],"content":"1"})",
                  "bytes file"},
          Message{R"({"role":"assistant","annotations":[{"type":"url_citation"}],"content":"1"})", "bytes"},
          Message{R"({"role":"user","a_field_of_tomorrow":"x y z","content":"1"})", "bytes"},
      })
    EXPECT_EQ(beyond_hello(drivers_of(R"({"messages":[)" + row.json + "]}")), row.beyond) << row.json;
}

TEST(CostDrivers, count_text_as_it_is_written) {
  const CostDrivers drivers = drivers_of(
      R"({"messages":[{"role":"system","content":"abc"},{"role":"user","name":"x","content":[{"type":"text","text":"\u00e9é"}]}]})");
  EXPECT_EQ(drivers.messages, 2);
  EXPECT_EQ(drivers.pieces, 1);
  EXPECT_EQ(drivers.prompt_bytes, 3 + 3 + 10) << "an escape is longer than what it stands for";
  EXPECT_EQ(drivers_of(R"({"prompt":"abc","suffix":"d"})", true).prompt_bytes, 3 + 3);
}

TEST(CostDrivers, of_several_prompts_are_several_answers) {
  const CostDrivers drivers = drivers_of(R"({"prompt":["abc","d"],"n":3})", true);
  EXPECT_EQ(drivers.answers, 6);
  EXPECT_EQ(drivers.messages, 2);
}

TEST(CostDrivers, stop_at_the_largest_number) {
  const CostDrivers drivers = drivers_of(
      R"({"prompt":["a","b"],"n":9223372036854775807,"reasoning":{"max_tokens":9223372036854775807},)"
      R"("x_tokens":9223372036854775807})",
      true);
  EXPECT_EQ(drivers.answers, 9223372036854775807);
  EXPECT_EQ(drivers.reasoning_tokens, 9223372036854775807);
}

TEST(CostDrivers, keep_few_fields_of_a_request_that_has_many) {
  std::string plugins = R"("plugins":[)";
  for (int i = 0; i < 100; ++i) plugins += (i ? "," : "") + (R"({"id":"p)" + std::to_string(i) + "\"}");
  EXPECT_EQ(with(plugins + "]").boundless.size(), 16U);
}

// `a` / `b`: the names in the first cell of each row of a table of CONTRACT §3.
std::set<std::string> contract_names(const std::string& text, const std::string& from,
                                     const std::string& to) {
  std::set<std::string> out;
  std::istringstream lines(text.substr(text.find(from), text.find(to) - text.find(from)));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string cell = line.substr(2, line.find(" | ", 2) - 2);
    for (auto open = cell.find('`'); open != std::string::npos;) {
      const auto close = cell.find('`', open + 1);
      const std::string name = cell.substr(open + 1, close - open - 1);
      const auto end = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
      if (end != 0 && (end == std::string::npos || name[end] == '.')) out.insert(name.substr(0, end));
      open = cell.find('`', close + 1);
    }
  }
  return out;
}

TEST(CostDrivers, leave_out_no_field_of_the_contract) {
  const char* const shared = std::getenv("GANTRY_SHARED");
  std::ifstream in(std::filesystem::path(shared ? shared : "") / "openrouter/CONTRACT.md");
  if (!shared || !in) GTEST_SKIP() << "the contract is not there";
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::set<std::string> walked = {"messages"};
  for (const Row& row : fields()) walked.insert(row.field);
  const auto names = contract_names(text, "### 3.1 ", "### 3.2 ");
  EXPECT_GT(names.size(), 40U);
  for (const std::string& name : names) {
    EXPECT_TRUE(walked.contains(name)) << name;
    if (name != "safe_prompt" && name != "raw_mode") EXPECT_NE(cost_field(name), CostField::unknown) << name;
  }
}

}  // namespace
}  // namespace gantry::wire
