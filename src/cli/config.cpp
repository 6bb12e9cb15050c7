// gantry config: check, show, reference.

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "cli/run.hpp"

namespace gantry::cli {
namespace {

int check(config::Inputs& inputs) {
  const auto config = load(inputs);
  if (!config) return config.error();
  const auto& source = (*config)->source;
  fmt::print("{}: in order\n", source.empty() ? "no file, defaults" : source);
  const auto& upstream = (*config)->upstream;
  if (upstream.key().empty())
    fmt::print("note: {} gives no upstream key; `gantry serve` needs one\n",
               to_string(upstream.keys.front().reference));
  return kOk;
}

int show(config::Inputs& inputs) {
  const auto config = load(inputs);
  if (!config) return config.error();
  fmt::print("{}", config::show(**config));
  return kOk;
}

}  // namespace

void add_config(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("config", "Look at the configuration");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  gantry config check --config gantry.toml\n"
      "  gantry config show > effective.toml\n"
      "  gantry config reference | less");
  auto inputs = std::make_shared<config::Inputs>();
  auto* check_command = command->add_subcommand("check", "Every mistake with its line and remedy");
  auto* show_command =
      command->add_subcommand("show", "What is in force, each value with its origin, no secrets");
  auto* reference_command = command->add_subcommand("reference", "All settings, as Markdown");
  add_config_flags(*check_command, *inputs, Flags::all);
  add_config_flags(*show_command, *inputs, Flags::all);
  check_command->callback([inputs, &chosen] { chosen = [inputs] { return check(*inputs); }; });
  show_command->callback([inputs, &chosen] { chosen = [inputs] { return show(*inputs); }; });
  reference_command->callback([&chosen] {
    chosen = [] {
      fmt::print("{}", config::reference());
      return kOk;
    };
  });
}

}  // namespace gantry::cli
