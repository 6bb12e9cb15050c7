#pragma once
// Reads an answer as far as its end tells whether it is whole, an error, or a part that is sold as the whole.

#include <cstdint>
#include <string>
#include <string_view>

#include "load/caller.hpp"

namespace gantry::bench {

class AnswerSink final : public BodySink {
 public:
  void start(bool stream);
  void body(std::string_view bytes, std::int64_t now_ns) override;
  bool whole() override;
  /// Said so itself, in the stream.
  [[nodiscard]] bool tells_an_error() const { return error_; }

 private:
  bool stream_ = false;
  bool error_ = false;
  std::string end_;  // the last bytes; markers may be cut by a packet
};

}  // namespace gantry::bench
