#pragma once
// One keep-alive connection to the measured side that makes one call at a time and judges the reply: only
// status 200 with the exact length, or a whole stream, is served.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/message.hpp"
#include "support/system.hpp"

namespace gantry::bench {

/// Takes a stream's body, for those calls that stream.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual void body(std::string_view bytes, std::int64_t now_ns) = 0;
  /// At the reply's end: whether it was whole.
  virtual bool whole() = 0;
};

enum class Progress { pending, answered, wrong_status, wrong_length, broken };

/// What is asked and what a good reply has.
struct Call {
  std::string request;
  std::int64_t reply_bytes = 0;  ///< of the body; not looked at for streams
};

class Caller {
 public:
  /// `tag` comes back with the epoll's events; `call` and `sink` (null for plain replies) outlive the caller.
  Caller(int port, const Fd& epoll, std::uint64_t tag, const Call& call, BodySink* sink);

  /// Sends the request, connecting first when there is no usable connection.
  Progress begin();
  /// Goes on after an event of its descriptor.
  Progress advance(std::uint32_t events, std::vector<char>& buffer);
  /// Drops the connection; the next begin() makes a new one.
  void drop();

  [[nodiscard]] bool busy() const { return busy_; }
  [[nodiscard]] std::int64_t connects() const { return connects_; }
  /// Of the last answer; 0 when it had no head.
  [[nodiscard]] int status() const { return reader_.status(); }
  std::int64_t begun_ns = 0;  ///< from when latency counts; set by the driver

 private:
  Progress push();
  Progress read(std::uint32_t events, std::vector<char>& buffer);
  Progress take(std::string_view bytes);
  Progress verdict();
  Progress give_up(Progress why);

  int port_;
  const Fd& epoll_;
  std::uint64_t tag_;
  const Call& call_;
  BodySink* sink_;
  Fd socket_;
  MessageReader reader_;
  std::size_t sent_ = 0;
  bool busy_ = false;
  std::int64_t connects_ = 0;
};

}  // namespace gantry::bench
