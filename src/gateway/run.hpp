#pragma once
// `gantry serve` and `gantry up`: the process around the gateway, from configuration to exit code.

#include <string>

#include "config/config.hpp"
#include "sim/simulator.hpp"

namespace gantry::gateway {

struct RunOptions {
  config::Inputs config;
  bool sim = false;  ///< --sim: the simulator runs inside and is the upstream; everything says SIMULATED
  bool verify_first =
      false;  ///< `up`: the launch checks before serving; their failure is loud, and serves on
  sim::SimOptions sim_options;
};

/// Runs until SIGTERM or SIGINT has drained it. Exit codes: 0 after a drain; 2 when it could not start
/// (configuration, key, port), with every reason printed.
int run_gateway(const RunOptions& options);

}  // namespace gantry::gateway
