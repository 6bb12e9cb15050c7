#include "wire/reply.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "wire/error_reading.hpp"
#include "wire/json_index.hpp"
#include "wire/json_reader.hpp"
#include "wire/shown_text.hpp"

namespace gantry::wire {
namespace {

constexpr std::size_t kShownName = 80;

// What a message, a delta or a text choice carries.
struct Carried {
  bool answer = false;
  bool reasoning = false;
};

bool is_answer(std::string_view key) {
  return key == "content" || key == "text" || key == "refusal" || key == "tool_calls" || key == "images" ||
         key == "audio" || key == "function_call";  // the last is OpenAI's older form of tool_calls
}

bool is_reasoning(std::string_view key) {
  return key == "reasoning" || key == "reasoning_content" || key == "reasoning_details";
}

// One member of a message or delta. Null and "" carry nothing (CONTRACT §11.5).
void look_at(JsonReader& in, std::string_view key, JsonToken value, Carried& carried) {
  if (in.is_empty(value)) return;
  if (is_answer(key)) carried.answer = true;
  if (is_reasoning(key)) carried.reasoning = true;
}

FinishReason finish_of(JsonToken value) {
  static constexpr std::array<std::pair<std::string_view, FinishReason>, 6> kReasons = {{
      {"stop", FinishReason::stop},
      {"length", FinishReason::length},
      {"tool_calls", FinishReason::tool_calls},
      {"function_call", FinishReason::tool_calls},
      {"content_filter", FinishReason::content_filter},
      {"error", FinishReason::error},
  }};
  if (!value.is_string() || value == "") return FinishReason::none;
  for (const auto& [text, reason] : kReasons)
    if (value == text) return reason;
  return FinishReason::other;
}

// All choices of a reply or a chunk. The first choice's finish stands for the whole, unless one ended in an
// error.
struct Choices {
  bool any = false;
  Carried carried;
  FinishReason finish = FinishReason::none;
  bool several = false;    // some choice has an index above 0
  std::string_view error;  // the first one's bytes, "" when there is none
};

void read_choice(JsonReader& in, JsonToken choice, Choices& out) {
  const bool first = !std::exchange(out.any, true);
  in.each_member(choice, [&](std::string_view key, JsonToken value) {
    if (key == "message" || key == "delta") {
      in.each_member(
          value, [&](std::string_view inner, JsonToken member) { look_at(in, inner, member, out.carried); });
    } else if (key == "finish_reason") {
      const FinishReason finish = finish_of(value);
      if (first || finish == FinishReason::error) out.finish = finish;
    } else if (key == "index") {
      if (value.integer().value_or(0) > 0) out.several = true;
    } else if (key == "error") {
      if (tells_an_error(value.kind()) && out.error.empty()) out.error = in.whole(value);
    } else {
      look_at(in, key, value, out.carried);  // text completions carry text and reasoning in the choice (§4.5)
    }
  });
}

void read_count(JsonToken value, std::optional<std::int64_t>& out) {
  const auto count = value.integer();
  if (count && *count >= 0) out = count;
}

// Money from the digits upstream wrote (§4.4). What is not an amount stays unknown, never zero.
void read_amount(JsonToken value, std::optional<PicoUsd>& out) {
  if (!value.is_number() && !value.is_string()) return;
  const std::string_view raw = value.raw();
  const auto amount = parse_usd(value.is_string() ? raw.substr(1, raw.size() - 2) : raw);
  if (amount && amount->value >= 0) out = *amount;
}

// Reads one count out of the details of usage.
void read_detail(JsonReader& in, JsonToken details, std::string_view name, std::optional<std::int64_t>& out) {
  in.each_member(details, [&](std::string_view key, JsonToken value) {
    if (key == name) read_count(value, out);
  });
}

Usage read_usage(JsonReader& in, JsonToken object) {
  Usage usage;
  in.each_member(object, [&](std::string_view key, JsonToken value) {
    if (key == "prompt_tokens") {
      read_count(value, usage.prompt_tokens);
    } else if (key == "completion_tokens") {
      read_count(value, usage.completion_tokens);
    } else if (key == "cost") {
      read_amount(value, usage.cost);
    } else if (key == "is_byok") {
      usage.is_byok = value.is_true();
    } else if (key == "prompt_tokens_details") {
      read_detail(in, value, "cached_tokens", usage.cached_tokens);
    } else if (key == "completion_tokens_details") {
      read_detail(in, value, "reasoning_tokens", usage.reasoning_tokens);
    } else if (key == "cost_details") {
      in.each_member(value, [&](std::string_view detail, JsonToken cost) {
        if (detail == "upstream_inference_cost") read_amount(cost, usage.upstream_cost);
      });
    }
  });
  return usage;
}

// What has a price of its own (CONTRACT §4.4). Docs and spec name the use of server tools differently, and
// requested calls overlap with executed ones and with searches: none are added up.
UsageDetails read_usage_details(std::string_view usage) {
  UsageDetails out;
  const auto raise = [](JsonToken value, std::int64_t& to) {
    to = std::max(to, value.integer().value_or(0));
  };
  JsonReader in(usage);
  in.each_member(in.root(), [&](std::string_view key, JsonToken value) {
    const bool prompt = key == "prompt_tokens_details", completion = key == "completion_tokens_details";
    if (!prompt && !completion && key != "server_tool_use" && key != "server_tool_use_details") return;
    in.each_member(value, [&](std::string_view detail, JsonToken count) {
      if (detail == "cache_write_tokens") raise(count, out.cache_write_tokens);
      if (detail == "audio_tokens" && prompt) raise(count, out.prompt_audio_tokens);
      if (detail == "audio_tokens" && completion) raise(count, out.completion_audio_tokens);
      if (detail == "image_tokens" && completion) raise(count, out.completion_image_tokens);
      if (detail == "web_search_requests") raise(count, out.web_searches);
      if (detail == "web_search_requests" || detail.starts_with("tool_calls_"))
        raise(count, out.server_tool_calls);
    });
  });
  return out;
}

// What replies and chunks share; the tokens are views of the body.
struct Document {
  Choices choices;
  std::optional<Usage> usage;
  bool error = false;  // one at the top
  JsonToken id, model, provider;
};

Document read_document(JsonReader& in, JsonToken root) {
  Document out;
  in.each_member(root, [&](std::string_view key, JsonToken value) {
    if (value.is_null()) return;
    if (key == "choices") {
      in.each_element(value, [&](JsonToken choice) {
        if (choice.is_object()) read_choice(in, choice, out.choices);
      });
    } else if (key == "usage") {
      out.usage = value.is_object() ? std::optional(read_usage(in, value)) : std::nullopt;
      if (out.usage && !out.usage->cost) out.usage->details = read_usage_details(in.whole(value));
    } else if (key == "error") {
      out.error = out.error || tells_an_error(value.kind());
    } else if (key == "id") {
      out.id = value;
    } else if (key == "model") {
      out.model = value;
    } else if (key == "provider") {
      out.provider = value;
    }
  });
  return out;
}

// Errors are rare, come in many shapes and are read from an index of their own. The top-level one comes
// first.
std::optional<UpstreamError> error_of(const Document& document, std::string_view body) {
  const std::string_view text = document.error ? body : document.choices.error;
  if (text.empty()) return std::nullopt;
  JsonIndex index;
  if (index.parse(text)) return std::nullopt;  // cannot be: it is a part of what was read
  UpstreamError error =
      document.error ? error_from_document(0, index.root()) : error_from_value(0, index.root());
  error.in_reply = true;
  if (const auto provider = document.provider.string()) error.served_by = shown_text(*provider, kShownName);
  return error;
}

std::unexpected<Failure> malformed(std::string_view what, std::size_t at) {
  std::string detail(what);
  if (at != JsonError::kNowhere) detail += " at byte " + std::to_string(at);
  return fail(Fault::malformed, std::move(detail));
}

Result<Document> read(std::string_view body) {
  JsonReader in(body);
  const JsonToken root = in.root();
  const Document document = read_document(in, root);
  if (const auto error = in.finish()) return malformed(error->what, error->at);
  if (!root.is_object()) return malformed("the reply is not a JSON object", JsonError::kNowhere);
  return document;
}

}  // namespace

Result<ReplyFacts> ReplyScanner::reply(std::string_view body) {
  auto document = read(body);
  if (!document) return std::unexpected(std::move(document.error()));
  const Carried carried = document->choices.carried;
  ReplyFacts facts;
  facts.id = document->id.string().value_or("");
  facts.model = document->model.string().value_or("");
  facts.provider = document->provider.string();
  facts.finish = document->choices.finish;
  facts.has_content = carried.answer || carried.reasoning;
  facts.reasoning_only = carried.reasoning && !carried.answer;
  facts.has_choices = document->choices.any;
  facts.usage = document->usage;
  facts.error = error_of(*document, body);
  return facts;
}

Result<ChunkFacts> ReplyScanner::chunk(std::string_view data) {
  auto document = read(data);
  if (!document) return std::unexpected(std::move(document.error()));
  id_.clear();
  model_.clear();
  document->id.string_into(id_);
  document->model.string_into(model_);
  ChunkFacts facts;
  facts.first_token = document->choices.carried.answer || document->choices.carried.reasoning;
  facts.finish = document->choices.finish;
  facts.several_choices = document->choices.several;
  facts.usage = document->usage;
  facts.error = error_of(*document, data);
  facts.id = id_;
  facts.model = model_;
  if (document->provider.is_string())
    facts.provider = document->provider.raw().substr(1, document->provider.raw().size() - 2);
  return facts;
}

}  // namespace gantry::wire
