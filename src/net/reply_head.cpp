#include "net/reply_head.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace gantry::net {
namespace {

bool is_safe(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos; }

void add(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void add_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

}  // namespace

std::string http_date(WallTime at) {
  using namespace std::chrono;
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(at - day)};
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 40> text;
  const int n = std::snprintf(
      text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays[weekday{day}.c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(n)};
}

std::string_view DateCache::at(WallTime now) {
  const long long second = unix_seconds(now);
  if (second != second_) {
    second_ = second;
    text_ = http_date(now);
  }
  return text_;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

void compose_head(std::string& out, int status, std::span<const Header> headers, const ReplyFraming& framing,
                  std::string_view server_name, std::string_view date) {
  out.assign(framing.http11 ? "HTTP/1.1 " : "HTTP/1.0 ");
  add_number(out, static_cast<std::size_t>(status));
  out.append(" ").append(reason_phrase(status)).append("\r\n");
  add(out, "Date", date);
  if (!server_name.empty()) add(out, "Server", server_name);
  for (const Header& header : headers) {
    if (is_safe(header.name) && is_safe(header.value)) add(out, header.name, header.value);
  }
  if (framing.length) {
    out.append("Content-Length: ");
    add_number(out, *framing.length);
    out.append("\r\n");
  }
  if (framing.chunked) add(out, "Transfer-Encoding", "chunked");
  if (!framing.keep_alive) {
    add(out, "Connection", "close");
  } else if (!framing.http11) {
    add(out, "Connection", "keep-alive");
  }
  out.append("\r\n");
}

std::string_view chunk_line(std::size_t size, std::span<char, 18> buffer) {
  char* end = std::to_chars(buffer.data(), buffer.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {buffer.data(), end};
}

}  // namespace gantry::net
