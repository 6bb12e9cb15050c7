// gantry sim: the simulated OpenRouter.

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "base/url.hpp"
#include "cli/command.hpp"
#include "cli/run.hpp"
#include "gateway/test_control.hpp"
#include "sim/serve.hpp"

namespace gantry::cli {
namespace {

struct SimFlags {
  sim::SimServerOptions server;
  std::string listen = "127.0.0.1:8701";
};

int simulate(SimFlags& flags) {
  auto address = parse_host_port(flags.listen);
  if (!address) {
    fmt::print(stderr, "--listen {}: {}\n    write it like 127.0.0.1:8701\n", flags.listen,
               address.error().detail);
    return kUsage;
  }
  flags.server.address = std::move(address->host), flags.server.port = address->port;

  // Blocked before the server's threads begin, so that only sigwait below takes them.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  const auto control = gateway::connect_test_control();
  const SystemTime system;
  const TimeSource& time = control ? control->time() : system;
  const auto server = sim::SimServer::start(time, flags.server);
  if (!server) {
    fmt::print(stderr, "{}\n", server.error().detail);
    return kUsage;
  }
  if (control) (*server)->each_loop([&](net::Loop& loop) { control->register_loop(loop); });
  const HostPort at{flags.server.address, (*server)->port()};
  fmt::print(stderr, "SIMULATED OpenRouter listening on http://{}\n", to_string(at));
  int received = 0;
  ::sigwait(&stop, &received);
  if (control) (*server)->each_loop([&](net::Loop& loop) { control->forget_loop(loop); });
  (*server)->stop();
  return kOk;
}

}  // namespace

void add_sim(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("sim", "Simulate OpenRouter, with faults on demand");
  command->footer(
      "Examples:\n"
      "  gantry sim --first-token 300ms --tokens-per-second 50\n"
      "  OPENROUTER_BASE_URL=http://127.0.0.1:8701/api/v1 OPENROUTER_API_KEY=sk-or-… gantry serve");
  auto flags = std::make_shared<SimFlags>();
  command->add_option("--listen", flags->listen, "Where it listens (default: 127.0.0.1:8701)")
      ->type_name("HOST:PORT");
  command->add_option("--key", flags->server.sim.key,
                      "Accept only this key, which opens nothing else (default: any sk-or-…)");
  command->add_option("--threads", flags->server.threads, "Threads that serve (default: 1)")
      ->check(CLI::Range(1, 256));
  add_sim_flags(*command, flags->server.sim, "");
  command->callback([flags, &chosen] { chosen = [flags] { return simulate(*flags); }; });
}

}  // namespace gantry::cli
