#include "net/http_parser.hpp"

#include <charconv>
#include <cstring>

#include "net/head_text.hpp"

namespace gantry::net {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 3986 §3.2.2 without the comma, which in a Host is the mark of two fields merged into one.
constexpr CharTable kHostChars = chars_of("-._~%!$&'()*+;=:[]");

bool is_host(std::string_view text) { return count_front(text, kHostChars) == text.size(); }

// What decides where the message ends, gathered while the fields go by.
struct FieldJudge {
  HeaderView& headers;
  const HeadLimits& limits;
  HeadError error{400, {}};
  std::optional<std::string_view> length{}, encoding{}, host{}, expect{};
  std::uint64_t body_bytes = 0;
  bool close = false, keep = false;

  bool refuse(std::string_view reason, int status = 400) {
    error = {status, reason};
    return false;
  }

  static bool once(std::optional<std::string_view>& slot, std::string_view value) {
    if (slot) return false;
    slot = value;
    return true;
  }

  bool take(std::string_view name, std::string_view value) {
    if (headers.size() == limits.fields) return refuse("there are too many header fields", 431);
    headers.add(name, value);
    switch (name.size()) {
      case 4:
        return !same_name(name, "Host") || take_host(value);
      case 6:
        if (!same_name(name, "Expect")) return true;
        return once(expect, value) || refuse("Expect is given twice");
      case 10:
        if (same_name(name, "Connection")) take_connection(value);
        return true;
      case 14:
        return !same_name(name, "Content-Length") || take_length(value);
      case 17:
        return !same_name(name, "Transfer-Encoding") || take_encoding(value);
      default:
        return true;
    }
  }

  bool take_host(std::string_view value) {
    if (!once(host, value)) return refuse("Host is given twice");
    return is_host(value) || refuse("Host holds a character it must not");
  }

  void take_connection(std::string_view value) {
    close |= list_has(value, "close");
    keep |= list_has(value, "keep-alive");
  }

  bool take_length(std::string_view value) {
    if (!once(length, value)) return refuse("Content-Length is given twice");
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, body_bytes);
    return (read.ec == std::errc{} && read.ptr == end) || refuse("Content-Length is not one number");
  }

  bool take_encoding(std::string_view value) {
    if (!once(encoding, value)) return refuse("Transfer-Encoding is given twice");
    return same_name(value, "chunked") || refuse("Transfer-Encoding is not exactly chunked");
  }

  bool consistent(bool http11) {
    if (encoding && length) return refuse("both Content-Length and Transfer-Encoding are given");
    if (encoding && !http11) return refuse("Transfer-Encoding does not exist in HTTP/1.0");
    return true;
  }

  [[nodiscard]] bool keep_alive(bool http11) const { return http11 ? !close : keep && !close; }
};

// Reads one whole head, whose end the scanner has found, from its first line on.
class HeadReader {
 public:
  HeadReader(std::string_view head, FieldJudge& judge) : left_(head), judge_(judge) {}

  std::string_view method, target;
  bool http11 = true;
  int status = 0;

  bool request_line() {
    const std::size_t letters = count_token(left_);
    method = left_.substr(0, letters);
    left_.remove_prefix(letters);
    if (method.empty() || !take(" ")) return judge_.refuse("the method is not a token");
    target = left_.substr(0, left_.find(' '));
    left_.remove_prefix(target.size());
    for (const char c : target) {
      if (c <= ' ' || c == '#' || c == 0x7f)  // as a signed number, what is beyond ASCII is below the blank
        return judge_.refuse("the request target holds a character it must not");
    }
    if (target.empty() || !take(" ") || !version() || !take("\r\n"))
      return judge_.refuse("the HTTP version is not HTTP/1.0 or HTTP/1.1");
    return true;
  }

  bool status_line() {
    if (!version() || !take(" ")) return judge_.refuse("the HTTP version is not HTTP/1.0 or HTTP/1.1");
    const auto read =
        std::from_chars(left_.data(), left_.data() + std::min<std::size_t>(3, left_.size()), status);
    if (read.ec != std::errc{} || read.ptr != left_.data() + 3 || status < 0)
      return judge_.refuse("the status code is not three digits");
    left_.remove_prefix(3);
    if (!take(" ")) return judge_.refuse("the status code is not three digits");
    left_.remove_prefix(count_value(left_));
    return take("\r\n") || judge_.refuse("the reason phrase holds a control character");
  }

  bool fields() {
    while (!take("\r\n")) {
      const std::string_view name = left_.substr(0, count_token(left_));
      left_.remove_prefix(name.size());
      if (name.empty() || !take(":")) return judge_.refuse("a header name holds a character it must not");
      while (!left_.empty() && is_blank(left_.front())) left_.remove_prefix(1);
      std::string_view value = left_.substr(0, count_value(left_));
      left_.remove_prefix(value.size());
      if (!take("\r\n")) return judge_.refuse("a header value holds a character it must not");
      while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
      if (!judge_.take(name, value)) return false;
    }
    if (!left_.empty()) return judge_.refuse("the head is malformed");
    return judge_.consistent(http11);
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t'; }

  bool take(std::string_view text) {
    if (!left_.starts_with(text)) return false;
    left_.remove_prefix(text.size());
    return true;
  }

  bool version() {
    http11 = left_.starts_with("HTTP/1.1");
    if (!http11 && !left_.starts_with("HTTP/1.0")) return false;
    left_.remove_prefix(8);
    return true;
  }

  std::string_view left_;
  FieldJudge& judge_;
};

// "HTTP/d.d" at the end of the request line, but not ours: worth its own status (RFC 9110 §15.6.6).
bool names_other_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\r'));
  if (line.size() < 9) return false;
  const std::string_view v = line.substr(line.size() - 9);
  return v.starts_with(" HTTP/") && is_digit(v[6]) && v[7] == '.' && is_digit(v[8]) && v != " HTTP/1.1" &&
         v != " HTTP/1.0";
}

}  // namespace

HeadState HeadScanner::scan(std::string_view bytes, const HeadLimits& limits, HeadError& error) {
  const auto refuse = [&](std::string_view reason, int status = 400) {
    error = {status, reason};
    return HeadState::failed;
  };
  while (true) {
    if (line_ < bytes.size()) {
      const char first = bytes[line_];
      if (first == ' ' || first == '\t') return refuse("a line begins with white space");
      if (line_ == begin_ && first != '\r' && (first <= ' ' || first == 0x7f)) {
        return refuse("this is not HTTP");
      }
    }
    const std::size_t lf = scanned_ < bytes.size() ? bytes.find('\n', scanned_) : std::string_view::npos;
    const std::size_t seen = lf == std::string_view::npos ? bytes.size() : lf + 1;
    if (seen - begin_ > limits.bytes) return refuse("the header section is too large", 431);
    if (lf == std::string_view::npos) {
      scanned_ = bytes.size();
      return HeadState::need_more;
    }
    if (lf == line_ || bytes[lf - 1] != '\r') return refuse("a line does not end in CR LF");
    const bool empty = lf == line_ + 1;
    const bool before_start = line_ == begin_;
    line_ = scanned_ = lf + 1;
    if (!empty) continue;
    if (!before_start) return HeadState::done;
    // RFC 9112 §2.2: one empty line before the start line is forgiven.
    if (begin_ != 0) return refuse("empty lines stand before the start line");
    begin_ = line_;
  }
}

void RequestParser::reset() {
  scanner_.reset();
  head_.headers.clear();
  head_.method = head_.target = head_.path = head_.query = head_.authority = {};
  head_.has_body = false;
  framing_ = {};
  expect_.reset();
  error_ = {};
}

HeadState RequestParser::refuse(int status, std::string_view reason) {
  error_ = {status, reason};
  return HeadState::failed;
}

HeadState RequestParser::parse(std::string_view bytes) {
  const HeadState found = scanner_.scan(bytes, limits_, error_);
  if (found != HeadState::done) return found;

  const std::string_view head = bytes.substr(scanner_.begin(), scanner_.end() - scanner_.begin());
  FieldJudge judge{head_.headers, limits_};
  HeadReader reader(head, judge);
  if (!reader.request_line() || !reader.fields()) {
    if (names_other_version(head)) return refuse(505, "the HTTP version is not HTTP/1.0 or HTTP/1.1");
    return refuse(judge.error.status, judge.error.reason);
  }
  framing_.http11 = reader.http11;
  framing_.keep_alive = judge.keep_alive(reader.http11);
  if (framing_.http11 && !judge.host) return refuse(400, "Host is missing");
  if (judge.encoding) {
    framing_.body = BodyKind::chunked;
  } else if (judge.length) {
    framing_.length = judge.body_bytes;
    framing_.body = framing_.length > 0 ? BodyKind::length : BodyKind::none;
  }
  expect_ = judge.expect;
  head_.method = reader.method;
  head_.target = reader.target;
  head_.has_body = framing_.body != BodyKind::none;
  return split_target() ? HeadState::done : HeadState::failed;
}

// RFC 9112 §3.2: origin-form, or absolute-form, whose authority then stands for Host (§3.2.2: a server MUST
// ignore that field, which is still checked for its form). Who judges hosts asks RequestHead::host().
bool RequestParser::split_target() {
  const auto bad = [this](std::string_view reason) { return refuse(400, reason) != HeadState::failed; };
  std::string_view target = head_.target;
  if (head_.method == "CONNECT") return bad("CONNECT is not served here");
  if (target.front() != '/') {
    const auto colon = target.find("://");
    const std::string_view scheme = target.substr(0, colon);
    if (colon == std::string_view::npos || !(same_name(scheme, "http") || same_name(scheme, "https"))) {
      return bad("the request target is neither a path nor an http URL");
    }
    const std::string_view rest = target.substr(colon + 3);
    const auto slash = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, slash);
    if (authority.empty() || !is_host(authority)) return bad("the request target has no valid host");
    head_.authority = authority;
    target = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
    if (target.front() != '/') return bad("the request target has no path");
  }
  head_.target = target;
  const auto question = target.find('?');
  head_.path = target.substr(0, question);
  head_.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  return true;
}

void ResponseParser::reset() {
  scanner_.reset();
  headers_.clear();
  framing_ = {};
  status_ = 0;
  error_ = {};
}

HeadState ResponseParser::parse(std::string_view bytes, To to) {
  const HeadState found = scanner_.scan(bytes, limits_, error_);
  if (found != HeadState::done) return found;

  const std::string_view head = bytes.substr(scanner_.begin(), scanner_.end() - scanner_.begin());
  FieldJudge judge{headers_, limits_};
  HeadReader reader(head, judge);
  if (!reader.status_line() || !reader.fields()) {
    error_ = judge.error;
    return HeadState::failed;
  }
  status_ = reader.status;
  if (status_ < 100) {
    error_ = {400, "the status code is below 100"};
    return HeadState::failed;
  }
  framing_.http11 = reader.http11;
  framing_.keep_alive = judge.keep_alive(reader.http11);
  if (to == To::head_request || status_ < 200 || status_ == 204 || status_ == 304) return HeadState::done;
  if (judge.encoding) {
    framing_.body = BodyKind::chunked;
  } else if (judge.length) {
    framing_.length = judge.body_bytes;
    framing_.body = framing_.length > 0 ? BodyKind::length : BodyKind::none;
  } else {
    framing_.body = BodyKind::until_close;
    framing_.keep_alive = false;
  }
  return HeadState::done;
}

}  // namespace gantry::net
