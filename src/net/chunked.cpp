// The chunked coding, byte by byte where it is syntax and in whole pieces where it is body. Our own and not
// Beast's, which needs each chunk header in one contiguous piece and bounds neither extensions nor trailers;
// the fuzz target holds it against Beast's.

#include <algorithm>

#include "net/http_parser.hpp"

namespace gantry::net {
namespace {

constexpr std::uint32_t kMaxDigits = 16;  // 64 bits

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_text(char c) { return c == '\t' || !is_control(c); }

bool is_token(char c) {  // RFC 9110 §5.6.2
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

}  // namespace

bool ChunkedDecoder::fail(std::string_view reason) {
  at_ = At::failed;
  error_ = reason;
  return false;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view bytes) {
  std::size_t used = 0;
  while (at_ != At::done && at_ != At::failed && used < bytes.size()) {
    if (at_ == At::data) {
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
      left_ -= take;
      if (left_ == 0) at_ = At::data_cr;
      return {State::piece, used + take, bytes.substr(used, take)};
    }
    if (take(bytes[used])) ++used;
  }
  if (at_ == At::failed) return {State::failed, used};
  return {at_ == At::done ? State::done : State::need_more, used};
}

bool ChunkedDecoder::take(char c) {
  switch (at_) {
    case At::size_start:
    case At::size:
      return take_size(c);
    case At::extension:
      if (c == '\r') {
        at_ = At::size_lf;
        return true;
      }
      if (!is_text(c)) return fail("a chunk extension holds a control character");
      return ++extension_bytes_ <= kMaxExtensionBytes || fail("the chunk extensions are too long");
    case At::size_lf:
      if (c != '\n') return fail("a chunk size does not end in CR LF");
      at_ = left_ > 0 ? At::data : At::trailer_start;
      return true;
    case At::data_cr:
      if (c != '\r') return fail("a chunk is longer than its size says");
      at_ = At::data_lf;
      return true;
    case At::data_lf:
      if (c != '\n') return fail("a chunk does not end in CR LF");
      at_ = At::size_start;
      return true;
    default:
      return take_trailer(c);
  }
}

bool ChunkedDecoder::take_size(char c) {
  if (at_ == At::size_start) left_ = digits_ = 0;
  const int digit = hex(c);
  if (digit >= 0) {
    if (++digits_ > kMaxDigits) return fail("a chunk size is too large");
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    at_ = At::size;
    return true;
  }
  if (at_ == At::size && c == '\r') {
    at_ = At::size_lf;
    return true;
  }
  if (at_ == At::size && c == ';') {
    at_ = At::extension;
    return ++extension_bytes_ <= kMaxExtensionBytes || fail("the chunk extensions are too long");
  }
  return fail("a chunk size is not a hexadecimal number");
}

bool ChunkedDecoder::take_trailer(char c) {
  if (++trailer_bytes_ > kMaxTrailerBytes) return fail("the trailer section is too large");
  switch (at_) {
    case At::trailer_start:
      if (c == '\r') {
        at_ = At::end_lf;
        return true;
      }
      if (!is_token(c)) return fail("a trailer name holds a character it must not");
      at_ = At::trailer_name;
      return true;
    case At::trailer_name:
      if (c == ':') at_ = At::trailer_value;
      return c == ':' || is_token(c) || fail("a trailer name holds a character it must not");
    case At::trailer_value:
      if (c == '\r') at_ = At::trailer_lf;
      return c == '\r' || is_text(c) || fail("a trailer value holds a character it must not");
    case At::trailer_lf:
    case At::end_lf:
      if (c != '\n') return fail("a trailer line does not end in CR LF");
      at_ = at_ == At::end_lf ? At::done : At::trailer_start;
      return true;
    default:
      return fail("the chunked body is malformed");
  }
}

}  // namespace gantry::net
