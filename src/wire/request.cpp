#include "wire/request.hpp"

#include <array>
#include <utility>

#include "base/json_string.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_text.hpp"
#include "wire/request_fields.hpp"

namespace gantry::wire {
namespace {

enum class Dialects { chat, completions };

std::string kind_in_words(JsonToken value) {
  switch (value.kind()) {
    case JsonKind::object:
      return "an object";
    case JsonKind::array:
      return "a list";
    case JsonKind::string:
      return "a string";
    case JsonKind::number:
      return "a number";
    case JsonKind::true_value:
    case JsonKind::false_value:
      return "a boolean";
    case JsonKind::null_value:
      return "null";
  }
  return "something else";
}

Refusal wrong_type(std::string field, std::string_view expected, JsonToken got) {
  Refusal refusal;
  refusal.message = field + " must be " + std::string(expected) + ", but it is " + kind_in_words(got) + ".";
  refusal.remedy = "Send " + field + " as " + std::string(expected) + ", or leave it out.";
  refusal.param = std::move(field);
  return refusal;
}

Refusal not_json(const JsonError& error, std::string_view body) {
  Refusal refusal;
  if (body.empty()) {
    refusal.message = "The request has no body.";
  } else {
    refusal.message = "The request body is not valid JSON: " + std::string(error.what);
    if (error.at != JsonError::kNowhere) refusal.message += " (at byte " + std::to_string(error.at) + ")";
    refusal.message += ".";
  }
  refusal.remedy = "Send one JSON object, encoded in UTF-8, with Content-Type: application/json.";
  return refusal;
}

// Reads one request. Every step returns a refusal or nothing; the first refusal stands, and what follows it
// is only checked for being JSON.
class Reading {
 public:
  Reading(std::string_view body, Dialects dialect) : body_(body), in_(body), dialect_(dialect) {}

  std::expected<RequestFacts, Refusal> run() {
    Step refusal = top_level(in_.root());
    if (const auto error = in_.finish()) return std::unexpected(not_json(*error, body_));
    if (!refusal) refusal = is_there_a_prompt();
    if (refusal) return std::unexpected(std::move(*refusal));
    return std::move(facts_);
  }

 private:
  using Step = std::optional<Refusal>;

  Step top_level(JsonToken root) {
    if (!root.is_object()) {
      Refusal refusal;
      refusal.message = "The request body must be a JSON object, but it is " + kind_in_words(root) + ".";
      refusal.remedy = "Send one JSON object with the fields of the request.";
      return refusal;
    }
    facts_.insert_at = in_.range(root).end;
    facts_.object_empty = in_.is_empty(root);
    Step refusal;
    in_.each_member(root, [&](std::string_view key, JsonToken value) {
      if (refusal) return;
      const Field which = field_of(key);
      if (which == Field::none) return;
      const auto index = static_cast<std::size_t>(which);
      refusal = std::exchange(seen_[index], true) ? twice(kFields[index]) : field(which, value);
    });
    return refusal;
  }

  static Refusal twice(std::string_view name) {
    Refusal refusal;
    refusal.message = "The field " + std::string(name) + " is given twice.";
    refusal.remedy = "Send " + std::string(name) + " once.";
    refusal.param = name;
    return refusal;
  }

  Step field(Field which, JsonToken value) {
    switch (which) {
      case Field::model:
        return model(value);
      case Field::max_tokens:
        return limit("max_tokens", value, facts_.max_tokens, facts_.max_tokens_value);
      case Field::max_completion_tokens:
        return limit("max_completion_tokens", value, facts_.max_completion_tokens,
                     facts_.max_completion_tokens_value);
      case Field::temperature:
        facts_.has_temperature = true;
        return std::nullopt;
      case Field::models:
        return models(value);
      case Field::provider:
        return provider(value);
      default:
        return value.is_null() ? std::nullopt : field_with_value(which, value);
    }
  }

  // Those of which null says the same as their absence.
  Step field_with_value(Field which, JsonToken value) {
    switch (which) {
      case Field::stream:
        return stream(value);
      case Field::tools:
        return tools(value);
      case Field::response_format:
        if (!value.is_object()) return wrong_type("response_format", "an object", value);
        facts_.has_response_format = true;
        return std::nullopt;
      case Field::messages:
        return dialect_ == Dialects::chat ? messages(value) : std::nullopt;
      case Field::prompt:
        return dialect_ == Dialects::completions ? prompt(value) : std::nullopt;
      case Field::preset:
        facts_.has_preset = true;
        return std::nullopt;
      case Field::modalities:
        facts_.has_modalities = true;
        return std::nullopt;
      case Field::reasoning:
      case Field::reasoning_effort:
        facts_.has_reasoning = true;
        return std::nullopt;
      default:
        switched_on(which, value);
        return std::nullopt;
    }
  }

  // What a client key may be kept from.
  void switched_on(Field which, JsonToken value) {
    if (which == Field::plugins) facts_.has_plugins = !value.is_array() || !in_.is_empty(value);
    if (which == Field::debug) facts_.has_debug = true;
    if (which == Field::web_search_options) facts_.has_server_tools = true;
    if (which == Field::user && value.is_string()) facts_.user_value = in_.range(value);
    if (which == Field::session_id && value.is_string()) facts_.session_value = in_.range(value);
  }

  // What is no function of the client's is run by OpenRouter (CONTRACT §3.1).
  Step tools(JsonToken value) {
    if (!value.is_array()) return wrong_type("tools", "a list", value);
    facts_.has_tools = !in_.is_empty(value);
    in_.each_element(value, [this](JsonToken tool) {
      in_.each_member(tool, [this](std::string_view key, JsonToken type) {
        if (key == "type" && !type.is_null() && !(type == "function")) facts_.has_server_tools = true;
      });
    });
    return std::nullopt;
  }

  Step model(JsonToken value) {
    facts_.model_value = in_.range(value);
    if (value.is_null()) return std::nullopt;
    if (!value.is_string()) return wrong_type("model", "a string", value);
    facts_.model = value.string();
    return std::nullopt;
  }

  Step limit(std::string_view name, JsonToken value, std::optional<std::int64_t>& number,
             std::optional<ByteRange>& where) {
    where = in_.range(value);
    if (value.is_null()) return std::nullopt;
    number = value.integer();
    if (!number && !value.is_number()) return wrong_type(std::string(name), "a whole number", value);
    if (number && *number >= 1) return std::nullopt;
    Refusal refusal;
    refusal.message = std::string(name) + " must be a whole number of at least 1, but it is " +
                      std::string(value.raw().substr(0, 40)) + ".";
    refusal.remedy = "Send a whole number, or leave " + std::string(name) + " out for the default.";
    refusal.param = name;
    return refusal;
  }

  Step models(JsonToken value) {
    if (!value.is_array() && !value.is_null()) return wrong_type("models", "a list of strings", value);
    Step refusal;
    in_.each_element(value, [&](JsonToken element) {
      if (refusal) return;
      if (auto id = element.string()) {
        facts_.models.push_back(std::move(*id));
      } else {
        refusal = wrong_type("models[" + std::to_string(facts_.models.size()) + "]", "a string", element);
      }
    });
    facts_.models_value = whole_range(value);
    return refusal;
  }

  Step provider(JsonToken value) {
    if (!value.is_object() && !value.is_null()) return wrong_type("provider", "an object", value);
    facts_.provider_value = whole_range(value);
    return std::nullopt;
  }

  // Walks a container to its end, unless that was done before.
  ByteRange whole_range(JsonToken value) {
    const std::size_t begin = in_.range(value).begin;
    return {begin, begin + in_.whole(value).size()};
  }

  Step stream(JsonToken value) {
    if (!value.is_bool()) return wrong_type("stream", "true or false", value);
    facts_.stream = value.is_true();
    return std::nullopt;
  }

  Step messages(JsonToken value) {
    if (!value.is_array()) return wrong_type("messages", "a list of messages", value);
    Step refusal;
    in_.each_element(value, [&](JsonToken element) {
      if (!refusal) refusal = message(element);
      ++facts_.message_count;
    });
    return refusal;
  }

  std::string message_path() const { return "messages[" + std::to_string(facts_.message_count) + "]"; }

  Step message(JsonToken value) {
    if (!value.is_object()) return wrong_type(message_path(), "an object", value);
    Step refusal;
    in_.each_member(value, [&](std::string_view key, JsonToken member) {
      if (refusal || member.is_null()) return;
      if (key == "content") {
        refusal = content(member);
      } else if (key == "tool_calls" || key == "function_call" || key == "audio" || key == "images") {
        if (!in_.is_empty(member) || member.is_object()) facts_.prompt.other_modality = true;
      } else if (key == "role" && (member == "tool" || member == "function")) {
        facts_.prompt.other_modality = true;  // a tool's result may well be empty
      }
    });
    return refusal;
  }

  Step content(JsonToken value) {
    if (value.is_string()) {
      text(value);
      return std::nullopt;
    }
    if (!value.is_array())
      return wrong_type(message_path() + ".content", "a string or a list of parts", value);
    Step refusal;
    std::size_t index = 0;
    in_.each_element(value, [&](JsonToken part) {
      if (!refusal) refusal = content_part(part, index);
      ++index;
    });
    return refusal;
  }

  Step content_part(JsonToken part, std::size_t index) {
    const auto path = [&] { return message_path() + ".content[" + std::to_string(index) + "]"; };
    if (!part.is_object()) return wrong_type(path(), "an object", part);
    Step refusal;
    bool has_text = false;
    std::optional<bool> says_text;  // the first type that is not null
    in_.each_member(part, [&](std::string_view key, JsonToken member) {
      if (refusal || member.is_null()) return;
      if (key == "type") {
        const bool is_text = type_of_part(member);
        if (!says_text) says_text = is_text;
      }
      if (key != "text") return;
      has_text = true;
      if (member.is_string()) {
        text(member);
      } else {
        refusal = wrong_type(path() + ".text", "a string", member);
      }
    });
    // A kind of part we have not heard of is some modality (CONTRACT: variants grow without notice).
    if (!refusal && !has_text && !says_text.value_or(false)) facts_.prompt.other_modality = true;
    return refusal;
  }

  // Whether it is text; else notes what it is.
  bool type_of_part(JsonToken type) {
    if (type == "text") return true;
    if (const auto known = modality_of_part(type.string().value_or(""))) facts_.prompt.inputs.add(*known);
    return false;
  }

  Step prompt(JsonToken value) {
    if (value.is_string()) {
      text(value);
      return std::nullopt;
    }
    if (!value.is_array()) return wrong_type("prompt", "a string or a list of strings", value);
    Step refusal;
    std::size_t index = 0;
    in_.each_element(value, [&](JsonToken element) {
      if (refusal) return;
      if (!element.is_string()) {
        refusal = wrong_type("prompt[" + std::to_string(index) + "]", "a string", element);
      } else {
        text(element);
      }
      ++index;
    });
    return refusal;
  }

  void text(JsonToken value) {
    const TextSize size = value.text_size();
    facts_.prompt.code_points += size.code_points;
    if (!size.blank) facts_.prompt.any_text = true;
  }

  Step is_there_a_prompt() const {
    if (facts_.prompt.any_text || facts_.prompt.other_modality) return std::nullopt;
    Refusal refusal;
    if (dialect_ == Dialects::chat && facts_.message_count == 0) {
      refusal.message = "The request has no messages.";
      refusal.remedy =
          "Send messages with at least one message, for example [{\"role\":\"user\",\"content\":\"Hello\"}].";
      refusal.param = "messages";
    } else if (dialect_ == Dialects::chat) {
      refusal.message = "The prompt is empty: no message holds text or anything else.";
      refusal.remedy = "Give at least one message a content that is not blank.";
      refusal.param = "messages";
    } else {
      refusal.message = "The prompt is missing or blank.";
      refusal.remedy = "Send prompt as a string that is not blank.";
      refusal.param = "prompt";
    }
    refusal.error_type = "invalid_prompt";
    return refusal;
  }

  std::string_view body_;
  JsonReader in_;
  Dialects dialect_;
  RequestFacts facts_;
  std::array<bool, kFields.size()> seen_{};
};

}  // namespace

std::expected<RequestFacts, Refusal> RequestScanner::chat(std::string_view body) {
  return Reading(body, Dialects::chat).run();
}
std::expected<RequestFacts, Refusal> RequestScanner::completions(std::string_view body) {
  return Reading(body, Dialects::completions).run();
}

std::string json_quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

}  // namespace gantry::wire
