#pragma once
// Serves POST /chat/completions and /completions: whole, streamed, slow, or broken as the faults say.

#include <string>

#include "base/task.hpp"
#include "sim/request.hpp"
#include "sim/simulator.hpp"

namespace gantry::net {
class Exchange;
}

namespace gantry::sim {

/// `world` and `exchange` outlive the task; `key` is the caller's bearer token.
Task<void> serve_completion(Simulator::World& world, net::Exchange& exchange, Api api, std::string key);

/// The journal's first half of a request.
Attempt attempt_of(const Simulator::World& world, const net::Exchange& exchange);

}  // namespace gantry::sim
