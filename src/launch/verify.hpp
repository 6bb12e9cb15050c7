#pragma once
// `gantry verify`: proves against the real upstream that a route is ready for launch. Costs a few tokens per
// model.

#include <memory>
#include <string>

#include "base/task.hpp"
#include "config/config.hpp"
#include "engine/upstreams.hpp"
#include "launch/report.hpp"

namespace gantry::launch {

struct VerifyOptions {
  std::string route = "default";
  Duration limit = std::chrono::seconds{60};  ///< for all checks together
};

/// Runs all checks on the upstreams' loop; the models in parallel, each where its chain says, and
/// OpenRouter's keys too. Everything that goes wrong is a verdict. `upstreams` are those of `config`; they,
/// `loop` and `config` outlive the await.
Task<Report> verify(const engine::Targets& upstreams, net::Loop& loop, const config::Config& config,
                    VerifyOptions options);

/// The same for `gantry up`: checks the default route and prints the table on stdout, loudly where a check
/// failed. `simulated` says so above the table. False when upstream refused every key with a definite 401,
/// which is no state to serve in. `loop` outlives the await.
Task<bool> verify_and_print(std::shared_ptr<const engine::Targets> upstreams, net::Loop& loop,
                            config::Snapshot config, bool simulated);

/// The same on a loop of its own, for a command line: blocks until it is done.
Report verify_now(const config::Config& config, const VerifyOptions& options);

}  // namespace gantry::launch
