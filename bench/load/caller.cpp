#include "load/caller.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace gantry::bench {

Caller::Caller(int port, const Fd& epoll, std::uint64_t tag, const Call& call, BodySink* sink)
    : port_(port), epoll_(epoll), tag_(tag), call_(call), sink_(sink) {}

void Caller::drop() {
  socket_.reset();
  busy_ = false;
}

Progress Caller::give_up(Progress why) {
  drop();
  return why;
}

Progress Caller::begin() {
  reader_.reset();
  sent_ = 0;
  busy_ = true;
  if (!socket_.open()) {
    socket_ = connect_to(port_);
    if (!socket_.open()) return give_up(Progress::broken);
    ++connects_;
    watch(epoll_, socket_.get(), tag_);
  }
  return push();
}

Progress Caller::push() {
  while (sent_ < call_.request.size()) {
    const ssize_t result =
        send(socket_.get(), call_.request.data() + sent_, call_.request.size() - sent_, MSG_NOSIGNAL);
    if (result < 0 && (errno == EAGAIN || errno == EINTR)) return Progress::pending;
    // A peer that refuses early may have answered before it closed: what it said is read first.
    if (result < 0) return Progress::pending;
    sent_ += static_cast<std::size_t>(result);
  }
  return Progress::pending;
}

Progress Caller::advance(std::uint32_t events, std::vector<char>& buffer) {
  if (!socket_.open()) return Progress::pending;
  if ((events & EPOLLOUT) != 0 && busy_) push();
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return Progress::pending;
  if (busy_) return read(events, buffer);
  // Between calls only the peer's close can come; the next call makes a new connection.
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) drop();
  return Progress::pending;
}

Progress Caller::read(std::uint32_t events, std::vector<char>& buffer) {
  const bool peer_ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  for (;;) {
    const ssize_t result = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (result < 0 && (errno == EAGAIN || errno == EINTR)) return Progress::pending;
    if (result <= 0) return give_up(reader_.status() > 200 ? Progress::wrong_status : Progress::broken);
    const auto got = static_cast<std::size_t>(result);
    const Progress progress = take({buffer.data(), got});
    if (progress != Progress::pending) {
      if (peer_ended) socket_.reset();
      return progress;
    }
    if (got < buffer.size() && !peer_ended) return Progress::pending;
  }
}

Progress Caller::take(std::string_view bytes) {
  const std::int64_t now = sink_ != nullptr ? now_ns() : 0;
  while (!bytes.empty() && !reader_.complete() && !reader_.failed()) {
    const std::string_view body = reader_.take(bytes);
    if (sink_ != nullptr && !body.empty()) sink_->body(body, now);
  }
  if (reader_.failed()) return give_up(Progress::broken);
  if (!reader_.complete()) return Progress::pending;
  if (!bytes.empty() || sent_ < call_.request.size())
    return give_up(verdict() == Progress::wrong_status ? Progress::wrong_status : Progress::broken);
  return verdict();
}

Progress Caller::verdict() {
  busy_ = false;
  if (reader_.says_close()) socket_.reset();
  if (reader_.status() != 200) return Progress::wrong_status;
  const bool good = sink_ != nullptr ? sink_->whole() : reader_.body_bytes() == call_.reply_bytes;
  return good ? Progress::answered : Progress::wrong_length;
}

}  // namespace gantry::bench
