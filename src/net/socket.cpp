#include "net/socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "net/block.hpp"
#include "net/socket_impl.hpp"
#include "net/tls_impl.hpp"

namespace gantry::net {

std::string Endpoint::text() const {
  if (unix_path) return "unix:" + address;
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Fault fault_of_errno(int code) {
  switch (code) {
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
    case ENOTCONN:
      return Fault::reset;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case ENOENT:
    case EHOSTDOWN:
      return Fault::refused;
    case ETIMEDOUT:
      return Fault::timed_out;
    case ECANCELED:
    case EBADF:
      return Fault::cancelled;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Fault::overloaded;
    default:
      return Fault::system;
  }
}

Socket::Impl::~Impl() {
  if (ssl) free_ssl(ssl);
}

void Socket::Impl::release() {
  watch_action = nullptr;
  TimerWheel::remove(in.timer);
  TimerWheel::remove(out.timer);
  in.pending = out.pending = false;
  in.waiter = out.waiter = {};
  retire();
}

void Socket::Impl::on_event() {
  if (in.pending && readable) go_on_reading();
  if (!retired && out.pending) go_on_out();
}

// Asked for by stop_all(), by a watch that found something at once, and by a read that has had its turn.
void Socket::Impl::on_wake() {
  if (in.pending && in.stop == Stop::cancelled) finish_read({0, false, Fault::cancelled});
  if (!retired && out.pending && out.stop == Stop::cancelled) finish_out({written, false, Fault::cancelled});
  if (!retired && in.pending && (readable || ssl)) go_on_reading();
}

void Socket::Impl::stop_all() {
  if (in.pending) in.stop = Stop::cancelled;
  if (out.pending) out.stop = Stop::cancelled;
  if (in.pending || out.pending) wake_soon();
}

void Socket::Impl::set_deadline(Direction& direction, MonoTime deadline, Timer::Action expire) {
  if (deadline == kNever) {
    loop.timers().clear(direction.timer);
  } else {
    loop.set_timer(direction.timer, deadline, expire, this);
  }
}

// ---- reading

IoResult Socket::Impl::read_now(std::span<char> into) {
  if (ssl) return tls_read(ssl, into);
  if (!readable) return {};
  for (;;) {
    const ssize_t n = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
    if (n > 0) {
      // A short read has emptied the socket; what comes after it is announced anew. But a peer that has
      // closed is announced once only, perhaps together with these bytes.
      if (static_cast<std::size_t>(n) < into.size()) readable = hung;
      return {static_cast<std::size_t>(n), true, {}};
    }
    if (n == 0) return {0, false, Fault::closed};
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return {0, false, fault_of_errno(errno)};
    readable = false;
    return {};
  }
}

Socket::Impl::TryRead Socket::Impl::try_read(std::span<char> into) {
  if (!is_open()) return {true, {0, false, Fault::cancelled}};
  if (into.empty()) {
    if (!ssl) return {readable, {}};
    char byte;
    const IoResult peek = tls_peek(ssl, {&byte, 1});  // a readable socket may hold no application data
    return {!peek.ok || peek.bytes > 0, {}};
  }
  const IoResult got = read_now(into);
  return {!got.ok || got.bytes > 0, got};
}

void Socket::Impl::start_read(std::coroutine_handle<> waiter, std::span<char> into, MonoTime deadline) {
  in.waiter = waiter;
  in.stop = Stop::none;
  in.pending = true;
  read_into = into;
  set_deadline(in, deadline,
               [](void* self) { static_cast<Impl*>(self)->finish_read({0, false, Fault::timed_out}); });
}

void Socket::Impl::go_on_reading() {
  const TryRead tried = try_read(read_into);
  if (tried.ended) finish_read(tried.result);
}

void Socket::Impl::finish_read(IoResult result) {
  if (!std::exchange(in.pending, false)) return;
  loop.timers().clear(in.timer);
  in.result = result;
  reads_in_a_row = 0;
  if (watch_action) {
    std::exchange(watch_action, nullptr)(watch_context, result);
  } else if (in.waiter) {
    std::exchange(in.waiter, {}).resume();
  }
}

// ---- writing

void Socket::Impl::advance_parts(std::size_t bytes) {
  written += bytes;
  while (bytes > 0) {
    const std::size_t left = parts[part].size() - offset;
    if (bytes < left) {
      offset += bytes;
      return;
    }
    bytes -= left;
    ++part;
    offset = 0;
  }
}

bool Socket::Impl::write_plain() {
  constexpr std::size_t kPieces = 16;
  for (;;) {
    std::array<iovec, kPieces> pieces{};
    std::size_t count = 0;
    for (std::size_t i = part; i < parts.size() && count < kPieces; ++i) {
      const auto rest = parts[i].substr(i == part ? offset : 0);
      if (!rest.empty()) pieces[count++] = {const_cast<char*>(rest.data()), rest.size()};
    }
    if (count == 0) {
      out.result = {written, true, {}};
      return true;
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const ssize_t n = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      advance_parts(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      writable = false;
      return false;
    }
    out.result = {written, false, fault_of_errno(errno)};
    return true;
  }
}

// Small parts go out as one TLS record: head and body of a request cost one system call, as without TLS.
bool Socket::Impl::write_tls() {
  Block record(Block::kUsual);
  for (;;) {
    std::size_t filled = 0;
    for (std::size_t i = part; i < parts.size() && filled < record.size(); ++i) {
      const auto rest = parts[i].substr(i == part ? offset : 0, record.size() - filled);
      rest.copy(record.data() + filled, rest.size());
      filled += rest.size();
    }
    if (filled == 0) {
      out.result = {written, true, {}};
      return true;
    }
    const IoResult sent = tls_write(ssl, {record.data(), filled});
    if (!sent.ok) {
      out.result = {written, false, sent.fault};
      return true;
    }
    if (sent.bytes == 0) return false;
    advance_parts(sent.bytes);
  }
}

bool Socket::Impl::write_now() {
  if (!is_open()) {
    out.result = {written, false, Fault::cancelled};
    return true;
  }
  while (part < parts.size() && parts[part].empty()) ++part;
  return ssl ? write_tls() : write_plain();
}

// The flag alone may be stale, and a TLS record need not hold anything for us: looked at without taking it.
bool Socket::Impl::hears() {
  if (!readable && !ssl) return false;
  char byte;
  IoResult heard;
  if (ssl) {
    heard = tls_peek(ssl, {&byte, 1});
  } else {
    const ssize_t n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    const bool nothing = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (nothing) readable = false;
    heard = {n > 0 ? 1u : 0u, n > 0 || nothing, n == 0 ? Fault::closed : fault_of_errno(errno)};
  }
  if (heard.ok && heard.bytes == 0) return false;
  out.result = {written, heard.ok, heard.fault};
  return true;
}

void Socket::Impl::start_waiting_out(std::coroutine_handle<> waiter, Waits what, MonoTime deadline) {
  out.waiter = waiter;
  out.stop = Stop::none;
  out.pending = true;
  out_waits = what;
  set_deadline(out, deadline, [](void* self) {
    auto* const impl = static_cast<Impl*>(self);
    impl->finish_out({impl->written, false, Fault::timed_out});
  });
}

void Socket::Impl::go_on_out() {
  if (out_waits == Waits::event) return finish_out({});
  if (out_waits == Waits::write_until_heard && hears()) return finish_out(out.result);
  if (!writable) return;
  if (out_waits != Waits::connect) {
    if (write_now()) finish_out(out.result);
    return;
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  finish_out(error == 0 ? IoResult{} : IoResult{0, false, fault_of_errno(error)});
}

void Socket::Impl::finish_out(IoResult result) {
  if (!std::exchange(out.pending, false)) return;
  loop.timers().clear(out.timer);
  out.result = result;
  if (out.waiter) std::exchange(out.waiter, {}).resume();
}

// ---- the public face

Socket::Socket() = default;
Socket::Socket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (impl_) impl_.release()->release();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Socket::~Socket() {
  if (impl_) impl_.release()->release();
}

Socket::ReadAwaiter Socket::read_some(std::span<char> into, MonoTime deadline) {
  return {impl_.get(), into, deadline};
}

bool Socket::ReadAwaiter::await_ready() {
  constexpr int kInARow = 32;
  if (impl->is_open() && ++impl->reads_in_a_row > kInARow) {
    impl->wake_soon();  // others first
    return false;
  }
  const auto tried = impl->try_read(into);
  now = tried.result;
  return tried.ended;
}

void Socket::ReadAwaiter::await_suspend(std::coroutine_handle<> handle) {
  waited = true;
  impl->start_read(handle, into, deadline);
}

IoResult Socket::ReadAwaiter::await_resume() { return waited ? impl->in.result : now; }

IoResult Socket::try_read(std::span<char> into) {
  return impl_->is_open() ? impl_->read_now(into) : IoResult{0, false, Fault::cancelled};
}

Socket::WriteAwaiter Socket::write_all(std::span<const std::string_view> parts, MonoTime deadline) {
  impl_->out_waits = Impl::Waits::write;
  return {impl_.get(), parts, deadline};
}

Socket::WriteAwaiter Socket::write_until_heard(std::span<const std::string_view> parts, MonoTime deadline) {
  impl_->out_waits = Impl::Waits::write_until_heard;
  return {impl_.get(), parts, deadline};
}

bool Socket::WriteAwaiter::await_ready() {
  impl->parts = parts;
  impl->part = impl->offset = impl->written = 0;
  impl->out.stop = Stop::none;
  if (impl->write_now()) return true;
  return impl->out_waits == Impl::Waits::write_until_heard && impl->hears();
}

void Socket::WriteAwaiter::await_suspend(std::coroutine_handle<> handle) {
  impl->start_waiting_out(handle, impl->out_waits, deadline);
}

IoResult Socket::WriteAwaiter::await_resume() { return impl->out.result; }

void Socket::watch(std::span<char> into, WatchAction on_event, void* context) {
  impl_->watch_action = on_event;
  impl_->watch_context = context;
  impl_->start_read({}, into, kNever);
  // Something may be there already; not from within the caller, who has not finished setting itself up.
  if (impl_->ssl || impl_->readable) impl_->wake_soon();
}

bool Socket::watching() const { return impl_ && impl_->watch_action != nullptr; }

void Socket::watch_into(std::span<char> into) { impl_->read_into = into; }

void Socket::cancel() {
  if (impl_) impl_->stop_all();
}

void Socket::shutdown_send() {
  if (!is_open()) return;
  if (impl_->ssl) tls_close_notify(impl_->ssl);
  ::shutdown(impl_->fd, SHUT_WR);
}

void Socket::close(Close how) {
  if (!is_open()) return;
  impl_->stop_all();
  if (how == Close::reset) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(impl_->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  } else if (impl_->ssl) {
    tls_close_notify(impl_->ssl);
  }
  impl_->close_descriptor();
}

bool Socket::is_open() const { return impl_ && impl_->is_open(); }

bool Socket::still_idle() {
  if (!is_open() || impl_->hung) return false;
  if (!impl_->readable) return true;  // the kernel has announced nothing
  char byte;
  const ssize_t n = ::recv(impl_->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return false;
  impl_->readable = false;
  return true;
}

const Endpoint& Socket::peer() const { return impl_->peer; }
bool Socket::encrypted() const { return impl_->ssl != nullptr; }
int Socket::native_handle() const { return impl_->fd; }

}  // namespace gantry::net
