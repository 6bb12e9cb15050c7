#include "sim/events.hpp"

#include "sim/json_text.hpp"
#include "sim/reply_parts.hpp"
#include "sim/texts.hpp"

namespace gantry::sim {
namespace {

constexpr std::string_view kComment = ": OPENROUTER PROCESSING";
constexpr std::int64_t kTokensPerComment = 4;
constexpr std::size_t kArgumentPiece = 12;

}  // namespace

EventSource::EventSource(Api api, const Identity& identity, const Answer& answer, const FaultSet& faults)
    : api_(api), identity_(identity), answer_(answer), faults_(faults), has_faults_(!faults.empty()) {
  if (!has_faults_) {
    phase_ = Phase::wait;
    return;
  }
  if (faults.has(FaultKind::crlf)) eol_ = "\r\n";
  if (faults.has(FaultKind::cr)) eol_ = "\r";
  if (faults.has(FaultKind::no_space)) field_ = "data:";
  multi_line_ = faults.has(FaultKind::multi_line);
  for (const auto kind : {FaultKind::mid_error, FaultKind::bare_error, FaultKind::close_after,
                          FaultKind::reset_after, FaultKind::stall_mid})
    strikes_ = strikes_ || faults.has(kind);
  if (strikes_) strike_at_ = faults.number(FaultKind::after, 3);
}

void EventSource::event(std::string& out, std::string_view json) const {
  out += field_;
  // The break falls where JSON allows white space: after the first brace.
  if (multi_line_ && json.front() == '{') {
    out += json.front();
    line_end(out);
    out += field_;
    json.remove_prefix(1);
  }
  out += json;
  line_end(out);
  line_end(out);
}

void EventSource::head(std::string& json) const {
  json += '{';
  append_identity(json, identity_, api_ == Api::chat ? "chat.completion.chunk" : "text_completion");
}

void EventSource::choice(std::string& json, std::string_view members, std::string_view finish,
                         std::string_view native) const {
  json += R"(,"choices":[{"index":0,)";
  if (api_ == Api::chat) {
    json += R"("delta":{)";
    json += members;
    json += "},";
  } else {
    json += members.empty() ? R"("text":"")" : members;
    json += ',';
  }
  json += R"("finish_reason":)";
  append_string_or_null(json, finish);
  json += R"(,"native_finish_reason":)";
  append_string_or_null(json, native);
  json += "}]";
}

void EventSource::delta_event(std::string& out, std::string_view member, std::string_view text) const {
  std::string members;
  if (api_ == Api::chat && first_piece_) members += R"("role":"assistant",)";
  members += '"';
  members += api_ == Api::completions && member == "content" ? "text" : member;
  members += "\":";
  append_quoted(members, text);
  if (member == "reasoning") append_reasoning_details(members, text);
  std::string json;
  json.reserve(256 + members.size());
  head(json);
  choice(json, members, {}, {});
  if (has_faults_ && faults_.has(FaultKind::unknown_fields)) json += kUnknownFields;
  json += '}';
  event(out, json);
}

// The chunk that a stream consists of, when nothing is odd: all but the text was rendered once.
void EventSource::content_event(std::string& out, std::string_view text) {
  if (has_faults_ || first_piece_) return delta_event(out, "content", text);
  if (prefix_.empty()) {
    prefix_ = field_;
    head(prefix_);
    prefix_ += api_ == Api::chat ? R"(,"choices":[{"index":0,"delta":{"content":)"
                                 : R"(,"choices":[{"index":0,"text":)";
  }
  out += prefix_;
  append_quoted(out, text);
  if (api_ == Api::chat) out += '}';
  out += R"(,"finish_reason":null,"native_finish_reason":null}]})";
  out += "\n\n";
}

void EventSource::error_event(std::string& out, std::string_view code, bool bare) const {
  std::string json;
  if (bare) {
    json += '{';
    append_error_member(json, code);
  } else {
    head(json);
    json += ',';
    append_error_member(json, code);
    choice(json, api_ == Api::chat ? R"("content":"")" : "", "error", {});
  }
  json += '}';
  event(out, json);
}

bool EventSource::emit_tool_piece(std::string& out) {
  if (call_ >= answer_.tool_calls.size()) return false;
  const auto& call = answer_.tool_calls[call_];
  std::string members;
  if (first_piece_) members += R"("role":"assistant","content":null,)";
  members += R"("tool_calls":[{"index":)";
  append_int(members, static_cast<std::int64_t>(call_));
  if (!call_open_) {
    members += R"(,"id":)";
    append_quoted(members, "call_" + identity_.id.substr(4) + "_" + std::to_string(call_));
    members += R"(,"type":"function","function":{"name":)";
    append_quoted(members, call.name);
    members += R"(,"arguments":""}}])";
    call_open_ = true;
    tokens_ += count_tokens(call.name);
  } else {
    const auto piece = std::string_view(call.arguments).substr(argument_at_, kArgumentPiece);
    argument_at_ += piece.size();
    tokens_ += count_tokens(piece);
    members += R"(,"function":{"arguments":)";
    append_quoted(members, piece);
    members += "}}]";
  }
  if (call_open_ && argument_at_ >= call.arguments.size()) ++call_, call_open_ = false, argument_at_ = 0;
  std::string json;
  head(json);
  choice(json, members, {}, {});
  json += '}';
  event(out, json);
  return true;
}

bool EventSource::emit_piece(std::string& out) {
  const auto thought = answer_.reasoning.substr(reasoning_at_);
  if (!thought.empty()) {
    const auto piece = thought.substr(0, token_length(thought));
    reasoning_at_ += piece.size();
    ++tokens_;
    if (!answer_.reasoning_shown) return true;
    delta_event(out, "reasoning", piece);
    return true;
  }
  if (emit_tool_piece(out)) return true;
  const auto rest = answer_.content().substr(content_at_);
  if (rest.empty()) return false;
  const auto piece = rest.substr(0, token_length(rest));
  if (has_faults_ && faults_.has(FaultKind::finish_content) && piece.size() == rest.size()) return false;
  content_at_ += piece.size();
  ++tokens_;
  content_event(out, piece);
  return true;
}

Pause EventSource::strike(std::string& out) {
  strikes_ = false;
  if (faults_.has(FaultKind::stall_mid)) return Pause::stall_mid;
  if (faults_.has(FaultKind::close_after)) return phase_ = Phase::over, Pause::close;
  if (faults_.has(FaultKind::reset_after)) return phase_ = Phase::over, Pause::reset;
  const auto* bare = faults_.get(FaultKind::bare_error);
  error_event(out, bare ? bare->text : faults_.text(FaultKind::mid_error), bare != nullptr);
  phase_ = faults_.has(FaultKind::error_done) ? Phase::done : Phase::over;
  return phase_ == Phase::over ? Pause::end : Pause::none;
}

Pause EventSource::next_token(std::string& out) {
  if (strikes_ && tokens_ >= strike_at_) return strike(out);
  if (!emit_piece(out)) {
    if (strikes_) return strike(out);  // a short answer: the fault still strikes, at its end
    phase_ = Phase::finish;
    return Pause::none;
  }
  first_piece_ = false;
  if (!has_faults_) return Pause::token;
  if (faults_.has(FaultKind::comments) && tokens_ % kTokensPerComment == 0)
    out.append(kComment).append(eol_).append(eol_);
  return faults_.has(FaultKind::split_utf8) ? Pause::flush : Pause::token;
}

Pause EventSource::finish(std::string& out) {
  if (has_faults_ && faults_.has(FaultKind::no_finish)) return phase_ = Phase::over, Pause::end;
  std::string last(api_ == Api::chat ? R"("content":)" : R"("text":)");
  const auto rest = answer_.content().substr(content_at_);
  append_quoted(last, rest);
  if (!rest.empty()) ++tokens_;
  if (has_faults_ && faults_.has(FaultKind::refusal))
    last = R"("content":null,"refusal":"I would rather not say.")";
  if (has_faults_ && faults_.has(FaultKind::null_content))
    last = api_ == Api::chat ? R"("content":null)" : R"("text":"")";
  auto reason = answer_.finish;
  auto native = answer_.native;
  if (has_faults_ && faults_.has(FaultKind::empty)) reason = native = {};
  if (const auto* forced = has_faults_ ? faults_.get(FaultKind::finish) : nullptr)
    reason = native = forced->text;
  std::string json;
  head(json);
  if (has_faults_ && faults_.has(FaultKind::no_choices)) {
    json += R"(,"choices":[])";
  } else {
    choice(json, last, reason, native);
  }
  json += '}';
  event(out, json);
  phase_ = Phase::usage;
  return Pause::none;
}

void EventSource::usage(std::string& out, std::string_view usage_json) {
  if (has_faults_ && faults_.has(FaultKind::no_usage)) return;
  std::string json;
  head(json);
  if (has_faults_ && faults_.text(FaultKind::usage) == "dummy-choice") {
    choice(json, api_ == Api::chat ? R"("role":"assistant","content":"")" : "", {}, {});
  } else {
    json += R"(,"choices":[])";
  }
  json.append(R"(,"usage":)").append(usage_json).append("}");
  event(out, json);
}

Pause EventSource::next(std::string& out, std::string_view usage_json) {
  switch (phase_) {
    case Phase::comments:
      for (std::int64_t i = faults_.number(FaultKind::comments, 0); i > 0; --i)
        out.append(kComment).append(eol_).append(eol_);
      phase_ = Phase::early;
      return Pause::none;
    case Phase::early:
      if (faults_.has(FaultKind::early_role)) delta_event(out, "content", ""), first_piece_ = false;
      phase_ = Phase::stall;
      return Pause::none;
    case Phase::stall:
      phase_ = Phase::wait;
      return faults_.has(FaultKind::stall_first) ? Pause::stall_first : Pause::none;
    case Phase::wait:
      phase_ = Phase::body;
      return Pause::first_token;
    case Phase::body:
      return next_token(out);
    case Phase::finish:
      return finish(out);
    case Phase::usage:
      usage(out, usage_json);
      phase_ = Phase::done;
      return Pause::none;
    case Phase::done:
      if (!has_faults_ || !faults_.has(FaultKind::no_done)) event(out, "[DONE]");
      phase_ = Phase::over;
      return Pause::end;
    case Phase::over:
      return Pause::end;
  }
  return Pause::end;
}

}  // namespace gantry::sim
