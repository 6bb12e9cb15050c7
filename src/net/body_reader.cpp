#include <algorithm>
#include <cstring>

#include "net/response_impl.hpp"

namespace gantry::net {

void BodyReader::start(const Framing& framing) {
  framing_ = framing;
  left_ = framing.length;
  decoder_ = {};
}

BodyReader::Step BodyReader::take(std::span<char> bytes) {
  const std::string_view all(bytes.data(), bytes.size());
  switch (framing_.body) {
    case BodyKind::none:
      return {State::last, 0, {}};
    case BodyKind::until_close:
      return {all.empty() ? State::need_more : State::piece, all.size(), all};
    case BodyKind::chunked:
      return take_chunks(bytes);
    case BodyKind::length:
      break;
  }
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, all.size()));
  left_ -= part;
  const State state = left_ == 0 ? State::last : part > 0 ? State::piece : State::need_more;
  return {state, part, all.substr(0, part)};
}

BodyReader::Step BodyReader::take_chunks(std::span<char> bytes) {
  std::size_t at = 0, gathered = 0;
  char* to = nullptr;  // where the piece begins: at its first chunk, which need not be moved
  const auto step = [&](State state) { return Step{state, at, std::string_view(to, gathered)}; };
  for (;;) {
    const auto next = decoder_.next({bytes.data() + at, bytes.size() - at});
    at += next.consumed;
    switch (next.state) {
      case ChunkedDecoder::State::piece:
        if (!to) to = const_cast<char*>(next.piece.data());
        if (to + gathered != next.piece.data())
          std::memmove(to + gathered, next.piece.data(), next.piece.size());
        gathered += next.piece.size();
        break;
      case ChunkedDecoder::State::need_more:
        return step(gathered > 0 ? State::piece : State::need_more);
      case ChunkedDecoder::State::done:
        return step(State::last);
      case ChunkedDecoder::State::failed:
        return step(State::failed);
    }
  }
}

}  // namespace gantry::net
