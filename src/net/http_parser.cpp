#include "net/http_parser.hpp"

#include <array>
#include <boost/beast/http/basic_parser.hpp>

namespace gantry::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using ErrorCode = beast::error_code;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 3986 §3.2.2 without the comma, which in a Host is the mark of two fields merged into one.
constexpr auto kHostChars = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 128; ++c) table[c] = is_alnum(static_cast<char>(c));
  for (const char c : std::string_view("-._~%!$&'()*+;=:[]")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();
bool is_host(std::string_view text) {
  for (const char c : text) {
    if (!kHostChars[static_cast<unsigned char>(c)]) return false;
  }
  return true;
}

HeadError describe(const ErrorCode& code) {
  switch (static_cast<http::error>(code.value())) {
    case http::error::bad_method:
      return {400, "the method is not a token"};
    case http::error::bad_target:
      return {400, "the request target holds a character it must not"};
    case http::error::bad_version:
      return {400, "the HTTP version is not HTTP/1.0 or HTTP/1.1"};
    case http::error::bad_status:
      return {400, "the status code is not three digits"};
    case http::error::bad_reason:
      return {400, "the reason phrase holds a control character"};
    case http::error::bad_field:
      return {400, "a header name holds a character it must not"};
    case http::error::bad_value:
      return {400, "a header value holds a character it must not"};
    case http::error::bad_line_ending:
      return {400, "a line does not end in CR LF"};
    case http::error::bad_content_length:
    case http::error::multiple_content_length:
      return {400, "Content-Length is not one number"};
    case http::error::bad_transfer_encoding:
      return {400, "Transfer-Encoding contradicts another header field"};
    case http::error::header_limit:
      return {431, "the header section is too large"};
    default:
      return {400, "the head is malformed"};
  }
}

// What decides where the message ends, gathered while the fields go by.
struct FieldJudge {
  HeaderView& headers;
  const HeadLimits& limits;
  HeadError error{400, {}};
  std::optional<std::string_view> length{}, encoding{}, host{}, expect{};

  bool refuse(std::string_view reason, int status = 400) {
    error = {status, reason};
    return false;
  }

  static bool once(std::optional<std::string_view>& slot, std::string_view value) {
    if (slot) return false;
    slot = value;
    return true;
  }

  bool take(http::field field, std::string_view name, std::string_view value) {
    if (headers.size() == limits.fields) return refuse("there are too many header fields", 431);
    headers.add(name, value);
    switch (field) {
      case http::field::content_length:
        if (!once(length, value)) return refuse("Content-Length is given twice");
        for (const char c : value) {
          if (!is_digit(c)) return refuse("Content-Length is not one number");
        }
        return true;
      case http::field::transfer_encoding:
        if (!once(encoding, value)) return refuse("Transfer-Encoding is given twice");
        return same_name(value, "chunked") || refuse("Transfer-Encoding is not exactly chunked");
      case http::field::host:
        if (!once(host, value)) return refuse("Host is given twice");
        return is_host(value) || refuse("Host holds a character it must not");
      case http::field::expect:
        return once(expect, value) || refuse("Expect is given twice");
      default:
        return true;
    }
  }

  bool consistent(bool http11) {
    if (encoding && length) return refuse("both Content-Length and Transfer-Encoding are given");
    if (encoding && !http11) return refuse("Transfer-Encoding does not exist in HTTP/1.0");
    return true;
  }
};

// Beast's parser with our storage: no copies, and the judge may stop it at any field.
template <bool IsRequest>
class Sink : public http::basic_parser<IsRequest> {
 public:
  explicit Sink(FieldJudge& judge) : judge_(judge) {
    this->header_limit(static_cast<std::uint32_t>(judge.limits.bytes + 1));
    this->body_limit(boost::none);
  }

  /// Parses exactly one head; false with the judge's error filled in.
  bool run(std::string_view head) {
    ErrorCode code;
    const std::size_t used = this->put(boost::asio::const_buffer(head.data(), head.size()), code);
    if (code) {
      if (judge_.error.reason.empty()) judge_.error = describe(code);
      return false;
    }
    if (!this->is_header_done() || used != head.size()) return judge_.refuse("the head is malformed");
    return judge_.consistent(version == 11);
  }

  std::string_view method, target;
  int version = 11, status = 0;

 private:
  void on_request_impl(http::verb, beast::string_view name, beast::string_view to, int v,
                       ErrorCode&) override {
    method = view(name), target = view(to), version = v;
  }
  void on_response_impl(int code, beast::string_view, int v, ErrorCode&) override {
    status = code, version = v;
  }
  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     ErrorCode& code) override {
    if (!judge_.take(field, view(name), view(value))) code = http::error::bad_value;
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(beast::string_view, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}

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
  head_.method = head_.target = head_.path = head_.query = {};
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
  Sink<true> sink(judge);
  if (!sink.run(head)) {
    if (names_other_version(head)) return refuse(505, "the HTTP version is not HTTP/1.0 or HTTP/1.1");
    return refuse(judge.error.status, judge.error.reason);
  }
  framing_.http11 = sink.version == 11;
  framing_.keep_alive = sink.keep_alive();
  if (framing_.http11 && !judge.host) return refuse(400, "Host is missing");
  if (judge.encoding) {
    framing_.body = BodyKind::chunked;
  } else if (judge.length) {
    framing_.length = *sink.content_length();
    framing_.body = framing_.length > 0 ? BodyKind::length : BodyKind::none;
  }
  expect_ = judge.expect;
  head_.method = sink.method;
  head_.target = sink.target;
  head_.has_body = framing_.body != BodyKind::none;
  return split_target(judge.host.value_or("")) ? HeadState::done : HeadState::failed;
}

// RFC 9112 §3.2: origin-form, or absolute-form whose authority is the Host (§3.2.2 tells clients to send the
// same; a difference is how one front and one back come to believe in two hosts).
bool RequestParser::split_target(std::string_view host) {
  const auto bad = [this](std::string_view reason) { return refuse(400, reason) != HeadState::failed; };
  std::string_view target = head_.target;
  for (const char c : target) {
    if (c == '#' || static_cast<unsigned char>(c) >= 0x7f) {
      return bad("the request target holds a character it must not");
    }
  }
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
    if (framing_.http11 && !same_name(authority, host)) return bad("Host differs from the request target");
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
  Sink<false> sink(judge);
  if (to == To::head_request) sink.skip(true);
  if (!sink.run(head)) {
    error_ = judge.error;
    return HeadState::failed;
  }
  status_ = sink.status;
  if (status_ < 100) {
    error_ = {400, "the status code is below 100"};
    return HeadState::failed;
  }
  framing_.http11 = sink.version == 11;
  framing_.keep_alive = sink.keep_alive();
  if (to == To::head_request || status_ < 200 || status_ == 204 || status_ == 304) return HeadState::done;
  if (judge.encoding) {
    framing_.body = BodyKind::chunked;
  } else if (judge.length) {
    framing_.length = *sink.content_length();
    framing_.body = framing_.length > 0 ? BodyKind::length : BodyKind::none;
  } else {
    framing_.body = BodyKind::until_close;
  }
  return HeadState::done;
}

}  // namespace gantry::net
