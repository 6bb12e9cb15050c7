#pragma once
// The HTTP face of one shard: paths to endpoints, the checks that keep web pages and strangers out,
// OpenRouter's envelope around every error.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "engine/money_board.hpp"
#include "engine/shard.hpp"
#include "gateway/caller.hpp"
#include "gateway/health.hpp"
#include "gateway/paths.hpp"
#include "net/http_server.hpp"
#include "observe/observer.hpp"

namespace gantry::gateway {

/// What all shards of a process share. Thread-safe.
struct Shared {
  Shared(observe::Observer& seen_by, const TimeSource& clock, bool is_simulated)
      : observer(seen_by), time(clock), simulated(is_simulated) {}

  observe::Observer& observer;
  const TimeSource& time;
  const bool simulated;
  Treasury* treasury = nullptr;  ///< null: nobody has a key, and nobody pays
  engine::MoneyBoard money;      ///< what upstream told last
  std::atomic<bool> draining{false};
  std::function<Task<observe::Gauges>(net::Loop& asking)> gauges;  ///< read at scrape

  /// The opt-in probe of /health/openrouter: one at a time in the whole process.
  std::mutex probe_mutex;
  ProbeState probes;
  struct Waiter {
    net::Loop* loop;
    net::Signal* signal;
  };
  std::vector<Waiter> probe_waiters;
};

/// Answers every request of one shard's server. Lives as long as the server.
class Gateway {
 public:
  Gateway(engine::Shard& shard, Shared& shared);
  ~Gateway();
  Gateway(const Gateway&) = delete;

  /// Who may call from now on. On the loop's thread.
  void use(ClientsSnapshot clients) { clients_ = std::move(clients); }
  /// The server's handler.
  Task<void> handle(net::Exchange& exchange);
  /// The body of what the server refuses before a handler sees it (400, 408, 413, 431, 503).
  static std::string refusal_body(int status, const Failure& why);

 private:
  struct Cached {
    std::shared_ptr<const engine::Fetched> reply;  // shared with answers that are still being written
    MonoTime fetched;
  };

  [[nodiscard]] bool keys_needed() const;
  [[nodiscard]] std::expected<Caller, wire::Refusal> caller_of(const net::RequestHead& head) const;
  [[gnu::noinline]] Task<void> refuse_caller(net::Exchange& exchange, wire::Refusal refusal,
                                             std::int64_t retry_after_s = 0);
  Task<void> serve_own_key(net::Exchange& exchange, Caller caller);
  Task<void> serve_own_generation(net::Exchange& exchange, Caller caller, std::string target);
  Task<void> serve_account(net::Exchange& exchange, std::string target);
  Task<void> serve_credits(net::Exchange& exchange);
  [[nodiscard]] bool is_admin(const net::HeaderView& headers) const;
  Task<void> serve_admin(net::Exchange& exchange);
  Task<void> call_by(net::Exchange& exchange, const wire::Dialect& dialect);
  Task<void> serve_call(net::Exchange& exchange, const wire::Dialect& dialect, Caller caller);
  [[gnu::noinline]] Task<void> refuse_body(net::Exchange& exchange, Failure why);
  void remember(std::string target, std::shared_ptr<const engine::Fetched> reply);
  void forget_catalogue();
  Task<void> serve_upstream(net::Exchange& exchange, std::string target);
  Task<void> serve_catalogue(net::Exchange& exchange, std::string target);
  Task<void> serve_health(net::Exchange& exchange, Endpoint which);
  [[nodiscard]] observe::MoneyFigures money_figures() const;
  Task<void> serve_metrics(net::Exchange& exchange);
  Task<void> serve_breakers(net::Exchange& exchange, Endpoint which);
  Task<void> list_breakers(net::Exchange& exchange);
  Task<void> close_breakers(net::Exchange& exchange);
  Task<void> answer(net::Exchange& exchange, const engine::Fetched& fetched);
  Task<void> probe();
  Task<void> await_other_probe();

  engine::Shard& shard_;
  Shared& shared_;
  ClientsSnapshot clients_;
  std::map<std::string, Cached, std::less<>> catalogue_;  // by target
  std::size_t catalogue_bytes_ = 0;
  config::Snapshot catalogue_of_;  // whose upstream said it
};

}  // namespace gantry::gateway
