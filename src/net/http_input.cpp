// A connection's bytes coming in. While a request is answered nobody reads, but a watch is on: it sees the
// hang-up at once, and otherwise becomes the next request's read, so that neither costs a system call of its
// own.

#include "net/http_connection.hpp"

namespace gantry::net {

Task<IoResult> Connection::receive(MonoTime deadline) {
  if (!watching_) {
    if (end_) co_return IoResult{0, false, *end_};
    const IoResult got = co_await socket_.read_some(in_.room(), deadline);
    if (got.ok) {
      in_.commit(got.bytes);
    } else if (got.fault != Fault::timed_out) {
      end_ = got.fault;
    }
    co_return got;
  }
  const std::size_t before = in_.unread().size();
  receiving_ = true;
  core_->loop.set_timer(wait_timer_, deadline, &on_wait_over, this);
  co_await arrived_;
  receiving_ = false;
  core_->loop.timers().clear(wait_timer_);
  const std::size_t bytes = in_.unread().size() - before;
  if (bytes > 0) co_return IoResult{bytes, true, {}};
  co_return IoResult{0, false, end_.value_or(Fault::timed_out)};
}

void Connection::watch() {
  const bool full = in_.room().empty() && !in_.is_shed();
  if (watching_ || end_ || full || !socket_.is_open()) return;
  watching_ = true;
  socket_.watch(in_.room(), &on_watched, this);
}

void Connection::on_watched(void* self, IoResult result) {
  auto& connection = *static_cast<Connection*>(self);
  connection.watching_ = false;
  if (connection.in_.is_shed() && result.ok) {
    result = connection.read_what_came();
    if (result.ok && result.bytes == 0) return connection.watch();
  }
  if (result.ok) {
    connection.in_.commit(result.bytes);
  } else {
    connection.end_ = result.fault;
  }
  // Whoever is told may end the connection: nothing is touched after.
  if (connection.receiving_) return connection.arrived_.notify();
  if (!result.ok) return connection.note_hang_up();
  if (connection.answering_) connection.watch();  // pipelined bytes; the hang-up may still come behind them
}

// The watch had no room to read into: it only told that something is there.
IoResult Connection::read_what_came() {
  in_.restore();
  return socket_.try_read(in_.room());
}

// The watch stays: it still tells of the hang-up, and of bytes, for which there is room again when they come.
void Connection::forget_request() {
  if (reply_ != Reply::begun || body_state_ != Body::read) return;
  parser_ = RequestParser(HeadLimits{.bytes = limits().max_head_bytes});
  head_bytes_ = body_view_ = {};
  body_.clear();
  if (!in_.empty()) return;
  in_.shed();
  if (watching_) socket_.watch_into(in_.room());
  watch();
}

void Connection::on_wait_over(void* self) {
  auto& connection = *static_cast<Connection*>(self);
  if (connection.receiving_) connection.arrived_.notify();
}

void Connection::note_hang_up() {
  hung_up_ = true;
  const auto action = std::exchange(hang_up_action_, nullptr);
  if (answering_ && action) action(hang_up_context_);
}

void Connection::on_hang_up(void (*action)(void* context), void* context) {
  hang_up_action_ = action;
  hang_up_context_ = context;
  if (hung_up_ && action) note_hang_up();
}

void Connection::cut() {
  socket_.close();
  note_hang_up();
}

}  // namespace gantry::net
