#pragma once
// What the commands share. Each command has one file with one add_… function that declares its flags; the one
// that the user chose leaves its action in `chosen`.

#include <expected>
#include <functional>
#include <string>

#include "config/config.hpp"
#include "sim/simulator.hpp"

namespace CLI {
class App;
}

namespace gantry::cli {

using Chosen = std::function<int()>;

void add_up(CLI::App& app, Chosen& chosen);
void add_serve(CLI::App& app, Chosen& chosen);
void add_sim(CLI::App& app, Chosen& chosen);
void add_verify(CLI::App& app, Chosen& chosen);
void add_breakers(CLI::App& app, Chosen& chosen);
void add_config(CLI::App& app, Chosen& chosen);
void add_upstream_keys(CLI::App& app, Chosen& chosen);
void add_keys(CLI::App& app, Chosen& chosen);
void add_accounts(CLI::App& app, Chosen& chosen);
void add_usage(CLI::App& app, Chosen& chosen);
void add_ledger(CLI::App& app, Chosen& chosen);

/// Declares --config, --listen and --base-url on a command.
enum class Flags { all, without_listen, only_config };
void add_config_flags(CLI::App& command, config::Inputs& inputs, Flags flags);

/// Declares the simulator's flags as --PREFIXseed and so on.
void add_sim_flags(CLI::App& command, sim::SimOptions& options, const std::string& prefix);

/// Loads with this process's environment; problems go to stderr and the exit code comes back.
std::expected<config::Snapshot, int> load(config::Inputs& inputs);

/// False, with the two ways to mend it on stderr, when the configuration has no upstream key.
bool has_key(const config::Config& config);

}  // namespace gantry::cli
