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
  std::size_t upstream = 0;  ///< to one that sets no number of its own; a call uses one upstream at a time
};
ConnectionLimits connection_limits(const config::Server& server, std::size_t descriptors);

/// The configuration as one of `shards` has it: each upstream's max_connections is the shard's part.
config::Snapshot for_one_shard(const config::Config& config, const ConnectionLimits& limits,
                               std::size_t shards);

}  // namespace gantry::gateway
