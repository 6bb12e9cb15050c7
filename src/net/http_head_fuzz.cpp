// Properties: a head parses to the same result however its bytes arrive; what is accepted, written out again
// in the plainest form, parses to the same request; and Beast's parser reads the same in it.

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http_parser.hpp"

namespace {

using namespace gantry::net;
namespace http = boost::beast::http;

void require(bool holds) {
  if (!holds) std::abort();
}

bool same_fields(const HeaderView& a, const HeaderView& b) {
  if (a.size() != b.size()) return false;
  auto other = b.begin();
  for (const Header& header : a) {
    if (header.name != other->name || header.value != other->value) return false;
    ++other;
  }
  return true;
}

bool same(const Framing& a, const Framing& b) {
  return a.body == b.body && a.length == b.length && a.http11 == b.http11 && a.keep_alive == b.keep_alive;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Beast also wants each Connection to be a proper list; ours only looks for its two words.
bool is_of_another_mind(const boost::beast::error_code& error, const HeaderView& ours) {
  return error == http::error::bad_value && (ours.get("Connection") || ours.get("Proxy-Connection"));
}

template <bool IsRequest>
void compare_with_beast(std::string_view head, const HeaderView& ours, const Framing& framing,
                        auto&& compare_line) {
  http::parser<IsRequest, http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(head.size() + 1));
  parser.body_limit(boost::none);
  boost::beast::error_code error;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (is_of_another_mind(error, ours)) return;
  require(!error || error == http::error::need_more);
  require(parser.is_header_done());
  const auto& message = parser.get();
  compare_line(message);
  require(framing.http11 == (message.version() == 11));
  require(!framing.keep_alive || parser.keep_alive() || ours.get("Proxy-Connection"));
  require((framing.body == BodyKind::chunked) == parser.chunked());
  std::size_t fields = 0;
  for (const auto& field : message) {
    ++fields;
    bool found = false;
    for (const Header& header : ours)
      found |= header.name == view(field.name_string()) && header.value == view(field.value());
    require(found);
  }
  require(fields == ours.size());
}

void check_request(std::string_view bytes, std::size_t cut) {
  RequestParser whole, pieces;
  const HeadState state = whole.parse(bytes);
  HeadState later = pieces.parse(bytes.substr(0, cut));
  if (later == HeadState::need_more) later = pieces.parse(bytes);
  require(state == later);
  if (state == HeadState::failed) {
    require(whole.error().reason == pieces.error().reason && !whole.error().reason.empty());
    return;
  }
  if (state != HeadState::done) return;
  require(whole.head_bytes() == pieces.head_bytes() && whole.head_bytes() <= bytes.size());
  require(same_fields(whole.head().headers, pieces.head().headers));

  const RequestHead& head = whole.head();
  const std::string_view text = bytes.substr(0, whole.head_bytes());
  compare_with_beast<true>(text.substr(text.starts_with("\r\n") ? 2 : 0), head.headers, whole.framing(),
                           [&](const auto& line) {
                             require(view(line.method_string()) == head.method &&
                                     (view(line.target()).ends_with(head.target) ||
                                      head.target == "/"));  // of an absolute form without a path
                           });
  std::string again = std::string(head.method) + " " + std::string(head.target) +
                      (whole.framing().http11 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  for (const Header& header : head.headers) {
    again.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  again += "\r\n";
  RequestParser second({.bytes = again.size()});
  require(second.parse(again) == HeadState::done);
  require(second.head_bytes() == again.size());
  require(second.head().method == head.method && second.head().path == head.path &&
          second.head().query == head.query);
  require(second.head().authority.empty() && (head.host() || !whole.framing().http11));
  require(same(second.framing(), whole.framing()));
  require(same_fields(second.head().headers, head.headers));
}

void check_response(std::string_view bytes, std::size_t cut) {
  ResponseParser whole, pieces;
  const auto to = ResponseParser::To::other_request;
  const HeadState state = whole.parse(bytes, to);
  HeadState later = pieces.parse(bytes.substr(0, cut), to);
  if (later == HeadState::need_more) later = pieces.parse(bytes, to);
  require(state == later);
  if (state != HeadState::done) return;
  require(whole.status() == pieces.status() && same(whole.framing(), pieces.framing()));
  require(same_fields(whole.headers(), pieces.headers()));
  const std::string_view text = bytes.substr(0, whole.head_bytes());
  if (whole.status() < 200 || whole.status() == 204 || whole.status() == 304)
    return;  // Beast looks at their framing
  compare_with_beast<false>(
      text.substr(text.starts_with("\r\n") ? 2 : 0), whole.headers(), whole.framing(),
      [&](const auto& line) { require(static_cast<int>(line.result_int()) == whole.status()); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = (data[0] * 256u + data[1]) % (bytes.size() + 1);
  check_request(bytes, cut);
  check_response(bytes, cut);
  return 0;
}
