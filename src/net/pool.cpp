#include "net/pool.hpp"

#include <algorithm>

#include "net/io.hpp"
#include "net/race.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"

namespace gantry::net {
namespace {

// Right after a handshake TLS 1.3 servers send session tickets: bytes, but no answer. Reading takes them in.
bool is_usable(Socket& socket) {
  if (socket.still_idle()) return true;
  if (!socket.is_open() || !socket.encrypted()) return false;
  char byte;
  const IoResult got = socket.try_read({&byte, 1});
  return got.ok && got.bytes == 0 && socket.still_idle();
}

}  // namespace

// Lives in the frame of acquire(); whoever settles it takes it off the list first.
struct Pool::Waiter {
  enum class Grant { none, permit, connection, timed_out, cancelled, shut };

  Pool& pool;
  MonoTime deadline;
  Canceller* canceller;
  Grant grant = Grant::none;
  ConnectionPtr connection{};
  std::coroutine_handle<> handle{};
  std::list<Waiter*>::iterator place{};
  Timer timer{};

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    handle = caller;
    place = pool.waiters_.insert(pool.waiters_.end(), this);
    const auto expire = [](void* self) { static_cast<Waiter*>(self)->settle(Grant::timed_out); };
    pool.context_.loop.set_timer(timer, deadline, expire, this);
    const auto give_up = [](void* self) { static_cast<Waiter*>(self)->settle(Grant::cancelled); };
    if (canceller) canceller->arm(give_up, this);
  }
  void await_resume() const {}

  // The coroutine goes on in the loop's next round: who gives a connection back is in the middle of
  // something.
  void settle(Grant with) {
    grant = with;
    pool.waiters_.erase(place);
    TimerWheel::remove(timer);
    if (canceller) canceller->disarm();
    resume_soon(pool.context_.loop, handle);
  }
};

Pool::Pool(PoolContext context, Origin origin, const Proxy* proxy)
    : context_(context), origin_(std::move(origin)), proxy_(proxy) {
  const std::string host = origin_.host_header();
  fixed_fields_ = " HTTP/1.1\r\nHost: " + host + "\r\n";
  if (!proxy_ || origin_.https) return;
  target_prefix_ = "http://" + host;  // RFC 9112 §3.2.2: absolute-form to a proxy
  if (!proxy_->authorization.empty())
    fixed_fields_ += "Proxy-Authorization: " + proxy_->authorization + "\r\n";
}

Pool::~Pool() = default;

bool Pool::may_connect() const {
  return open_ < context_.options.max_connections && connecting_ < context_.options.max_connecting;
}

bool Pool::too_old(const PooledConnection& connection) const {
  return context_.loop.now() - connection.born >= context_.options.max_age;
}

ConnectionPtr Pool::take_idle() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    const bool rested = context_.loop.now() - connection->idle_since >= context_.options.idle_time;
    if (!rested && !too_old(*connection) && is_usable(connection->socket)) {
      ++context_.stats.reused;
      return connection;
    }
    discard(std::move(connection));
  }
  return nullptr;
}

Task<Result<ConnectionPtr>> Pool::acquire(MonoTime deadline, Canceller* canceller, Fresh fresh) {
  if (shut_) co_return fail(Fault::cancelled, "the client is shutting down");
  if (canceller && canceller->cancelled()) co_return fail(Fault::cancelled, "waiting for a connection");
  if (fresh == Fresh::no) {
    auto idle = take_idle();
    if (idle) co_return idle;
  } else if (open_ >= context_.options.max_connections && !idle_.empty()) {
    auto oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
    discard(std::move(oldest));
  }
  if (may_connect()) {
    ++open_, ++connecting_;
    auto connected = co_await connect(deadline, canceller);
    co_return connected;
  }

  auto waiter = Waiter{*this, deadline, canceller};
  co_await waiter;
  const bool unwanted = canceller && canceller->cancelled();
  if (waiter.grant == Waiter::Grant::shut) co_return fail(Fault::cancelled, "the client is shutting down");
  if (waiter.grant == Waiter::Grant::timed_out) {
    const bool full = open_ >= context_.options.max_connections;
    co_return fail(full ? Fault::overloaded : Fault::timed_out,
                   full ? "every connection that may be open to " + origin_.host + " is in use"
                        : "waiting for a turn to connect to " + origin_.host);
  }
  if (waiter.grant == Waiter::Grant::connection) {
    if (!unwanted) co_return std::move(waiter.connection);
    give_back(std::move(waiter.connection));
  }
  if (waiter.grant == Waiter::Grant::permit) {
    auto connected = co_await connect(deadline, canceller);
    co_return connected;
  }
  co_return fail(Fault::cancelled, "waiting for a connection");
}

Task<Result<ConnectionPtr>> Pool::connect(MonoTime deadline, Canceller* canceller) {
  auto dialled = co_await dial(deadline, canceller);
  --connecting_;
  if (!dialled) {
    --open_;
    ++context_.stats.connect_failures;
    serve_waiters();
    co_return std::unexpected(dialled.error());
  }
  ++context_.stats.connects;
  serve_waiters();
  auto connection = std::make_unique<PooledConnection>(std::move(*dialled), context_.loop.now());
  co_return connection;
}

Task<Result<Socket>> Pool::dial(MonoTime deadline, Canceller* canceller) {
  const Origin& next_hop = proxy_ ? proxy_->origin : origin_;
  auto addresses =
      co_await context_.resolver.resolve(context_.loop, next_hop.host, next_hop.port, deadline, canceller);
  if (!addresses) co_return std::unexpected(addresses.error());
  auto socket = co_await connect_first(context_.loop, std::move(*addresses), deadline, canceller);
  if (!socket || !origin_.https) co_return socket;

  const Armed armed(canceller, [](void* self) { static_cast<Socket*>(self)->cancel(); }, &*socket);
  if (proxy_) {
    const auto tunnel = co_await open_tunnel(*socket, *proxy_, origin_, deadline);
    if (!tunnel) co_return std::unexpected(tunnel.error());
  }
  if (!context_.tls) co_return fail(Fault::bad_input, "this client was made without TLS: " + origin_.host);
  if (canceller && canceller->cancelled()) co_return fail(Fault::cancelled, "connecting to " + origin_.host);
  const auto secured = co_await socket->handshake_client(*context_.tls, origin_.host, deadline);
  if (!secured) co_return std::unexpected(secured.error());
  co_return socket;
}

void Pool::give_back(ConnectionPtr connection) {
  if (shut_ || too_old(*connection)) return discard(std::move(connection));
  connection->reused = true;
  if (!waiters_.empty()) {
    Waiter& first = *waiters_.front();
    first.connection = std::move(connection);
    ++context_.stats.reused;
    return first.settle(Waiter::Grant::connection);
  }
  connection->idle_since = context_.loop.now();
  idle_.push_back(std::move(connection));
  if (idle_.size() > context_.options.max_idle) {
    auto oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
    discard(std::move(oldest));
  }
  if (!sweep_armed_ && !idle_.empty()) arm_sweep();
}

void Pool::discard(ConnectionPtr connection) {
  connection->socket.close();
  --open_;
  serve_waiters();
}

void Pool::serve_waiters() {
  while (!waiters_.empty() && may_connect()) {
    ++open_, ++connecting_;
    waiters_.front()->settle(Waiter::Grant::permit);
  }
}

// Idle connections are closed when their time is over, also when nobody asks. The timer rings for the one
// that rests longest and is not moved when that one is used: an early ring costs less than moving it on every
// request.
void Pool::arm_sweep() {
  sweep_armed_ = true;
  const auto ring = [](void* self) { static_cast<Pool*>(self)->sweep(); };
  context_.loop.set_timer(sweep_timer_, idle_.front()->idle_since + context_.options.idle_time, ring, this);
}

void Pool::sweep() {
  sweep_armed_ = false;
  const MonoTime now = context_.loop.now();
  const auto fresh = std::ranges::find_if(idle_, [&](const auto& connection) {
    return now - connection->idle_since < context_.options.idle_time;
  });
  std::vector<ConnectionPtr> rested(std::move_iterator(idle_.begin()), std::move_iterator(fresh));
  idle_.erase(idle_.begin(), fresh);
  for (auto& connection : rested) discard(std::move(connection));
  if (!idle_.empty()) arm_sweep();
}

void Pool::shut_down() {
  shut_ = true;
  while (!waiters_.empty()) waiters_.front()->settle(Waiter::Grant::shut);
  auto idle = std::exchange(idle_, {});
  for (auto& connection : idle) discard(std::move(connection));
}

}  // namespace gantry::net
