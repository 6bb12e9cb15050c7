#pragma once
// A byte stream on one loop: TCP or Unix, plain or TLS. One read and one write may be under way at a time.
// Every wait has a deadline in the loop's timer wheel and can be cancelled; both are ordinary results.

#include <coroutine>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/canceller.hpp"
#include "net/loop.hpp"

namespace gantry::net {

class TlsContext;

/// How a read or write ended: bytes moved, or the fault (closed = end of stream).
struct IoResult {
  std::size_t bytes = 0;
  bool ok = true;
  Fault fault = Fault::closed;  ///< meaningful when !ok
};

/// Where a connection leads or came from. `address` is numeric ("127.0.0.1", "::1") or a Unix path.
struct Endpoint {
  std::string address;
  unsigned short port = 0;
  bool unix_path = false;
  bool operator==(const Endpoint&) const = default;
  [[nodiscard]] std::string text() const;
};

class Socket {
 public:
  struct Impl;
  explicit Socket(std::unique_ptr<Impl> impl);
  Socket();
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  /// Closes. The coroutine that reads or writes must have been resumed before (cancel() first).
  ~Socket();

  /// Connects to one address. `canceller` may be null. Errors: refused, timed_out, cancelled, system.
  static Task<Result<Socket>> connect(Loop& loop, Endpoint to, MonoTime deadline,
                                      Canceller* canceller = nullptr);
  /// Client handshake with SNI and verification of `host`. Errors: tls_failed, timed_out, closed, reset.
  Task<Result<void>> handshake_client(TlsContext& context, std::string host, MonoTime deadline);
  Task<Result<void>> handshake_server(TlsContext& context, MonoTime deadline);

  struct ReadAwaiter {
    Impl* impl;
    std::span<char> into;
    MonoTime deadline;
    IoResult now{};
    bool waited = false;
    bool await_ready();
    void await_suspend(std::coroutine_handle<> handle);
    IoResult await_resume();
  };
  struct WriteAwaiter {
    Impl* impl;
    std::span<const std::string_view> parts;
    MonoTime deadline;
    bool await_ready();
    void await_suspend(std::coroutine_handle<> handle);
    IoResult await_resume();
  };
  /// Reads at least one byte. With an empty span it only waits until something can be read (or the end came):
  /// a quiet stream holds no buffer that way (DESIGN §7).
  [[nodiscard]] ReadAwaiter read_some(std::span<char> into, MonoTime deadline);
  /// Non-blocking read for use after readable: bytes 0 and ok means nothing there now.
  [[nodiscard]] IoResult try_read(std::span<char> into);
  /// Writes all parts, gathered. `parts` and what they show outlive the await.
  [[nodiscard]] WriteAwaiter write_all(std::span<const std::string_view> parts, MonoTime deadline);
  /// The same while the peer is silent: when the kernel takes no more and the peer has said something, it
  /// ends ok and short. A peer that has closed ends it with `closed` or `reset`.
  [[nodiscard]] WriteAwaiter write_until_heard(std::span<const std::string_view> parts, MonoTime deadline);

  /// Watches for bytes or the end while nobody reads; `on_event` runs at most once, on the loop, with what
  /// came. start/stop are free of syscalls. stop_watch() returns true if the event already ran.
  using WatchAction = void (*)(void* context, IoResult result);
  void watch(std::span<char> into, WatchAction on_event, void* context);
  [[nodiscard]] bool watching() const;
  /// The watch that is on reads into this from now on.
  void watch_into(std::span<char> into);

  /// Ends waiting reads and writes with `cancelled`; the socket stays usable.
  void cancel();
  /// Sends FIN (and TLS close_notify) after what was written; reads still work.
  void shutdown_send();
  /// Closes now; with `reset` the peer sees RST instead of FIN. Waiting reads and writes end with
  /// `cancelled`.
  enum class Close { orderly, reset };
  void close(Close how = Close::orderly);
  [[nodiscard]] bool is_open() const;
  /// True while the peer has neither closed nor sent anything: the check before a pooled connection is used
  /// again.
  [[nodiscard]] bool still_idle();

  [[nodiscard]] const Endpoint& peer() const;
  [[nodiscard]] bool encrypted() const;
  [[nodiscard]] int native_handle() const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// A listening socket.
class Acceptor {
 public:
  struct Impl;
  explicit Acceptor(std::unique_ptr<Impl> impl);
  Acceptor(Acceptor&&) noexcept;
  ~Acceptor();

  enum class Share { no, reuse_port };
  /// Errors: system with the address and the reason ("127.0.0.1:8700: address already in use").
  static Result<Acceptor> listen(Loop& loop, const Endpoint& at, Share share, int backlog = 1024);
  /// The next connection. Errors: cancelled after close(); overloaded when descriptors ran out (wait and try
  /// again).
  Task<Result<Socket>> accept();
  void close();
  [[nodiscard]] Endpoint local() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::net
