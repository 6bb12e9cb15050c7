#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "net/http_parser.hpp"

namespace gantry::net {
namespace {

struct Decoded {
  std::string body, rest, error;
  bool done = false;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(const std::vector<std::string_view>& pieces) {
  ChunkedDecoder decoder;
  Decoded result;
  for (std::string_view piece : pieces) {
    while (!result.done) {
      const auto step = decoder.next(piece);
      result.body += step.piece;
      piece.remove_prefix(step.consumed);
      if (step.state == ChunkedDecoder::State::need_more) break;
      if (step.state == ChunkedDecoder::State::failed) {
        result.error = decoder.error();
        return result;
      }
      result.done = step.state == ChunkedDecoder::State::done;
    }
    if (result.done) result.rest += piece;
  }
  return result;
}

TEST(ChunkedDecoder, gives_the_body_and_leaves_the_next_message) {
  const auto result = decode({"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-T: y\r\n\r\nGET /"});
  EXPECT_TRUE(result.done);
  EXPECT_EQ(result.body, "hello world");
  EXPECT_EQ(result.rest, "GET /");
}

TEST(ChunkedDecoder, result_does_not_depend_on_how_the_bytes_arrive) {
  for (const std::string stream : {"a\r\n0123456789\r\n00001;x\r\n!\r\n000\r\nA: b\r\nC:\r\n\r\nrest",
                                   "3\r\nab\r\n", "5\nhello", "0\r\n folded"}) {
    const Decoded whole = decode({stream});
    for (std::size_t a = 0; a <= stream.size(); ++a) {
      for (std::size_t b = a; b <= stream.size(); ++b) {
        const std::string_view view = stream;
        EXPECT_EQ(decode({view.substr(0, a), view.substr(a, b - a), view.substr(b)}), whole)
            << stream << " cut at " << a << " and " << b;
      }
    }
  }
}

TEST(ChunkedDecoder, refuses_what_another_reader_could_read_differently) {
  const std::vector<std::pair<const char*, std::string>> rows = {
      {"a sign", "+5\r\nhello\r\n"},
      {"a minus", "-5\r\nhello\r\n"},
      {"a 0x prefix", "0x5\r\nhello\r\n"},
      {"white space before the size", " 5\r\nhello\r\n"},
      {"white space after the size", "5 \r\nhello\r\n"},
      {"white space before an extension", "5 ;a\r\nhello\r\n"},
      {"no size", "\r\nhello\r\n"},
      {"a size of more than 64 bits", "00000000000000001\r\nh\r\n"},
      {"a bare LF after the size", "5\nhello\r\n"},
      {"a bare CR after the size", "5\rhello\r\n"},
      {"a chunk longer than it says", "5\r\nhello!\r\n"},
      {"a bare LF after the data", "5\r\nhello\n0\r\n\r\n"},
      {"a bare CR after the data", "5\r\nhello\r0\r\n\r\n"},
      {"a bare LF in an extension", "5;a\nb\r\nhello\r\n"},
      {"a control byte in an extension", "5;\x01\r\nhello\r\n"},
      {"long extensions", "5;" + std::string(ChunkedDecoder::kMaxExtensionBytes, 'x') + "\r\nhello\r\n"},
      {"a trailer without a name", "0\r\n: x\r\n\r\n"},
      {"a trailer without a colon", "0\r\nabc\r\n\r\n"},
      {"a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"},
      {"a bare LF in the trailers", "0\r\nA: b\n\r\n"},
      {"a bare LF at the end", "0\r\n\n"},
      {"long trailers", "0\r\nA: " + std::string(ChunkedDecoder::kMaxTrailerBytes, 'x') + "\r\n\r\n"},
  };
  for (const auto& [what, bytes] : rows) EXPECT_NE(decode({bytes}).error, "") << what;
}

TEST(ChunkedDecoder, reads_the_largest_size_and_waits_for_its_bytes) {
  const auto result = decode({"ffffffffffffffff\r\nabc"});
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.body, "abc");
  EXPECT_FALSE(result.done);
}

TEST(ChunkedDecoder, many_small_extensions_are_bounded_together) {
  std::string stream;
  for (std::size_t i = 0; i <= ChunkedDecoder::kMaxExtensionBytes / 4; ++i) stream += "1;abc\r\nx\r\n";
  EXPECT_NE(decode({stream}).error, "");
}

TEST(ChunkedDecoder, any_body_in_any_chunks_comes_back) {
  const bool held = rc::check("decode(encode(body)) is body", [](const std::vector<std::string>& chunks) {
    std::string encoded, body;
    for (const std::string& chunk : chunks) {
      if (chunk.empty()) continue;
      char size[20];
      std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
      encoded += size + chunk + "\r\n";
      body += chunk;
    }
    encoded += "0\r\n\r\n";
    const auto cut = *rc::gen::inRange<std::size_t>(0, encoded.size() + 1);
    const std::string_view view = encoded;
    const Decoded result = decode({view.substr(0, cut), view.substr(cut)});
    RC_ASSERT(result.done);
    RC_ASSERT(result.body == body);
    RC_ASSERT(result.rest.empty());
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace gantry::net
