#pragma once
// HTTP/1.1 client side: a pool of keep-alive connections per origin on one loop, name resolution off the
// loop, addresses raced, TLS with resumption, HTTPS_PROXY honoured.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/canceller.hpp"
#include "net/headers.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"

namespace gantry::net {

/// scheme://host[:port], parsed and checked once.
struct Origin {
  bool https = false;
  std::string host;  ///< lower case, without brackets
  unsigned short port = 0;
  bool operator==(const Origin&) const = default;
  [[nodiscard]] std::string host_header() const;  ///< with the port unless it is the scheme's own
};

/// A base URL such as https://openrouter.ai/api/v1: origin and path prefix (no trailing slash).
struct BaseUrl {
  Origin origin;
  std::string path;
};
/// Errors: bad_input saying what is wrong (scheme, user info, query, port).
Result<BaseUrl> parse_base_url(std::string_view text);

struct ClientOptions {
  std::size_t max_connections = 1024;  ///< per origin
  std::size_t max_idle = 256;          ///< per origin; the most recently used stay (LIFO)
  std::size_t max_connecting = 64;     ///< connects in flight; waiters go in order with their own deadlines
  Duration idle_time = std::chrono::seconds{50};  ///< below the peer's keep-alive
  Duration max_age = std::chrono::minutes{30};    ///< so that DNS changes are followed
  std::size_t max_head_bytes = 64 * 1024;
  /// http://[user:password@]host[:port]: CONNECT for https origins, absolute-form for http ones; empty =
  /// direct.
  std::string proxy;
  std::string no_proxy;  ///< comma list as in NO_PROXY: `*`, hosts with their subdomains, ports; loopback is
                         ///< always direct
};

/// What the pool has done so far, for metrics.
struct ClientStats {
  std::size_t open = 0, idle = 0, waiting = 0, connects = 0, connect_failures = 0, reused = 0,
              replaced_stale = 0;
  std::size_t spare = 0;  ///< storages that are kept for coming requests
};

/// All but the body is copied before send() first waits.
struct ClientRequest {
  std::string_view method;
  std::string_view path;            ///< with query, as it goes on the request line
  std::span<const Header> headers;  ///< without Host, Content-Length, Connection: the client adds those
  std::span<const std::string_view> body;  ///< gathered, never copied; empty = no body
  bool* on_its_way = nullptr;              ///< set once the peer may see bytes of it
};

struct ClientDeadlines {
  MonoTime connect = kNever;  ///< for getting a connection, from pool or network
  MonoTime head = kNever;     ///< for the request to be sent and the response head to arrive
};

/// How far a failed request came: decides whether a retry can double-bill (DESIGN §4, ambiguous).
enum class Reached {
  nothing_sent,   ///< no process of the peer can have seen a byte of it
  request_sent,   ///< some or all of it may have been seen; no usable answer came
  head_received,  ///< an answer came that cannot be used (malformed, too large)
};
struct ClientFailure {
  Failure failure;
  Reached reached = Reached::nothing_sent;
};

/// A response under way. Body bytes are read piece by piece, chunked encoding removed. Destroying it before
/// the end closes the connection (that is how a stream is cancelled upstream); after the end the connection
/// goes to the pool.
class ClientResponse {
 public:
  struct Impl;
  explicit ClientResponse(std::unique_ptr<Impl> impl);
  ClientResponse(ClientResponse&&) noexcept;
  ClientResponse& operator=(ClientResponse&&) noexcept;
  ~ClientResponse();

  [[nodiscard]] int status() const;
  [[nodiscard]] const HeaderView& headers() const;  ///< valid while the response lives
  /// They go; what is read for long need not hold them.
  void forget_headers();
  /// Content-Length when given.
  [[nodiscard]] std::optional<std::size_t> length() const;
  /// The whole body of that length has come already; reading it will not wait.
  [[nodiscard]] bool has_all() const;

  /// The next piece of the body; empty = complete and sound. The view is valid until the next call. It waits
  /// without holding a buffer. Errors: timed_out (call again to go on waiting: nothing was lost), closed (cut
  /// before its declared end), reset, malformed, cancelled.
  Task<Result<std::string_view>> read(MonoTime deadline);
  /// The whole rest, bounded: too_large beyond `limit`.
  Task<Result<std::string>> read_all(std::size_t limit, MonoTime deadline);
  /// Ends a waiting read with `cancelled`, from the same loop.
  void cancel();

 private:
  std::unique_ptr<Impl> impl_;
};

class TlsContext;
class Resolver;

class HttpClient {
 public:
  /// `tls` may be null when only http origins are used; `resolver` and `tls` outlive the client, and the
  /// client outlives its requests and responses.
  HttpClient(Loop& loop, ClientOptions options, Resolver& resolver, TlsContext* tls);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;

  /// Sends and waits for the response head (1xx skipped). A pooled connection that turns out closed before
  /// any response byte, with nothing of the request accepted by the peer, is replaced silently, once.
  /// An answer that comes before the request is whole ends the sending, and the connection is not used again.
  /// `canceller` may be null. Everything in `request` outlives the await.
  Task<std::expected<ClientResponse, ClientFailure>> send(const Origin& origin, const ClientRequest& request,
                                                          ClientDeadlines deadlines, Canceller* canceller);
  /// Opens connections ahead of use, so that the first call does not pay for them.
  Task<void> warm(Origin origin, std::size_t connections);
  [[nodiscard]] ClientStats stats() const;
  /// Frees the storage that is kept for coming requests.
  void free_spare();
  /// Closes idle connections and refuses new work; what is under way goes on.
  void shut_down();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::net
