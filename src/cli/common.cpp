#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <cstdio>

#include "cli/command.hpp"
#include "cli/run.hpp"
#include "config/units.hpp"

namespace gantry::cli {

void add_config_flags(CLI::App& command, config::Inputs& inputs, Flags flags) {
  command
      .add_option("--config", inputs.file,
                  "Configuration file (default: $GANTRY_CONFIG, gantry.toml, "
                  "/etc/gantry/gantry.toml)")
      ->type_name("FILE");
  if (flags == Flags::only_config) return;
  command
      .add_option("--base-url", inputs.base_url,
                  "The API that answers (default: https://openrouter.ai/api/v1)")
      ->type_name("URL");
  if (flags == Flags::all)
    command.add_option("--listen", inputs.listen, "Where clients connect (default: 127.0.0.1:8700)")
        ->type_name("HOST:PORT");
}

void add_sim_flags(CLI::App& command, sim::SimOptions& options, const std::string& prefix) {
  const auto add = [&](const char* name, auto& value, const char* help, const char* type) {
    return command.add_option("--" + prefix + name, value, help)->type_name(type);
  };
  add("seed", options.seed, "Everything random follows from it (default: 1)", "N");
  add("catalogue", options.catalogue_file, "A models list in OpenRouter's format instead of the built-in one",
      "FILE");
  add("script", options.script_file, "A timeline of faults", "FILE");
  add("tokens-per-second", options.tokens_per_second, "Pace of streams (default: 0, at once)", "N")
      ->check(CLI::Range(0.0, 1e6));
  add("jitter", options.jitter, "Share of each delay that is random, 0 to 1 (default: 0)", "N")
      ->check(CLI::Range(0.0, 1.0));
  add("free-per-minute", options.free_per_minute, "Calls of :free models a minute (default: 20; 0: no limit)",
      "N")
      ->check(CLI::Range(0, 1'000'000));
  command
      .add_option_function<std::string>(
          "--" + prefix + "first-token",
          [&options](const std::string& text) {
            const auto duration = config::parse_duration(text);
            if (!duration)
              throw CLI::ValidationError("--first-token", duration.error().detail + ", such as 250ms");
            options.first_token = *duration;
          },
          "Time to the first token (default: 0s)")
      ->type_name("DURATION");
}

std::expected<config::Snapshot, int> load(config::Inputs& inputs) {
  inputs.environment = config::process_environment();
  auto config = config::load(inputs);
  if (config) return std::move(*config);
  fmt::print(stderr, "{}", config::to_text(config.error()));
  return std::unexpected(kUsage);
}

bool has_key(const config::Config& config) {
  if (!config.upstream.key().empty()) return true;
  fmt::print(stderr,
             "no upstream key: {} gives none\n"
             "    set it (export OPENROUTER_API_KEY=…, from https://openrouter.ai/keys), or try everything "
             "without a "
             "key: gantry up --sim\n",
             to_string(config.upstream.keys.front().reference));
  return false;
}

}  // namespace gantry::cli
