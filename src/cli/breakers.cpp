// gantry breakers: what a running gateway leaves alone, and closing it again.

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "cli/run.hpp"
#include "gateway/admin_client.hpp"

namespace gantry::cli {
namespace {

struct BreakersFlags {
  config::Inputs inputs;
  std::string url;
  std::string format = "table";
  std::string name;
};

int wrong_url(const Failure& why, std::string_view url) {
  fmt::print(stderr, "--url {}: {}\n    write it like http://127.0.0.1:8700\n", url, why.detail);
  return kUsage;
}

// Who listens on every address is asked on this machine's own.
std::string reachable(const std::string& address) {
  if (address == "0.0.0.0") return "127.0.0.1";
  return address == "::" ? "::1" : address;
}

std::expected<net::BaseUrl, int> server_of(BreakersFlags& flags) {
  if (!flags.url.empty()) {
    auto given = net::parse_base_url(flags.url);
    if (!given) return std::unexpected(wrong_url(given.error(), flags.url));
    return std::move(*given);
  }
  const auto config = load(flags.inputs);
  if (!config) return std::unexpected(config.error());
  const auto& server = (*config)->server;
  return net::BaseUrl{.origin = {.https = !server.tls_certificate.empty(),
                                 .host = reachable(server.listen_address),
                                 .port = server.listen_port},
                      .path = {}};
}

// What the server refuses was asked wrongly; all else is the server's or the network's.
int explain(const Failure& why) {
  if (why.fault == Fault::bad_input) {
    fmt::print(stderr, "{}\n    gantry breakers lists the names\n", why.detail);
    return kUsage;
  }
  fmt::print(stderr,
             "{}\n    start the gateway (gantry up), or name one that runs on this machine with --url "
             "http://127.0.0.1:8700\n",
             why.detail);
  return kCheckFailed;
}

int list(BreakersFlags& flags) {
  const auto server = server_of(flags);
  if (!server) return server.error();
  const auto told = gateway::fetch_breakers(*server);
  if (!told) return explain(told.error());
  const auto table = flags.format == "json" ? *told : gateway::breakers_table(*told);
  if (!table) return explain(table.error());
  fmt::print("{}", *table);
  return kOk;
}

int reset(BreakersFlags& flags) {
  const auto server = server_of(flags);
  if (!server) return server.error();
  const auto closed = gateway::reset_breakers(*server, flags.name);
  if (!closed) return explain(closed.error());
  if (flags.format == "json")
    fmt::print("{{\"closed\":{}}}\n", *closed);
  else
    fmt::print("{} closed\n", *closed);
  return kOk;
}

}  // namespace

void add_breakers(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("breakers", "What a running gateway leaves alone because it failed, and why");
  command->footer(
      "Examples:\n"
      "  gantry breakers\n"
      "  gantry breakers --format json --url http://127.0.0.1:9000\n"
      "  gantry breakers reset\n"
      "  gantry breakers reset openai/gpt-4.1\n\n"
      "Exits 0 when the gateway answered, 1 when none did, 2 when what was asked is wrong.");
  auto flags = std::make_shared<BreakersFlags>();
  add_config_flags(*command, flags->inputs, Flags::only_config);
  command->add_option("--url", flags->url, "The gateway (default: where the configuration listens)")
      ->type_name("URL");
  command->add_option("--format", flags->format, "table or json (default: table)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}));
  command->fallthrough();
  auto* reset_command = command->add_subcommand("reset", "Close them: what was left alone is asked again");
  reset_command->fallthrough();
  reset_command->add_option("name", flags->name, "Those of this name only")->type_name("NAME");
  command->callback([flags, reset_command, &chosen] {
    chosen = [flags, resets = reset_command->parsed()] { return resets ? reset(*flags) : list(*flags); };
  });
}

}  // namespace gantry::cli
