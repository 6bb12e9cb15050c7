// Properties: a head parses to the same result however its bytes arrive, and what is accepted, written out
// again in the plainest form, parses to the same request.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http_parser.hpp"

namespace {

using namespace gantry::net;

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
