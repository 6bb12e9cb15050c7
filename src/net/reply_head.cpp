#include "net/reply_head.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "net/head_text.hpp"

namespace gantry::net {
namespace {

// A header that would break the head is left out: a line end would forge fields.
bool is_safe(const Header& header) { return is_token(header.name) && is_value(header.value); }

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
  const std::string_view reason = reason_phrase(status);
  constexpr std::size_t kRest = 160;  // status line, framing and line ends
  std::size_t room = kRest + reason.size() + HeadWriter::field_bytes("Date", date) +
                     HeadWriter::field_bytes("Server", server_name);
  for (const Header& header : headers) room += HeadWriter::field_bytes(header.name, header.value);
  HeadWriter head(out, room);
  head.text(framing.http11 ? "HTTP/1.1 " : "HTTP/1.0 ");
  head.number(static_cast<std::size_t>(status));
  head.text(" ");
  head.text(reason);
  head.text("\r\n");
  head.field("Date", date);
  if (!server_name.empty()) head.field("Server", server_name);
  for (const Header& header : headers) {
    if (is_safe(header)) head.field(header.name, header.value);
  }
  if (framing.length) {
    head.text("Content-Length: ");
    head.number(*framing.length);
    head.text("\r\n");
  }
  if (framing.chunked) head.field("Transfer-Encoding", "chunked");
  if (!framing.keep_alive) {
    head.field("Connection", "close");
  } else if (!framing.http11) {
    head.field("Connection", "keep-alive");
  }
  head.text("\r\n");
  head.finish();
}

std::string_view chunk_line(std::size_t size, std::span<char, 18> buffer) {
  char* end = std::to_chars(buffer.data(), buffer.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {buffer.data(), end};
}

}  // namespace gantry::net
