#pragma once
// What all shards share about failures: the breakers of every scope, and the process's budget of repetitions.
// It outlives the shards and every reload of the configuration.

#include <algorithm>
#include <mutex>
#include <vector>

#include "route/retry_budget.hpp"
#include "route/scope_table.hpp"

namespace gantry::engine {

/// The keys that are being asked about, one `GET /key` at a time each (key_watch.hpp). Any thread.
class KeysAsked {
 public:
  /// False when somebody is asking already.
  bool begin(route::ScopeId key) {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(asked_, key) != asked_.end()) return false;
    asked_.push_back(key);
    return true;
  }
  void end(route::ScopeId key) {
    const std::lock_guard lock(mutex_);
    std::erase(asked_, key);
  }

 private:
  std::mutex mutex_;
  std::vector<route::ScopeId> asked_;
};

struct Failover {
  Failover(std::size_t shards, MonoTime start) : scopes(shards), retries(shards, start) {}

  route::ScopeTable scopes;
  route::RetryBudget retries;
  KeysAsked keys_asked;
};

}  // namespace gantry::engine
