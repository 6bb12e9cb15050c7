#include "gateway/limits.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace gantry::gateway {
namespace {

constexpr std::size_t kReserve = 64;  // listeners, ledger, logs, resolver, epoll

int quota_processors() {
  long long quota = 0, period = 0;
  std::string text;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> text >> period) {
    if (text == "max") return 0;
    quota = std::strtoll(text.c_str(), nullptr, 10);
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>((quota + period - 1) / period);
}

}  // namespace

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  const int quota = quota_processors();
  return std::max(1, quota > 0 ? std::min(quota, allowed) : allowed);
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? 1'048'576 : static_cast<std::size_t>(limit.rlim_cur);
}

ConnectionLimits connection_limits(const config::Server& server, std::size_t descriptors) {
  const std::size_t usable = descriptors > 2 * kReserve ? descriptors - kReserve : descriptors / 2;
  const std::size_t half = usable / 2;
  return {.clients = server.max_connections > 0 ? std::min(server.max_connections, half) : half,
          .upstream = half};
}

config::Snapshot for_one_shard(const config::Config& config, const ConnectionLimits& limits,
                               std::size_t shards) {
  auto out = std::make_shared<config::Config>(config);
  const auto divide = [&](config::Upstream& upstream) {
    const auto all = upstream.max_connections > 0 ? upstream.max_connections : limits.upstream;
    upstream.max_connections = std::max<std::size_t>(1, all / std::max<std::size_t>(1, shards));
  };
  divide(out->upstream);
  for (auto& upstream : out->upstreams) divide(upstream);
  return out;
}

}  // namespace gantry::gateway
