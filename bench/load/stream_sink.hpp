#pragma once
// Reads a token stream as a client does: counts tokens, times them, and knows whether it was whole.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/caller.hpp"

namespace gantry::bench {

/// Samples of all streams, in nanoseconds.
struct StreamTimes {
  std::vector<std::int64_t> first_token;  ///< from the request
  std::vector<std::int64_t> gap;          ///< between tokens as they arrive
  std::vector<std::int64_t> transit;      ///< from the upstream making a token to its arrival
  std::int64_t tokens = 0;
  bool recording = false;
};

class StreamSink final : public BodySink {
 public:
  StreamSink(StreamTimes& times, std::int64_t expected_tokens) : times_(times), expected_(expected_tokens) {}
  void start(std::int64_t now_ns);
  void body(std::string_view bytes, std::int64_t now_ns) override;
  bool whole() override { return done_ && tokens_ == expected_ && partial_.empty(); }
  [[nodiscard]] std::int64_t tokens() const { return tokens_; }

 private:
  void event(std::string_view text, std::int64_t now_ns);

  StreamTimes& times_;
  std::int64_t expected_;
  std::string partial_;  // an event so far
  std::int64_t started_ns_ = 0;
  std::int64_t last_ns_ = 0;
  std::int64_t tokens_ = 0;
  bool done_ = false;
};

}  // namespace gantry::bench
