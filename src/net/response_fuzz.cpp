// Property: a response reads to the same body and the same end however its bytes arrive, and the body reader
// never shows more than it was given.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/response_impl.hpp"

namespace {

using namespace gantry::net;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  enum class End { head_failed, more_head, more_body, complete, body_failed } end = End::more_head;
  int status = 0;
  std::string body;
  std::size_t rest = 0;  // bytes behind the response, once it is complete
  bool operator==(const Outcome&) const = default;
};

void read_body(BodyReader& reader, std::string_view bytes, Outcome& outcome) {
  std::vector<char> copy(bytes.begin(), bytes.end());  // decoded in place, and its bounds are checked
  std::size_t at = 0;
  outcome.end = Outcome::End::more_body;
  for (;;) {
    const auto step = reader.take({copy.data() + at, copy.size() - at});
    require(step.consumed <= copy.size() - at && step.piece.size() <= copy.size());
    at += step.consumed;
    outcome.body += step.piece;
    outcome.rest = copy.size() - at;
    if (step.state == BodyReader::State::piece && at < copy.size()) continue;
    if (step.state == BodyReader::State::last) outcome.end = Outcome::End::complete;
    if (step.state == BodyReader::State::failed) outcome.end = Outcome::End::body_failed;
    return;
  }
}

// The first `cut` bytes come first, then the others.
Outcome read(std::string_view bytes, std::size_t cut) {
  Outcome outcome;
  ResponseParser parser;
  std::size_t begin = 0, came = cut;
  for (;;) {
    const auto state = parser.parse(bytes.substr(begin, came - begin), ResponseParser::To::other_request);
    if (state == HeadState::failed) {
      outcome.end = Outcome::End::head_failed;
      return outcome;
    }
    if (state == HeadState::need_more) {
      if (came == bytes.size()) return outcome;
      came = bytes.size();
      continue;
    }
    begin += parser.head_bytes();
    if (parser.status() >= 200) break;
    parser.reset();
  }
  outcome.status = parser.status();
  BodyReader reader;
  reader.start(parser.framing());
  read_body(reader, bytes.substr(begin, came - begin), outcome);
  if (outcome.end == Outcome::End::more_body) {
    read_body(reader, bytes.substr(came), outcome);
  } else {
    outcome.rest += bytes.size() - came;
  }
  if (outcome.end != Outcome::End::complete) outcome.rest = 0;
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = bytes.empty() ? 0 : data[0] * bytes.size() / 255;
  const Outcome whole = read(bytes, bytes.size());
  require(whole.body.size() <= bytes.size());
  require(read(bytes, cut) == whole);
  return 0;
}
