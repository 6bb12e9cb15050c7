// Properties: a chunked body decodes to the same bytes however it arrives; and where our decoder accepts a
// body without extensions and trailers, Beast's parser, the oracle, reads the same body out of it.

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http_parser.hpp"

namespace {

using gantry::net::ChunkedDecoder;
namespace http = boost::beast::http;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Decoded {
  ChunkedDecoder::State state = ChunkedDecoder::State::need_more;
  std::string body;
  std::size_t consumed = 0;
};

void feed(ChunkedDecoder& decoder, std::string_view bytes, Decoded& result) {
  if (result.state == ChunkedDecoder::State::done || result.state == ChunkedDecoder::State::failed) return;
  while (true) {
    const auto step = decoder.next(bytes);
    require(step.consumed <= bytes.size());
    bytes.remove_prefix(step.consumed);
    result.consumed += step.consumed;
    result.body += step.piece;
    result.state = step.state;
    if (step.state != ChunkedDecoder::State::piece) return;
  }
}

std::string read_by_beast(std::string_view bytes) {
  http::request_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  parser.eager(true);
  boost::beast::error_code error;
  const std::string_view head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  require(!error || error == http::error::need_more);
  parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  require(!error && parser.is_done());
  return parser.release().body();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = (data[0] * 256u + data[1]) % (bytes.size() + 1);

  ChunkedDecoder at_once, in_pieces;
  Decoded whole, parts;
  feed(at_once, bytes, whole);
  feed(in_pieces, bytes.substr(0, cut), parts);
  feed(in_pieces, bytes.substr(cut), parts);
  require(whole.state == parts.state && whole.body == parts.body && whole.consumed == parts.consumed);

  const std::string_view used = bytes.substr(0, whole.consumed);
  const bool plain = used.find(';') == used.npos && (used == "0\r\n\r\n" || used.ends_with("\r\n0\r\n\r\n"));
  if (whole.state == ChunkedDecoder::State::done && plain) require(read_by_beast(used) == whole.body);
  return 0;
}
