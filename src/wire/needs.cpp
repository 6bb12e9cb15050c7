#include "wire/needs.hpp"

#include "wire/json_reader.hpp"

namespace gantry::wire {
namespace {

constexpr std::size_t kCodePointsAToken = 8;

class Reading {
 public:
  explicit Reading(std::string_view body) : in_(body) {}

  RequestNeeds run() {
    in_.each_member(in_.root(), [this](std::string_view key, JsonToken value) { field(key, value); });
    if (files_ && native_files_) needs_.inputs.add(Modality::file);
    return needs_;
  }

 private:
  void field(std::string_view key, JsonToken value) {
    if (key == "tools") {
      needs_.tools = value.is_array() && !in_.is_empty(value);
    } else if (key == "response_format") {
      response_format(value);
    } else if (key == "modalities") {
      in_.each_element(value, [this](JsonToken each) {
        if (const auto known = modality_named(each.string().value_or(""))) needs_.outputs.add(*known);
      });
    } else if (key == "reasoning") {
      in_.each_member(value, [this](std::string_view inner, JsonToken member) {
        if (inner == "effort" && member == "none") needs_.no_reasoning = true;
      });
    } else if (key == "reasoning_effort") {
      if (value == "none") needs_.no_reasoning = true;
    } else if (key == "messages") {
      in_.each_element(value, [this](JsonToken each) { message(each); });
    } else if (key == "plugins") {
      in_.each_element(value, [this](JsonToken each) { plugin(each); });
    }
  }

  void response_format(JsonToken value) {
    in_.each_member(value, [this](std::string_view key, JsonToken member) {
      if (key != "type" || !member.is_string()) return;
      needs_.structured_outputs = member == "json_schema";
      needs_.response_format = !(member == "text");
    });
  }

  void message(JsonToken value) {
    needs_.prefill = false;
    in_.each_member(value, [this](std::string_view key, JsonToken member) {
      if (key == "role") needs_.prefill = member == "assistant";
      if (key == "content") in_.each_element(member, [this](JsonToken part) { content_part(part); });
    });
  }

  void content_part(JsonToken part) {
    in_.each_member(part, [this](std::string_view key, JsonToken member) {
      if (key != "type") return;
      const auto known = modality_of_part(member.string().value_or(""));
      if (!known) return;
      if (*known == Modality::file) {
        files_ = true;
      } else {
        needs_.inputs.add(*known);
      }
    });
  }

  // {"id":"file-parser","pdf":{"engine":"native"}}
  void plugin(JsonToken value) {
    bool parser = false, native = false;
    in_.each_member(value, [&](std::string_view key, JsonToken member) {
      if (key == "id") parser = member == "file-parser";
      if (key == "pdf")
        in_.each_member(member, [&](std::string_view inner, JsonToken engine) {
          if (inner == "engine") native = engine == "native";
        });
    });
    native_files_ = native_files_ || (parser && native);
  }

  JsonReader in_;
  RequestNeeds needs_;
  bool files_ = false;
  bool native_files_ = false;
};

}  // namespace

std::int64_t tokens_at_least(std::size_t code_points) {
  return static_cast<std::int64_t>(code_points / kCodePointsAToken);
}

bool needs_little(const RequestFacts& facts) {
  constexpr std::size_t kShort =
      32'000;  // code points: as many tokens as the smallest contexts of today hold
  return !(facts.has_tools || facts.has_response_format || facts.has_modalities || facts.has_reasoning) &&
         facts.prompt.inputs.empty() && facts.prompt.code_points <= kShort;
}

RequestNeeds most_needs(const RequestFacts& facts) {
  RequestNeeds needs{.tools = facts.has_tools,
                     .response_format = facts.has_response_format,
                     .structured_outputs = facts.has_response_format,
                     .inputs = facts.prompt.inputs,
                     .outputs = {},
                     .prefill = true,
                     .no_reasoning = facts.has_reasoning,
                     .prompt_tokens_at_least = tokens_at_least(facts.prompt.code_points)};
  if (facts.has_modalities) needs.outputs = {Modality::text, Modality::image, Modality::audio};
  return needs;
}

RequestNeeds read_needs(std::string_view body, const RequestFacts& facts) {
  RequestNeeds needs = Reading(body).run();
  needs.prompt_tokens_at_least = tokens_at_least(facts.prompt.code_points);
  return needs;
}

}  // namespace gantry::wire
