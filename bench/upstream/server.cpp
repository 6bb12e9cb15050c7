#include "upstream/server.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

namespace gantry::bench {

namespace {

constexpr std::uint64_t kPlain = 0;
constexpr std::uint64_t kSecure = 1;
constexpr std::size_t kStartOfBody = 1024;

}  // namespace

UpstreamServer::UpstreamServer(Fd plain, Fd secure, const ServerTls* tls)
    : plain_(std::move(plain)), secure_(std::move(secure)), tls_(tls) {
  watch(epoll_, plain_.get(), kPlain);
  if (secure_.open()) watch(epoll_, secure_.get(), kSecure);
}

void UpstreamServer::run() {
  std::array<epoll_event, 512> events;
  for (;;) {
    const std::int64_t wait = until_next();
    const timespec timeout{wait / 1'000'000'000, wait % 1'000'000'000};
    const int count = epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   wait < 0 ? nullptr : &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kPlain)
        accept_from(plain_, nullptr);
      else if (event.data.u64 == kSecure)
        accept_from(secure_, tls_);
      else
        serve(event.data.u64, event.events);
    }
    send_due();
  }
}

std::int64_t UpstreamServer::until_next() const {
  return due_.empty() ? -1 : std::max<std::int64_t>(0, due_.top().at_ns - now_ns());
}

void UpstreamServer::accept_from(const Fd& listener, const ServerTls* tls) {
  for (;;) {
    Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.open()) return;
    const int fd = socket.get();
    const std::uint64_t serial = next_serial_++;
    connections_.emplace(serial, std::make_unique<Connection>(std::move(socket), tls));
    watch(epoll_, fd, serial);
  }
}

void UpstreamServer::serve(std::uint64_t serial, std::uint32_t events) {
  const auto found = connections_.find(serial);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  bool alive = (events & EPOLLOUT) == 0 || connection.link.flush() != Link::State::closed;
  if (alive && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    const bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    alive = read(serial, connection, ended);
  }
  if (!alive) connections_.erase(serial);
}

bool UpstreamServer::read(std::uint64_t serial, Connection& connection, bool peer_ended) {
  for (;;) {
    std::size_t got = 0;
    const Link::State state = connection.link.read(buffer_.data(), buffer_.size(), got);
    if (state == Link::State::would_block) return true;
    if (state == Link::State::closed) return false;
    if (!take(serial, connection, {buffer_.data(), got})) return false;
    // A short read emptied the socket, and new bytes make a new edge. An end that was already told makes
    // none.
    if (got < buffer_.size() && !connection.link.holds_bytes() && !peer_ended) return true;
  }
}

bool UpstreamServer::take(std::uint64_t serial, Connection& connection, std::string_view bytes) {
  MessageReader& request = connection.request;
  while (!bytes.empty()) {
    if (connection.streaming) return false;  // nobody pipelines behind a stream
    const std::string_view body = request.take(bytes);
    std::string& start = connection.start_of_body;
    if (start.size() < kStartOfBody) start += body.substr(0, kStartOfBody - start.size());
    if (request.failed()) return false;
    if (request.complete() && !answer(serial, connection)) return false;
  }
  return true;
}

bool UpstreamServer::answer(std::uint64_t serial, Connection& connection) {
  const bool call = connection.request.head().starts_with("post ");
  connection.order = read_order(connection.start_of_body);
  connection.request.reset();
  connection.start_of_body.clear();
  if (!call) return connection.link.write(replies_.other()) != Link::State::closed;
  if (!connection.order.stream)
    return connection.link.write(replies_.chat(connection.order.reply_bytes)) != Link::State::closed;
  connection.streaming = true;
  connection.sent_tokens = 0;
  const auto sent = connection.link.write(stream_head());
  return sent != Link::State::closed && send_token(serial, connection, now_ns());
}

bool UpstreamServer::send_token(std::uint64_t serial, Connection& connection, std::int64_t due_ns) {
  const Order& order = connection.order;
  std::string frames = token_chunk(now_ns());
  if (++connection.sent_tokens >= order.tokens) {
    frames += stream_end(order.tokens);
    connection.streaming = false;
  } else {
    due_.push({due_ns + order.interval_ns, serial});
  }
  return connection.link.write(frames) != Link::State::closed;
}

void UpstreamServer::send_due() {
  // One look at the clock: frames that become due meanwhile wait for the next turn, after the sockets.
  const std::int64_t now = now_ns();
  while (!due_.empty() && due_.top().at_ns <= now) {
    const Due due = due_.top();
    due_.pop();
    const auto found = connections_.find(due.serial);
    if (found == connections_.end()) continue;
    if (!send_token(due.serial, *found->second, due.at_ns)) connections_.erase(due.serial);
  }
}

}  // namespace gantry::bench
