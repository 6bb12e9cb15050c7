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

ConnectionLimits connection_limits(const config::Config& config, std::size_t descriptors,
                                   std::size_t shards) {
  const std::size_t usable = descriptors > 2 * kReserve ? descriptors - kReserve : descriptors / 2;
  ConnectionLimits out;
  out.clients =
      config.server.max_connections > 0 ? std::min(config.server.max_connections, usable / 2) : usable / 2;
  const std::size_t upstream =
      config.upstream.max_connections > 0 ? config.upstream.max_connections : usable / 2;
  out.upstream_per_shard = std::max<std::size_t>(1, upstream / std::max<std::size_t>(1, shards));
  return out;
}

}  // namespace gantry::gateway
