#pragma once
// HTTP/1.1 heads and chunked bodies (RFC 9112), read in place: every result is a view into the caller's
// bytes. Stricter than the RFC asks wherever two readers of the same bytes could disagree about where a
// message ends: request smuggling lives in that gap. Pure: no socket, no clock.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/headers.hpp"

namespace gantry::net {

struct HeadLimits {
  std::size_t bytes = 64 * 1024;  ///< start line and fields with their line ends; more is 431
  std::size_t fields = 128;       ///< more is 431
};

enum class HeadState { need_more, done, failed };

/// Why a head was refused. `reason` is a fixed text that holds nothing of the peer's bytes.
struct HeadError {
  int status = 400;  ///< what a server answers: 400, 431 or 505
  std::string_view reason;
};

/// How the body ends (RFC 9112 §6.3).
enum class BodyKind { none, length, chunked, until_close };

struct Framing {
  BodyKind body = BodyKind::none;
  std::uint64_t length = 0;  ///< for BodyKind::length
  bool http11 = true;        ///< else HTTP/1.0
  bool keep_alive = true;    ///< as the version and Connection say
};

struct RequestHead {
  std::string_view method;
  std::string_view target;     ///< path and query as sent; of an absolute-form target only these
  std::string_view path;       ///< target up to '?'
  std::string_view query;      ///< after '?', may be empty
  std::string_view authority;  ///< host[:port] of an absolute-form target; empty for a path
  HeaderView headers;
  bool has_body = false;

  /// Whom the request is for: a target's authority, else Host (RFC 9112 §3.2.2). Only HTTP/1.0 may name
  /// nobody.
  [[nodiscard]] std::optional<std::string_view> host() const {
    return authority.empty() ? headers.get("Host") : authority;
  }
};

/// Finds the end of a head in bytes that arrive in pieces, looking at each byte once. Refuses at once what no
/// later byte can mend: a bare LF, a folded line (obs-fold), a first byte that starts no message.
class HeadScanner {
 public:
  HeadState scan(std::string_view bytes, const HeadLimits& limits, HeadError& error);
  [[nodiscard]] std::size_t end() const { return line_; }     ///< after done: just past the empty line
  [[nodiscard]] std::size_t begin() const { return begin_; }  ///< past an empty line before the start line
  void reset() { *this = HeadScanner{}; }

 private:
  std::size_t begin_ = 0;    // where the start line begins
  std::size_t line_ = 0;     // where the current line begins
  std::size_t scanned_ = 0;  // bytes before this hold no line end that was not counted
};

/// One request head at a time. Keep one per connection: its storage is reused.
class RequestParser {
 public:
  explicit RequestParser(HeadLimits limits = {}) : limits_(limits) {}

  /// `bytes` holds what has come of this message so far, from its first byte; call again with more of it (it
  /// may have moved). After done, views point into `bytes` and head_bytes() of them were the head.
  HeadState parse(std::string_view bytes);
  void reset();  ///< before the next message; what head() showed is gone

  [[nodiscard]] const RequestHead& head() const { return head_; }
  [[nodiscard]] const Framing& framing() const { return framing_; }
  [[nodiscard]] std::size_t head_bytes() const { return scanner_.end(); }
  /// The value of Expect, when the client sent one.
  [[nodiscard]] std::optional<std::string_view> expect() const { return expect_; }
  [[nodiscard]] const HeadError& error() const { return error_; }

 private:
  HeadState refuse(int status, std::string_view reason);
  bool split_target();

  HeadLimits limits_;
  HeadScanner scanner_;
  RequestHead head_;
  Framing framing_;
  std::optional<std::string_view> expect_;
  HeadError error_;
};

/// One response head at a time; used like RequestParser.
class ResponseParser {
 public:
  enum class To { head_request, other_request };
  explicit ResponseParser(HeadLimits limits = {}) : limits_(limits) {}

  /// `to`: the answer to HEAD has no body whatever its head says.
  HeadState parse(std::string_view bytes, To to);
  void reset();

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const HeaderView& headers() const { return headers_; }
  [[nodiscard]] const Framing& framing() const { return framing_; }
  [[nodiscard]] std::size_t head_bytes() const { return scanner_.end(); }
  [[nodiscard]] const HeadError& error() const { return error_; }

 private:
  HeadLimits limits_;
  HeadScanner scanner_;
  int status_ = 0;
  HeaderView headers_;
  Framing framing_;
  HeadError error_;
};

/// Removes the chunked coding (RFC 9112 §7.1). It consumes all it is given, so that nothing has to be kept
/// between reads. Trailers are checked and dropped.
class ChunkedDecoder {
 public:
  static constexpr std::size_t kMaxExtensionBytes = 1024;  ///< of all chunk extensions of a body together
  static constexpr std::size_t kMaxTrailerBytes = 8 * 1024;

  enum class State {
    need_more,  ///< all bytes were consumed
    piece,      ///< `piece` is a part of the body; go on behind `consumed`
    done,       ///< the body ended within `consumed` bytes; what follows is the next message
    failed,     ///< malformed; error() says how. The connection cannot be used any more
  };
  struct Step {
    State state = State::need_more;
    std::size_t consumed = 0;
    std::string_view piece{};
  };
  Step next(std::string_view bytes);
  [[nodiscard]] std::string_view error() const { return error_; }

 private:
  enum class At {
    size_start,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done,
    failed
  };
  bool take(char c);
  bool take_size(char c);
  bool take_trailer(char c);
  bool fail(std::string_view reason);

  At at_ = At::size_start;
  std::uint64_t left_ = 0;  // of the current chunk
  std::uint32_t digits_ = 0, extension_bytes_ = 0, trailer_bytes_ = 0;
  std::string_view error_;
};

}  // namespace gantry::net
