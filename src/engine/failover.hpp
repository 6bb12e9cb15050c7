#pragma once
// What all shards share about failures: the breakers of every scope, and the process's budget of repetitions.
// It outlives the shards and every reload of the configuration.

#include <atomic>

#include "route/retry_budget.hpp"
#include "route/scope_table.hpp"

namespace gantry::engine {

struct Failover {
  Failover(std::size_t shards, MonoTime start) : scopes(shards), retries(shards, start) {}

  route::ScopeTable scopes;
  route::RetryBudget retries;
  std::atomic<bool> asking_about_key{false};  ///< one GET /key at a time (key_watch.hpp)
};

}  // namespace gantry::engine
