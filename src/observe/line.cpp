#include "observe/line.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <iterator>

#include "observe/escape.hpp"

namespace gantry::observe {
namespace {

void append_key(std::string& out, std::string_view key) {
  for (const char c : key) {
    const bool fine =
        (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '.';
    out += fine ? c : '_';
  }
}

void append_number(std::string& out, double value, LogFormat format) {
  if (!std::isfinite(value))
    out += format == LogFormat::json ? "null" : "nan";  // JSON has no word for them (RFC 8259 §6)
  else
    fmt::format_to(std::back_inserter(out), "{}", value);
}

void append_value(std::string& out, const Field& field, LogFormat format) {
  struct Visitor {
    std::string& out;
    LogFormat format;
    void operator()(std::string_view v) const { append_text(out, v, format); }
    void operator()(std::int64_t v) const {
      const fmt::format_int digits(v);
      out.append(digits.data(), digits.size());
    }
    void operator()(double v) const { append_number(out, v, format); }
    void operator()(bool v) const { out += v ? "true" : "false"; }
  };
  std::visit(Visitor{out, format}, field.value);
}

void put_digits(char* at, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

using Milliseconds = std::chrono::sys_time<std::chrono::milliseconds>;
using Timestamp = std::array<char, kTimestampBytes>;

Timestamp timestamp(Milliseconds at) {
  using namespace std::chrono;
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const auto of_day = static_cast<unsigned>((at - day).count());
  Timestamp text{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0',
                 '0', ':', '0', '0', ':', '0', '0', '.', '0', '0', '0', 'Z'};
  put_digits(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_digits(text.data() + 5, static_cast<unsigned>(date.month()), 2);
  put_digits(text.data() + 8, static_cast<unsigned>(date.day()), 2);
  put_digits(text.data() + 11, of_day / 3'600'000, 2);
  put_digits(text.data() + 14, of_day / 60'000 % 60, 2);
  put_digits(text.data() + 17, of_day / 1000 % 60, 2);
  put_digits(text.data() + 20, of_day % 1000, 3);
  return text;
}

}  // namespace

std::string_view name(Level level) {
  switch (level) {
    case Level::trace:
      return "trace";
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

char* put_timestamp(char* to, WallTime at) {
  // Worked out once a millisecond and thread.
  thread_local constinit Milliseconds cached = Milliseconds::min();
  thread_local constinit Timestamp text{};
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(at);
  if (whole != cached) {
    text = timestamp(whole);
    cached = whole;
  }
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

void append_timestamp(std::string& out, WallTime at) {
  Timestamp text;
  put_timestamp(text.data(), at);
  out.append(text.data(), text.size());
}

void append_text(std::string& out, std::string_view value, LogFormat format) {
  if (format == LogFormat::json) return append_json_string(out, value);
  // A bare value may still be a key, or too long; only what is neither goes out as it is.
  thread_local std::string masked;
  masked.clear();
  if (is_bare(value) && value.size() <= kLongestValue) {
    out += mask_keys(value, masked) ? std::string_view(masked) : value;
    return;
  }
  append_json_string(out, value);
}

void append_line(std::string& out, LogFormat format, WallTime at, Level level, std::string_view event,
                 std::span<const Field> fields) {
  const bool json = format == LogFormat::json;
  if (json) out += kJsonHead;
  append_timestamp(out, at);
  out += json ? R"(","level":")" : " ";
  out += name(level);
  out += json ? R"(","event":)" : " ";
  append_text(out, event, format);
  for (const Field& field : fields) {
    out += json ? ",\"" : " ";
    append_key(out, field.key);
    out += json ? "\":" : "=";
    append_value(out, field, format);
  }
  if (json) out += '}';
}

}  // namespace gantry::observe
