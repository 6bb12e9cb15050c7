// gantry verify: the launch checks.

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "cli/run.hpp"
#include "launch/verify.hpp"

namespace gantry::cli {
namespace {

struct VerifyFlags {
  config::Inputs inputs;
  launch::VerifyOptions options;
  std::string format = "table";
};

int verify(VerifyFlags& flags) {
  const auto config = load(flags.inputs);
  if (!config) return config.error();
  if (!has_key(**config)) return kUsage;
  if (!(*config)->routes.contains(flags.options.route)) {
    fmt::print(stderr,
               "--route {}: there is no such route\n    add [routes.{}] to the configuration, or name one of",
               flags.options.route, flags.options.route);
    for (const auto& [name, route] : (*config)->routes) fmt::print(stderr, " {}", name);
    fmt::print(stderr, "\n");
    return kUsage;
  }
  const auto report = launch::verify_now(**config, flags.options);
  fmt::print("{}", flags.format == "json" ? launch::json(report) : launch::table(report));
  return report.passed() ? kOk : kCheckFailed;
}

}  // namespace

void add_verify(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("verify", "Prove that a route is ready for launch (costs a few tokens a model)");
  command->footer(
      "Examples:\n"
      "  gantry verify\n"
      "  gantry verify --route quick --format json\n\n"
      "Exits 0 when every check passed, 1 when one failed, 2 when the configuration is wrong.");
  auto flags = std::make_shared<VerifyFlags>();
  add_config_flags(*command, flags->inputs, Flags::without_listen);
  command->add_option("--route", flags->options.route, "The route to prove (default: default)")
      ->type_name("NAME");
  command->add_option("--format", flags->format, "table or json (default: table)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([flags, &chosen] { chosen = [flags] { return verify(*flags); }; });
}

}  // namespace gantry::cli
