#pragma once
// HTTP/1.1 server side (RFC 9112): connections, keep-alive, limits, timeouts, backpressure. It knows no API:
// each request becomes an Exchange that the handler answers.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/headers.hpp"
#include "net/http_parser.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"

namespace gantry::net {

struct ServerLimits {
  std::size_t max_head_bytes = 64 * 1024;            ///< more is 431
  std::size_t max_body_bytes = 64ull * 1024 * 1024;  ///< more is 413
  Duration head_time = std::chrono::seconds{30};     ///< from the first byte of a head to its end, else 408
  Duration body_time = std::chrono::seconds{120};    ///< for the whole body, else 408
  Duration idle_time = std::chrono::seconds{75};  ///< keep-alive without a request (load balancers keep 60 s)
  Duration write_stall = std::chrono::seconds{30};  ///< a reader that takes nothing for this long is cut
  std::size_t max_connections = 10'000;             ///< in all, of this server; more get 503 with Retry-After
  std::size_t max_per_address = 0;                  ///< per peer address, 0 = no limit; more get 503
};

/// Bodies of all servers of a process count against one bound (max_inflight_bytes). Thread-safe.
class InflightBytes {
 public:
  explicit InflightBytes(std::size_t limit);
  [[nodiscard]] bool take(std::size_t bytes);
  void give_back(std::size_t bytes);
  [[nodiscard]] std::size_t held() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// One request and its reply. Lives on the connection's loop until the handler returns. Views into the
/// request stay valid that long. Exactly one reply: reply(), or begin() … finish(), or abort(). A handler
/// that returns without any gets a 500 written for it.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const RequestHead& head() const = 0;
  virtual const Endpoint& peer() const = 0;
  virtual Loop& loop() = 0;

  /// The whole body, decoded from chunks, Expect: 100-continue answered. The view is valid until the handler
  /// returns. Errors: too_large (413), timed_out (408), malformed (400), overloaded (503, in-flight bytes),
  /// closed/reset.
  virtual Task<Result<std::string_view>> read_body() = 0;

  /// A whole reply in one write. Content-Length, Date and Connection are added; `headers` and `body` outlive
  /// the await.
  virtual Task<Result<void>> reply(int status, std::span<const Header> headers, std::string_view body) = 0;
  /// The head of a streamed reply: chunked for HTTP/1.1, until close for 1.0. It leaves with the first
  /// write(), or at once with Flush::now.
  enum class Flush { with_first_write, now };
  virtual Task<Result<void>> begin(int status, std::span<const Header> headers, Flush flush) = 0;
  /// Sends one piece; waits while the reader is slow (write_stall bounds that). Errors: closed, reset,
  /// timed_out.
  virtual Task<Result<void>> write(std::string_view piece) = 0;
  virtual Task<Result<void>> finish() = 0;
  /// Within a streamed reply: nobody looks at the request any more, so its memory goes. What head() and
  /// read_body() show is empty from then on.
  virtual void forget_request() {}
  /// Breaks the reply off: the client sees a cut connection, never a clean end. `reset` = RST.
  virtual void abort(Socket::Close how) = 0;

  /// True once the client closed its side or the connection broke while the request was being answered.
  [[nodiscard]] virtual bool hung_up() const = 0;
  /// `action(context)` runs once, on the loop, when the client hangs up; at once if it already has. nullptr
  /// clears it.
  virtual void on_hang_up(void (*action)(void* context), void* context) = 0;
  /// Bytes of reply handed to the kernel so far, head included.
  [[nodiscard]] virtual std::size_t bytes_sent() const = 0;
};

/// What answers requests. One coroutine per request; `Exchange` outlives it.
using Handler = std::function<Task<void>(Exchange&)>;

/// What the server itself refuses (400, 408, 413, 431, 503 …) is worded by its owner, so that every error on
/// the port has the owner's envelope. Returns the JSON body.
using RefusalBody = std::function<std::string(int status, const Failure& why)>;

struct ServerOptions {
  ServerLimits limits;
  std::string server_name;            ///< Server header; empty = none
  std::shared_ptr<TlsContext> tls;    ///< set to serve TLS; shared with the servers of other loops
  InflightBytes* inflight = nullptr;  ///< optional
};

/// Accepts on its loop and runs connections there.
class HttpServer {
 public:
  HttpServer(Loop& loop, ServerOptions options, Handler handler, RefusalBody refusal);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;

  /// Starts accepting. May be called for several acceptors.
  void serve(Acceptor acceptor);
  /// Takes over a connection accepted elsewhere (DESIGN §7: to the shard with the fewest calls).
  void adopt(Socket socket);

  /// A renewed certificate, for connections from now on; for a server that serves TLS already.
  void use_tls(std::shared_ptr<TlsContext> tls);

  /// Drain, in this order (DESIGN, SIGTERM): say `Connection: close` on every reply and close idle
  /// connections …
  void close_after_replies();
  /// … stop accepting …
  void stop_accepting();
  /// … cut what is left.
  void close_all();

  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] std::size_t active_requests() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::net
