#include "net/http_connection.hpp"

#include "net/tls.hpp"

namespace gantry::net {
namespace {

constexpr Duration kLingerTime = std::chrono::seconds{2};

}  // namespace

Connection::Connection(std::shared_ptr<ServerCore> core, Socket socket, Mode mode)
    : core_(std::move(core)),
      socket_(std::move(socket)),
      mode_(mode),
      parser_(HeadLimits{.bytes = core_->options.limits.max_head_bytes}),
      body_(core_->options.inflight) {
  core_->connections.insert(this);
  ++(mode_ == Mode::serve ? core_->serving : core_->refusing);
  if (mode_ == Mode::serve && limits().max_per_address > 0) ++core_->per_address[peer().address];
}

Connection::~Connection() {
  core_->connections.erase(this);
  --(mode_ == Mode::serve ? core_->serving : core_->refusing);
  if (mode_ == Mode::refuse || limits().max_per_address == 0) return;
  const auto entry = core_->per_address.find(peer().address);
  if (--entry->second == 0) core_->per_address.erase(entry);
}

Task<void> Connection::run(std::unique_ptr<Connection> self) {
  Connection& c = *self;
  if (c.core_->options.tls) {
    const MonoTime deadline = earlier(kNever, c.core_->loop.now(), c.limits().head_time);
    // The connection holds what it needs of the context itself: use_tls() meanwhile does no harm.
    const auto shaken = co_await c.socket_.handshake_server(*c.core_->options.tls, deadline);
    if (!shaken) co_return;
  }
  if (c.mode_ == Mode::refuse) {
    co_await c.refuse({503, {Fault::overloaded, "too many connections are open"}});
  } else {
    while (c.keep_) {
      const bool came = co_await c.next_request();
      if (!came) break;
      co_await c.answer();
    }
  }
  if (c.linger_) co_await c.linger();
  c.socket_.close();
}

void Connection::reset_exchange() {
  in_.release();
  if (in_.clear() && watching_) socket_.watch_into(in_.room());
  parser_.reset();
  chunks_ = {};
  decoded_ = 0;
  body_.clear();
  body_view_ = {};
  body_state_ = Body::read;
  body_refusal_.reset();
  expects_continue_ = false;
  hung_up_ = false;
  reply_ = Reply::none;
  head_pending_ = chunked_ = false;
  body_wanted_ = true;
  bytes_sent_ = 0;
}

// Waits for a head, and refuses what must not reach the handler. False when the connection has to end.
Task<bool> Connection::next_request() {
  reset_exchange();
  MonoTime deadline = earlier(kNever, core_->loop.now(), limits().idle_time);
  bool begun = false;
  while (true) {
    const HeadState state = in_.empty() ? HeadState::need_more : parser_.parse(in_.unread());
    if (state == HeadState::done) break;
    if (state == HeadState::failed) {
      const HeadError& error = parser_.error();
      const Fault fault = error.status == 431 ? Fault::too_large : Fault::malformed;
      co_await refuse({error.status, {fault, std::string(error.reason)}});
      co_return false;
    }
    if (!in_.empty() && !std::exchange(begun, true)) {
      deadline = earlier(kNever, core_->loop.now(), limits().head_time);
    }
    if (!begun && used_ && core_->draining) co_return false;
    if (!watching_) in_.make_room(limits().max_head_bytes + InputBuffer::kInitial);
    waiting_for_request_ = true;
    const IoResult got = co_await receive(deadline);
    waiting_for_request_ = false;
    if (got.ok) continue;
    if (got.fault == Fault::timed_out && begun) {
      co_await refuse({408, {Fault::timed_out, "the request head did not arrive in time"}});
    }
    co_return false;
  }
  in_.pin();
  head_bytes_ = in_.unread().substr(0, parser_.head_bytes());
  in_.consume(head_bytes_.size());
  body_state_ = parser_.head().has_body ? Body::unread : Body::read;
  if (auto refusal = judge_head()) {
    co_await refuse(std::move(*refusal));
    co_return false;
  }
  co_return true;
}

std::optional<Connection::Refusal> Connection::judge_head() {
  const Framing& framing = parser_.framing();
  if (framing.http11 && parser_.expect()) {
    if (!same_name(*parser_.expect(), "100-continue")) {
      return Refusal{417, {Fault::bad_input, "the only expectation that can be met is 100-continue"}};
    }
    expects_continue_ = parser_.head().has_body;
  }
  if (framing.length > limits().max_body_bytes) {
    return Refusal{413, {Fault::too_large, "the request body is larger than the limit"}};
  }
  return std::nullopt;
}

Task<void> Connection::answer() {
  answering_ = used_ = true;
  ++core_->active;
  if (body_is_here()) {
    expects_continue_ = false;
    body_ends();
  }
  auto handling = core_->handler(*this);
  co_await std::move(handling);
  hang_up_action_ = nullptr;
  if (reply_ == Reply::none) {
    co_await refuse(what_went_wrong());
  } else if (reply_ == Reply::begun) {
    abort(Socket::Close::orderly);
  }
  --core_->active;
  answering_ = false;
  if (keep_ && body_state_ == Body::unread) co_await drain_body();
  const bool unread = body_state_ != Body::read || !in_.empty();
  if (!keep_ && reply_ == Reply::whole && unread) linger_ = true;
}

Connection::Refusal Connection::what_went_wrong() {
  if (body_refusal_) return std::move(*body_refusal_);
  return {500, {Fault::internal, "the request was not answered"}};
}

// A close with bytes unread would reset the connection and could take the answer with it.
Task<void> Connection::linger() {
  socket_.shutdown_send();
  const MonoTime deadline = core_->loop.now() + kLingerTime;
  while (true) {
    in_.drop_unread();
    if (!watching_) {
      in_.release();
      in_.make_room(InputBuffer::kInitial);
    }
    const IoResult got = co_await receive(deadline);
    if (!got.ok) co_return;
  }
}

}  // namespace gantry::net
