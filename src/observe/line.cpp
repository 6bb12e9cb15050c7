#include "observe/line.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
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

void append_digits(char* at, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
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

void append_timestamp(std::string& out, WallTime at) {
  using namespace std::chrono;
  const auto whole = floor<milliseconds>(at);
  const auto day = floor<days>(whole);
  // The calendar is worked out once a day and thread, the rest is division.
  thread_local sys_days cached_day = sys_days::min();
  thread_local std::array<char, 11> date;
  if (day != cached_day) {
    const year_month_day ymd{day};
    append_digits(date.data(), static_cast<unsigned>(static_cast<int>(ymd.year())), 4);
    append_digits(date.data() + 5, static_cast<unsigned>(ymd.month()), 2);
    append_digits(date.data() + 8, static_cast<unsigned>(ymd.day()), 2);
    date[4] = date[7] = '-';
    date[10] = 'T';
    cached_day = day;
  }
  const auto of_day = static_cast<unsigned>((whole - day).count());
  std::array<char, 13> clock{'0', '0', ':', '0', '0', ':', '0', '0', '.', '0', '0', '0', 'Z'};
  append_digits(clock.data(), of_day / 3'600'000, 2);
  append_digits(clock.data() + 3, of_day / 60'000 % 60, 2);
  append_digits(clock.data() + 6, of_day / 1000 % 60, 2);
  append_digits(clock.data() + 9, of_day % 1000, 3);
  out.append(date.data(), date.size()).append(clock.data(), clock.size());
}

void append_line(std::string& out, LogFormat format, WallTime at, Level level, std::string_view event,
                 std::span<const Field> fields) {
  const bool json = format == LogFormat::json;
  if (json) out += R"({"time":")";
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
