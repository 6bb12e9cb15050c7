#include "cli/run.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <string.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "cli/command.hpp"

namespace gantry::cli {
namespace {

// Process lists show argv: whoever may list processes could read the key.
void wipe(char* argument) { explicit_bzero(argument, ::strlen(argument)); }

// `gantry sim --key` takes a key of the simulator's own, which opens nothing.
bool is_simulators_key(int argc, char** argv, int at) {
  return argc > 1 && std::string_view(argv[1]) == "sim" &&
         (std::string_view(argv[at - 1]) == "--key" || std::string_view(argv[at]).starts_with("--key="));
}

bool refuse_keys(int argc, char** argv) {
  bool found = false;
  for (int i = 1; i < argc; ++i) {
    if (!config::holds_key(argv[i]) || is_simulators_key(argc, argv, i)) continue;
    wipe(argv[i]);
    found = true;
  }
  if (found)
    fmt::print(
        stderr,
        "an OpenRouter key stands on the command line, where process lists and shell histories keep it\n"
        "    put it into the variable OPENROUTER_API_KEY or into a file that upstream.key names, and replace "
        "the "
        "key if others use this machine\n");
  return found;
}

}  // namespace

int run(int argc, char** argv) {
  if (refuse_keys(argc, argv)) return kUsage;
  CLI::App app("Gantry: a production gateway for OpenRouter", "gantry");
  app.set_version_flag("--version", "gantry " GANTRY_VERSION);
  app.require_subcommand(0, 1);
  app.footer(
      "Examples:\n"
      "  gantry up --sim                     try everything without a key\n"
      "  OPENROUTER_API_KEY=… gantry up      verify, then serve on 127.0.0.1:8700\n"
      "  gantry config check                 every mistake with its line and remedy\n"
      "  gantry keys create --name backend   a key for a client\n\n"
      "Exit codes: 0 fine, 1 a check or a server failed, 2 wrong command line or configuration.");
  Chosen chosen;
  add_up(app, chosen);
  add_serve(app, chosen);
  add_verify(app, chosen);
  add_breakers(app, chosen);
  add_sim(app, chosen);
  add_config(app, chosen);
  add_upstream_keys(app, chosen);
  add_keys(app, chosen);
  add_accounts(app, chosen);
  add_usage(app, chosen);
  add_ledger(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  for (int i = 1; i < argc; ++i)
    if (config::holds_key(argv[i])) wipe(argv[i]);
  if (chosen) return chosen();
  fmt::print("{}", app.help());
  return kUsage;
}

}  // namespace gantry::cli
