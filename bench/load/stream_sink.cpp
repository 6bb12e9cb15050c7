#include "load/stream_sink.hpp"

#include <cstdlib>

namespace gantry::bench {

void StreamSink::start(std::int64_t now_ns) {
  partial_.clear();
  started_ns_ = last_ns_ = now_ns;
  tokens_ = 0;
  done_ = false;
}

void StreamSink::body(std::string_view bytes, std::int64_t now_ns) {
  partial_ += bytes;
  std::size_t begin = 0;
  for (auto end = partial_.find("\n\n"); end != std::string::npos; end = partial_.find("\n\n", begin)) {
    event(std::string_view(partial_).substr(begin, end - begin), now_ns);
    begin = end + 2;
  }
  partial_.erase(0, begin);
}

void StreamSink::event(std::string_view text, std::int64_t now_ns) {
  if (!text.starts_with("data: ")) return;  // a comment that keeps the connection alive
  if (text == "data: [DONE]") done_ = true;
  const auto stamp = text.find("\" at=");
  if (stamp == std::string_view::npos) return;
  const std::string digits(text.substr(stamp + 5, 20));
  const std::int64_t made = std::strtoll(digits.c_str(), nullptr, 10);
  if (times_.recording) {
    ++times_.tokens;
    times_.transit.push_back(now_ns - made);
    (tokens_ == 0 ? times_.first_token : times_.gap).push_back(now_ns - last_ns_);
  }
  last_ns_ = now_ns;
  ++tokens_;
}

}  // namespace gantry::bench
