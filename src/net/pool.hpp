#pragma once
// Connections to one origin on one loop: kept alive, bounded, handed to waiters in order. Inside src/net
// only.

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "net/http_client.hpp"
#include "net/proxy.hpp"
#include "net/slab.hpp"

namespace gantry::net {

struct PooledConnection : Packed<PooledConnection> {
  PooledConnection(Socket with, MonoTime at) : socket(std::move(with)), born(at) {}
  Socket socket;
  MonoTime born{};
  MonoTime idle_since{};
  bool reused = false;  ///< it comes from the pool, so the peer may have closed it meanwhile
};
using ConnectionPtr = std::unique_ptr<PooledConnection>;

/// What every pool of a client shares.
struct PoolContext {
  Loop& loop;
  const ClientOptions& options;
  Resolver& resolver;
  TlsContext* tls;
  ClientStats& stats;
};

/// Every connection that take_idle() or acquire() hands out comes back by give_back() or discard(), once.
/// While somebody waits there is no idle connection and no room for another connect.
class Pool {
 public:
  /// `proxy` is null for a direct way; it outlives the pool.
  Pool(PoolContext context, Origin origin, const Proxy* proxy);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  [[nodiscard]] const Origin& origin() const { return origin_; }
  /// Request line and fields that are the same for every request: what precedes the path, and what follows
  /// it.
  [[nodiscard]] std::string_view target_prefix() const { return target_prefix_; }
  [[nodiscard]] std::string_view fixed_fields() const { return fixed_fields_; }

  /// The most recently used idle connection that is still sound, or null.
  ConnectionPtr take_idle();
  enum class Fresh { no, yes };
  /// Idle, new, or (when a bound is reached) the next that comes free, in order of asking. `Fresh::yes`
  /// passes over the idle ones. Errors: of resolving, connecting, proxy and TLS; overloaded when the deadline
  /// passed while every allowed connection was in use; timed_out; cancelled.
  Task<Result<ConnectionPtr>> acquire(MonoTime deadline, Canceller* canceller, Fresh fresh);

  /// After a complete exchange on a connection that may carry another.
  void give_back(ConnectionPtr connection);
  /// Closes; makes room for a waiter.
  void discard(ConnectionPtr connection);

  void shut_down();
  [[nodiscard]] std::size_t idle() const { return idle_.size(); }
  [[nodiscard]] std::size_t open() const { return open_; }
  [[nodiscard]] std::size_t waiting() const { return waiters_.size(); }

 private:
  struct Waiter;

  [[nodiscard]] bool may_connect() const;
  /// Lets waiters connect while there is room.
  void serve_waiters();
  /// A connection of its own for who holds a permit (open_ and connecting_ count it already).
  Task<Result<ConnectionPtr>> connect(MonoTime deadline, Canceller* canceller);
  Task<Result<Socket>> dial(MonoTime deadline, Canceller* canceller);
  [[nodiscard]] bool too_old(const PooledConnection& connection) const;
  void sweep();
  void arm_sweep();

  PoolContext context_;
  Origin origin_;
  const Proxy* proxy_;
  std::string target_prefix_, fixed_fields_;
  std::vector<ConnectionPtr> idle_;  // in order of idle_since; taken from the back
  std::size_t open_ = 0;             // idle, in use and connecting
  std::size_t connecting_ = 0;
  bool shut_ = false;
  bool sweep_armed_ = false;
  std::list<Waiter*> waiters_;
  Timer sweep_timer_;
};

}  // namespace gantry::net
