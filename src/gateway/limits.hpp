#pragma once
// What this machine allows: processors by the cgroup's quota, connections by the descriptor limit.

#include <cstddef>

#include "config/config.hpp"

namespace gantry::gateway {

/// The cgroup's CPU quota (v2 cpu.max, v1 cfs_quota_us) rounded up, at most the processors this process may
/// run on.
int usable_processors();

/// Raises the soft descriptor limit to the hard one and returns it.
std::size_t raise_descriptor_limit();

/// How many client connections and upstream connections fit the descriptors: two a call plus a reserve
/// (DESIGN §7).
struct ConnectionLimits {
  std::size_t clients = 0;
  std::size_t upstream_per_shard = 0;
};
ConnectionLimits connection_limits(const config::Config& config, std::size_t descriptors, std::size_t shards);

}  // namespace gantry::gateway
