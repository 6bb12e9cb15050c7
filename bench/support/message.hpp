#pragma once
// Reads one HTTP/1.1 message, request or response, as its bytes arrive. Strict enough to notice a proxy that
// lies about lengths, and no more: what is read here comes from the bench's own tools through the measured
// proxy.

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::bench {

class MessageReader {
 public:
  /// Takes bytes off the front of `input` and returns the body bytes among them, which may be none. Call it
  /// until `input` is empty, or complete() or failed(); then `input` holds what belongs to the next message.
  std::string_view take(std::string_view& input);

  [[nodiscard]] bool complete() const { return state_ == State::done; }
  [[nodiscard]] bool failed() const { return state_ == State::broken; }
  /// Some of the message has been read, and not all.
  [[nodiscard]] bool midway() const {
    return state_ != State::done && (state_ != State::head || !head_.empty());
  }
  /// Start line and fields in lower case, once they are complete.
  [[nodiscard]] std::string_view head() const { return head_; }
  /// The status of a response, 0 before its head is complete.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] std::int64_t body_bytes() const { return body_bytes_; }
  [[nodiscard]] bool says_close() const;
  /// Ready for the next message.
  void reset();

 private:
  enum class State { head, sized, chunk_size, chunk_data, chunk_end, trailer, done, broken };
  void take_head(std::string_view& input);
  void read_head();
  std::string_view take_body(std::string_view& input);
  void take_line(std::string_view& input);
  void end_line();

  State state_ = State::head;
  std::string head_;
  std::string line_;       // a chunk's size or a trailer field so far
  std::int64_t left_ = 0;  // of the body, or of the chunk
  std::int64_t body_bytes_ = 0;
  int status_ = 0;
};

}  // namespace gantry::bench
