// How a stream is cut never changes its events, and no byte is lost or added. The first byte of the input
// seeds the cuts; the rest is the stream.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/sse.hpp"

namespace {

using gantry::wire::SseParser;

constexpr SseParser::Limits kLimits{.max_event = 4096};

struct Parsed {
  std::vector<std::string> events;
  std::string raw;
  std::string unfinished;
  bool mid_event = false;
  bool failed = false;
  bool operator==(const Parsed&) const = default;
};

void drain(SseParser& parser, Parsed& out) {
  while (const auto event = parser.next()) {
    std::string shown = std::to_string(static_cast<int>(event->kind));
    shown.append("|").append(event->name).append("|").append(event->data).append("|").append(event->raw);
    out.events.push_back(std::move(shown));
    out.raw += event->raw;
  }
}

// Each piece is its own allocation, gone before the next one comes.
Parsed parse(std::string_view stream, std::uint32_t seed) {
  SseParser parser(kLimits);
  Parsed out;
  while (!stream.empty()) {
    seed = seed * 1664525 + 1013904223;
    const std::size_t size = 1 + (seed >> 24) % 9;
    const std::string_view piece = stream.substr(0, size);
    const std::vector<char> memory(piece.begin(), piece.end());
    parser.feed({memory.data(), memory.size()});
    drain(parser, out);
    stream.remove_prefix(piece.size());
  }
  out.unfinished = parser.unfinished();
  out.mid_event = parser.mid_event();
  out.failed = parser.failure().has_value();
  return out;
}

Parsed parse_whole(std::string_view stream) {
  SseParser parser(kLimits);
  Parsed out;
  parser.feed(stream);
  drain(parser, out);
  out.unfinished = parser.unfinished();
  out.mid_event = parser.mid_event();
  out.failed = parser.failure().has_value();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Parsed whole = parse_whole(stream);
  if (parse(stream, data[0]) != whole) std::abort();
  if (!whole.failed && whole.raw + whole.unfinished != stream) std::abort();
  if (!stream.starts_with(whole.raw)) std::abort();
  return 0;
}
