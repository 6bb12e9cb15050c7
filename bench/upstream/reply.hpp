#pragma once
// What the upstream answers: chat replies of an exact size and stream frames, in OpenRouter's shapes
// (CONTRACT §4, §5).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace gantry::bench {

/// What a request asks of the upstream, in words that its `user` field carries through any proxy:
/// "bench reply=1453 tokens=100 rate=50 " (rate in tokens a second). It has to stand in the body's first KiB.
struct Order {
  bool stream = false;
  std::size_t reply_bytes = 1453;
  std::int64_t tokens = 100;
  std::int64_t interval_ns = 20'000'000;
};
Order read_order(std::string_view start_of_body);

/// Whole responses, made once for each size.
class ReplyBook {
 public:
  const std::string& chat(std::size_t body_bytes);
  const std::string& other();

 private:
  std::map<std::size_t, std::string> chats_;
};

/// The head of a stream.
std::string_view stream_head();
/// One token as a chunk of the transfer coding. Its content holds the monotonic time at which it was made, so
/// that the reader knows how long it took.
std::string token_chunk(std::int64_t made_at_ns);
/// The finish reason with the usage, [DONE], and the last chunk.
std::string stream_end(std::int64_t tokens);

}  // namespace gantry::bench
