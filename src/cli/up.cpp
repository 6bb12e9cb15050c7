// gantry up: the launch checks, then the gateway.

#include <CLI/CLI.hpp>

#include <memory>

#include "cli/command.hpp"
#include "cli/run.hpp"
#include "gateway/run.hpp"

namespace gantry::cli {

void add_up(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("up", "Verify, then serve; with --sim without a key, a network or a cent");
  command->footer(
      "Examples:\n"
      "  gantry up --sim\n"
      "  OPENROUTER_API_KEY=… gantry up --listen 127.0.0.1:9000   (the checks cost a few tokens a model)\n"
      "  gantry up --sim --sim-first-token 300ms --sim-tokens-per-second 50");
  auto options = std::make_shared<gateway::RunOptions>();
  options->verify_first = true;
  add_config_flags(*command, options->config, Flags::all);
  command->add_flag("--sim", options->sim, "The built-in simulator answers; nothing leaves this machine");
  add_sim_flags(*command, options->sim_options, "sim-");
  for (auto* option : command->get_options())
    if (option->get_name().starts_with("--sim-")) option->needs("--sim");
  command->callback([options, &chosen] {
    chosen = [options] {
      options->config.environment = config::process_environment();
      return gateway::run_gateway(*options);
    };
  });
}

}  // namespace gantry::cli
