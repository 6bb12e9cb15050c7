#pragma once
// The gateway at work: one thread, loop, engine shard and HTTP server a core, over collaborators shared by
// all.

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "config/config.hpp"
#include "engine/catalogue.hpp"
#include "engine/failover.hpp"
#include "engine/money_watch.hpp"
#include "engine/reconciler.hpp"
#include "engine/shard.hpp"
#include "gateway/gateway.hpp"
#include "gateway/price_memory.hpp"
#include "gateway/test_control.hpp"
#include "net/http_server.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"

namespace gantry::gateway {

class Runtime {
 public:
  /// Binds and builds everything; no thread runs yet. Errors: system (port), bad_input (certificates), each
  /// with what to do.
  static Result<std::unique_ptr<Runtime>> create(config::Snapshot config, bool simulated,
                                                 const TimeSource& time, TestControl* control);
  ~Runtime();

  /// Starts the threads: from here on calls are answered.
  void start();
  [[nodiscard]] net::Endpoint local() const { return local_; }
  [[nodiscard]] Treasury& treasury() { return *treasury_; }
  [[nodiscard]] std::size_t shards() const { return workers_.size(); }
  [[nodiscard]] std::size_t max_clients() const { return max_clients_; }

  /// New calls see `next`; thread-safe against the loops. Errors: bad_input, and everything stays as it was,
  /// when `next` needs what only a start provides (a listener with TLS instead of without) or one of its
  /// certificate files is of no use. The listener's certificate is read anew each time.
  Result<void> configure(config::Snapshot next);
  /// The drain of DESIGN, as a whole; `on_done` runs on a loop when nothing is left. Call once.
  void drain(std::move_only_function<void()> on_done);
  /// Runs `work` on the first shard's loop.
  void run_on_first(std::move_only_function<Task<void>(engine::Shard&)> work);
  /// Stops the loops and joins; after drain, or at once.
  void stop();

 private:
  struct Worker;
  Runtime(bool simulated, const TimeSource& time, TestControl* control, std::size_t shards);
  Result<void> listen(const config::Config& config, std::size_t shards);
  void keep_catalogue();
  void name_models(const config::Config& config);
  void forget_replaced_keys(const config::Config& before, const config::Config& after);
  struct DrainTimes {
    Duration delay, limit;
  };
  Task<void> drain_all(DrainTimes times, std::move_only_function<void()> on_done);
  /// What all loops hold, counted on their threads one after the other. `asking` is the caller's own loop.
  Task<observe::Gauges> survey(net::Loop& asking);
  void start_money();

  const TimeSource& time_;
  TestControl* control_;
  observe::Observer observer_;
  net::Resolver resolver_;
  engine::UpstreamTls upstream_tls_;
  std::unique_ptr<net::InflightBytes> inflight_;
  engine::Failover failover_;
  std::unique_ptr<Treasury> treasury_;
  std::optional<PriceMemory> price_memory_;
  Shared shared_;
  config::Snapshot config_;
  net::Endpoint local_;
  std::size_t max_clients_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;  // behind all of the above, which their threads use
  std::optional<engine::CatalogueKeeper>
      keeper_;  // of the first worker's loop, which is stopped before it goes
  std::optional<engine::Reconciler> reconciler_;   // the same
  std::optional<engine::MoneyWatch> money_watch_;  // the same
};

}  // namespace gantry::gateway
