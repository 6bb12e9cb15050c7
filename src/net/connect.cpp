// How sockets come to be: connecting, accepting, handshakes.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/address.hpp"
#include "net/socket_impl.hpp"
#include "net/tls_impl.hpp"

namespace gantry::net {
namespace {

constexpr int kOn = 1;

void set_no_delay(int fd, const Endpoint& peer) {
  if (!peer.unix_path) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
}

std::string errno_text(int code) {
  return std::strerror(code);
}  // NOLINT(concurrency-mt-unsafe): glibc's is safe

// Waits for the next event of a socket: for the end of a connect, or for a handshake to go on.
struct OutAwaiter {
  Socket::Impl& impl;
  Socket::Impl::Waits what;
  MonoTime deadline;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { impl.start_waiting_out(handle, what, deadline); }
  IoResult await_resume() const { return impl.out.result; }
};

Task<Result<void>> shake_hands(Socket::Impl& impl, MonoTime deadline) {
  for (;;) {
    if (!impl.is_open()) co_return fail(Fault::cancelled, "during the TLS handshake");
    const HandshakeState state = tls_handshake(impl.ssl);
    if (state.step == HandshakeStep::done) co_return Result<void>{};
    if (state.step == HandshakeStep::failed) co_return fail(Fault::tls_failed, state.reason);
    auto wait = OutAwaiter{impl, Socket::Impl::Waits::event, deadline};
    const IoResult waited = co_await wait;
    if (!waited.ok) co_return fail(waited.fault, "during the TLS handshake");
  }
}

}  // namespace

Task<Result<Socket>> Socket::connect(Loop& loop, Endpoint to, MonoTime deadline, Canceller* canceller) {
  if (canceller && canceller->cancelled()) co_return fail(Fault::cancelled, "connect to " + to.text());
  const auto target = to_address(to);
  if (!target) co_return std::unexpected(target.error());
  const int fd = ::socket(target->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(fault_of_errno(errno), "socket: " + errno_text(errno));
  set_no_delay(fd, to);
  const int started = ::connect(fd, target->get(), target->size);
  const int reason = started == 0 ? 0 : errno;
  auto socket = Socket(std::make_unique<Impl>(loop, fd, to));
  if (reason != 0 && reason != EINPROGRESS) co_return fail(fault_of_errno(reason), "connect to " + to.text());
  // The epoll set tells anew what it was given before: the first event is the end of the connect.
  const auto give_up = [](void* self) { static_cast<Impl*>(self)->stop_all(); };
  const Armed armed(canceller, give_up, socket.impl_.get());
  auto attempt = OutAwaiter{*socket.impl_, Impl::Waits::connect, deadline};
  socket.impl_->writable = false;
  const IoResult connected = co_await attempt;
  if (!connected.ok) co_return fail(connected.fault, "connect to " + to.text());
  co_return socket;
}

Task<Result<void>> Socket::handshake_client(TlsContext& context, std::string host, MonoTime deadline) {
  impl_->ssl = new_client_ssl(context, *impl_, host);
  if (!impl_->ssl) co_return fail(Fault::tls_failed, "no TLS connection could be made for " + host);
  co_return co_await shake_hands(*impl_, deadline);
}

Task<Result<void>> Socket::handshake_server(TlsContext& context, MonoTime deadline) {
  impl_->ssl = new_server_ssl(context, *impl_);
  if (!impl_->ssl) co_return fail(Fault::tls_failed, "no TLS connection could be made");
  co_return co_await shake_hands(*impl_, deadline);
}

// ---- accepting

struct Acceptor::Impl final : Watched {
  Impl(Loop& owner, int descriptor, Endpoint where) : Watched(owner, descriptor), at(std::move(where)) {}

  void on_event() override {
    if (readable && waiter) std::exchange(waiter, {}).resume();
  }
  void on_wake() override {
    if (waiter) std::exchange(waiter, {}).resume();
  }

  Endpoint at;
  std::coroutine_handle<> waiter{};
};

namespace {

struct AcceptAwaiter {
  Acceptor::Impl& impl;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { impl.waiter = handle; }
  void await_resume() const {}
};

}  // namespace

Acceptor::Acceptor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Acceptor::Acceptor(Acceptor&&) noexcept = default;
Acceptor::~Acceptor() {
  if (impl_) impl_.release()->retire();
}

Result<Acceptor> Acceptor::listen(Loop& loop, const Endpoint& at, Share share, int backlog) {
  const auto address = to_address(at);
  if (!address) return std::unexpected(address.error());
  const int fd = ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Fault::system, at.text() + ": " + errno_text(errno));
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
  if (share == Share::reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &kOn, sizeof kOn);
  if (::bind(fd, address->get(), address->size) != 0 || ::listen(fd, backlog) != 0) {
    const int reason = errno;
    ::close(fd);
    return fail(Fault::system, at.text() + ": " + errno_text(reason));
  }
  return Acceptor(std::make_unique<Impl>(loop, fd, at));
}

Task<Result<Socket>> Acceptor::accept() {
  for (;;) {
    if (impl_->fd < 0) co_return fail(Fault::cancelled, "the listener is closed");
    SocketAddress from;
    const int fd = ::accept4(impl_->fd, from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      auto peer = to_endpoint(from);
      if (peer.unix_path) peer.address = impl_->at.address;
      set_no_delay(fd, peer);
      co_return Socket(std::make_unique<Socket::Impl>(impl_->loop, fd, std::move(peer)));
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      co_return fail(fault_of_errno(errno), "accept: " + errno_text(errno));
    impl_->readable = false;
    auto next = AcceptAwaiter{*impl_};
    co_await next;
  }
}

void Acceptor::close() {
  if (impl_->fd < 0) return;
  impl_->close_descriptor();
  impl_->wake_soon();
}

Endpoint Acceptor::local() const {
  if (impl_->at.unix_path || impl_->fd < 0) return impl_->at;
  SocketAddress address;
  return ::getsockname(impl_->fd, address.get(), &address.size) == 0 ? to_endpoint(address) : impl_->at;
}

}  // namespace gantry::net
