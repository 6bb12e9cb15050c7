#include "sim/plain_reply.hpp"

#include "sim/json_text.hpp"
#include "sim/reply_parts.hpp"

namespace gantry::sim {
namespace {

void append_tool_calls(std::string& out, const Identity& identity, const Answer& answer) {
  out += R"(,"tool_calls":[)";
  for (std::size_t i = 0; i < answer.tool_calls.size(); ++i) {
    if (i > 0) out += ',';
    out += R"({"id":)";
    append_quoted(out, "call_" + identity.id.substr(4) + "_" + std::to_string(i));
    out += R"(,"type":"function","index":)";
    append_int(out, static_cast<std::int64_t>(i));
    out += R"(,"function":{"name":)";
    append_quoted(out, answer.tool_calls[i].name);
    out += R"(,"arguments":)";
    append_quoted(out, answer.tool_calls[i].arguments);
    out += "}}";
  }
  out += ']';
}

void append_message(std::string& out, const Identity& identity, const Answer& answer,
                    const FaultSet& faults) {
  const bool absent = faults.has(FaultKind::null_content) || faults.has(FaultKind::refusal) ||
                      faults.has(FaultKind::reasoning_only) || !answer.tool_calls.empty();
  out += R"("message":{"role":"assistant","content":)";
  if (absent) {
    out += "null";
  } else {
    append_quoted(out, answer.content());
  }
  out += R"(,"refusal":)";
  out += faults.has(FaultKind::refusal) ? R"("I would rather not say.")" : "null";
  out += R"(,"reasoning":)";
  const auto shown = answer.reasoning_shown ? answer.reasoning : std::string_view();
  append_string_or_null(out, shown);
  if (!shown.empty()) append_reasoning_details(out, shown);
  if (!answer.tool_calls.empty()) append_tool_calls(out, identity, answer);
  out += '}';
}

void append_choice(std::string& out, Api api, const Identity& identity, const Answer& answer,
                   const FaultSet& faults) {
  const bool failed = faults.has(FaultKind::choice_error);
  auto reason = failed ? std::string_view("error") : answer.finish;
  auto native = answer.native;
  if (faults.has(FaultKind::empty)) reason = native = {};
  if (const auto* forced = faults.get(FaultKind::finish)) reason = native = forced->text;
  out += R"({"index":0,"finish_reason":)";
  append_string_or_null(out, reason);
  out += R"(,"native_finish_reason":)";
  append_string_or_null(out, native);
  out += R"(,"logprobs":null,)";
  if (api == Api::chat) {
    append_message(out, identity, answer, faults);
  } else {
    out += R"("text":)";
    append_quoted(out, faults.has(FaultKind::null_content) ? std::string_view() : answer.content());
    out += R"(,"reasoning":)";
    append_string_or_null(out, answer.reasoning_shown ? answer.reasoning : std::string_view());
  }
  if (failed) {
    out += ',';
    append_error_member(out, faults.text(FaultKind::choice_error));
  }
  out += '}';
}

}  // namespace

std::string plain_reply(Api api, const Identity& identity, const Answer& answer, const FaultSet& faults,
                        std::string_view usage_json) {
  if (faults.has(FaultKind::html)) return "<!DOCTYPE html>\n<html><body><h1>One moment</h1></body></html>\n";
  std::string out;
  out.reserve(512 + answer.content().size() + 2 * answer.reasoning.size());
  if (const auto* code = faults.get(FaultKind::body_error)) {
    out += '{';
    append_error_member(out, code->text, faults.text(FaultKind::provider));
    return out + "}";
  }
  out += '{';
  append_identity(out, identity, api == Api::chat ? "chat.completion" : "text_completion");
  out += R"(,"system_fingerprint":null,"choices":[)";
  if (!faults.has(FaultKind::no_choices)) append_choice(out, api, identity, answer, faults);
  out += ']';
  if (faults.has(FaultKind::unknown_fields)) out += kUnknownFields;
  if (!faults.has(FaultKind::no_usage)) out.append(R"(,"usage":)").append(usage_json);
  out += '}';
  if (faults.has(FaultKind::broken_json)) out.resize(out.size() / 2);
  return out;
}

}  // namespace gantry::sim
