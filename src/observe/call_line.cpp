#include "observe/call_line.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/money.hpp"
#include "observe/escape.hpp"
#include "observe/line.hpp"

namespace gantry::observe {
namespace {

char* put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

[[gnu::noinline]] char* put_unclean(char* to, std::string_view value, LogFormat format) {
  thread_local std::string text;
  text.clear();
  append_text(text, value, format);
  return put(to, text);
}

char* put_text(char* to, std::string_view value, LogFormat format) {
  if (!is_clean(value)) return put_unclean(to, value, format);
  if (format == LogFormat::text) return put(to, value);
  *to++ = '"';
  to = put(to, value);
  *to++ = '"';
  return to;
}

template <class Number>
char* put_number(char* to, Number value) {
  constexpr std::size_t kLongest = 20;
  return std::to_chars(to, to + kLongest, value).ptr;
}

// To the microsecond, so that the text stays short, and without zeros at the end.
char* put_milliseconds(char* to, Duration took) {
  const std::int64_t us = took.count() / 1000;
  if (us < 0) *to++ = '-';
  const auto size = us < 0 ? 0 - static_cast<std::uint64_t>(us) : static_cast<std::uint64_t>(us);
  to = put_number(to, size / 1000);
  const std::uint64_t rest = size % 1000;
  if (rest == 0) return to;
  char* end = put_number(to, 1000 + rest);
  *to = '.';  // in the place of the 1 that kept the zeros behind the point
  while (end[-1] == '0') --end;
  return end;
}

// Builds the line in its place. A template, so that each format's keys are literals; its functions are small,
// so that those literals become plain moves.
template <LogFormat kFormat>
class CallLine {
 public:
  explicit CallLine(char* to) : at_(to) {}

  void head(WallTime at, Level level) {
    if constexpr (kJson) literal(kJsonHead);
    at_ = put_timestamp(at_, at);
    literal(kJson ? R"(","level":")" : " ");
    literal(name(level));
    literal(kJson ? R"(","event":"call")" : " call");
  }
  void text(std::string_view name_of, std::string_view value) {
    key(name_of);
    at_ = put_text(at_, value, kFormat);
  }
  void text_if_any(std::string_view name_of, std::string_view value) {
    if (!value.empty()) text(name_of, value);
  }
  void word(std::string_view name_of, std::string_view value) {  // one of our own
    key(name_of);
    if constexpr (kJson) literal("\"");
    literal(value);
    if constexpr (kJson) literal("\"");
  }
  void truth(std::string_view name_of, bool value) {
    key(name_of);
    literal(value ? "true" : "false");
  }
  void number(std::string_view name_of, std::int64_t value) {
    key(name_of);
    at_ = put_number(at_, value);
  }
  void milliseconds(std::string_view name_of, Duration took) {
    key(name_of);
    at_ = put_milliseconds(at_, took);
  }
  void money(std::string_view name_of, PicoUsd amount) {
    key(name_of);
    if constexpr (kJson) literal("\"");
    at_ = put_decimal(at_, amount);
    if constexpr (kJson) literal("\"");
  }
  char* end() {
    literal(kJson ? "}\n" : "\n");
    return at_;
  }

 private:
  static constexpr bool kJson = kFormat == LogFormat::json;

  void literal(std::string_view text) { at_ = put(at_, text); }
  void key(std::string_view text) {
    literal(kJson ? ",\"" : " ");
    literal(text);
    literal(kJson ? "\":" : "=");
  }

  char* at_;
};

template <LogFormat kFormat>
char* put_line(char* to, WallTime at, Level level, const CallRecord& call) {
  CallLine<kFormat> line(to);
  line.head(at, level);
  line.text("id", call.call_id);
  line.text("dialect", call.dialect);
  line.text("route", call.route);
  line.text("model", call.model_asked);
  if (call.model_served != call.model_asked) line.text_if_any("served", call.model_served);
  line.text_if_any("generation", call.generation_id);
  line.word("outcome", route::name(call.outcome));
  line.number("status", call.status);
  line.truth("stream", call.stream);
  line.number("attempts", call.attempts);
  line.milliseconds("ms", call.took);
  if (call.first_token) line.milliseconds("first_token_ms", *call.first_token);
  if (call.prompt_tokens) line.number("prompt_tokens", *call.prompt_tokens);
  if (call.completion_tokens) line.number("completion_tokens", *call.completion_tokens);
  if (call.cost) line.money("cost_usd", *call.cost);
  line.number("request_bytes", static_cast<std::int64_t>(call.request_bytes));
  line.number("reply_bytes", static_cast<std::int64_t>(call.reply_bytes));
  line.text_if_any("error", call.error);
  return line.end();
}

}  // namespace

// 1. Head, keys, numbers and what surrounds values: under 1 KiB.
// 2. Of a value at most kLongestValue bytes are kept, and no byte becomes more than six: a control character
//    becomes \uXXXX, a broken one three bytes. Masking adds at most two bytes to at least eight that stay.
// 3. A cut value ends in three bytes more, and quotes add two.
std::size_t longest_call_line(const CallRecord& call) {
  std::size_t bytes = 1024;
  for (const std::string_view value : {call.call_id, call.dialect, call.route, call.model_asked,
                                       call.model_served, call.generation_id, call.error})
    bytes += 6 * std::min(value.size(), kLongestValue) + 5;
  return bytes;
}

char* put_call_line(char* to, LogFormat format, WallTime at, Level level, const CallRecord& call) {
  return format == LogFormat::json ? put_line<LogFormat::json>(to, at, level, call)
                                   : put_line<LogFormat::text>(to, at, level, call);
}

}  // namespace gantry::observe
