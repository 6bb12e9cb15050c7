// gantry serve: the gateway.

#include <CLI/CLI.hpp>

#include <memory>

#include "cli/command.hpp"
#include "cli/run.hpp"
#include "gateway/run.hpp"

namespace gantry::cli {

void add_serve(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("serve", "Serve: an OpenRouter-compatible gateway");
  command->footer(
      "Examples:\n"
      "  OPENROUTER_API_KEY=… gantry serve\n"
      "  gantry serve --config /etc/gantry/gantry.toml\n\n"
      "SIGHUP reads the configuration again; SIGTERM drains and ends.");
  auto options = std::make_shared<gateway::RunOptions>();
  add_config_flags(*command, options->config, Flags::all);
  command->callback([options, &chosen] {
    chosen = [options] {
      options->config.environment = config::process_environment();
      return gateway::run_gateway(*options);
    };
  });
}

}  // namespace gantry::cli
