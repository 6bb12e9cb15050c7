#include "gateway/run.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "gateway/runtime.hpp"
#include "gateway/service_notify.hpp"
#include "launch/verify.hpp"
#include "observe/log.hpp"
#include "sim/serve.hpp"

namespace gantry::gateway {
namespace {

constexpr int kStopNow = SIGUSR1;  // how the loops tell the main thread: drained, or no use going on
constexpr std::string_view kSimulatedManagementKey = "sk-or-mgmt-simulated-key-0000000000000000000000000000";
constexpr std::string_view kSimulatedKey = "sk-or-v1-simulated-key-0000000000000000000000000000";

int refuse_to_start(std::string_view message, std::string_view remedy) {
  fmt::print(stderr, "gantry: {}\n    {}\n", message, remedy);
  return 2;
}

observe::Level level_of(std::string_view name) {
  if (name == "trace") return observe::Level::trace;
  if (name == "debug") return observe::Level::debug;
  if (name == "warn") return observe::Level::warn;
  if (name == "error") return observe::Level::error;
  return observe::Level::info;
}

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, kStopNow}) sigaddset(&set, signal);
  return set;
}

std::string url_of(const config::Config& config, const net::Endpoint& at) {
  return fmt::format("{}://{}", config.server.tls_certificate.empty() ? "http" : "https", at.text());
}

void point_at_simulator(config::Upstream& upstream, const std::string& base_url) {
  upstream.base_url = base_url;
  upstream.proxy.clear();
  if (upstream.keys.empty()) upstream.keys.emplace_back();  // the simulator asks for one
  for (auto& key : upstream.keys) key.secret = Secret(std::string(kSimulatedKey));
}

// With --sim every upstream is the simulator in this process, whatever the configuration says; nothing else
// changes.
config::Snapshot point_at_simulator(const config::Config& config, const std::string& base_url) {
  auto out = std::make_shared<config::Config>(config);
  point_at_simulator(out->upstream, base_url);
  for (auto& upstream : out->upstreams) point_at_simulator(upstream, base_url);
  out->watch.management_key = Secret(std::string(kSimulatedManagementKey));
  return out;
}

class Process {
 public:
  explicit Process(const RunOptions& options) : options_(options), control_(connect_test_control()) {}
  int run();

 private:
  [[nodiscard]] const TimeSource& time() const { return control_ ? control_->time() : system_time_; }
  Result<config::Snapshot> load();
  void announce() const;
  void greet() const;
  void verify_in_background();
  int serve_until_drained();
  void reload();
  std::vector<config::Problem> take_new_config();

  const RunOptions& options_;
  SystemTime system_time_;
  std::unique_ptr<TestControl> control_;
  std::unique_ptr<sim::SimServer> simulator_;
  config::Snapshot config_;
  config::Snapshot started_;  // with what only a restart changes as it is in force
  std::unique_ptr<Runtime> runtime_;
  std::atomic<bool> key_refused_{false};
};

int Process::run() {
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: they inherit it
  auto loaded = config::load(options_.config);
  if (!loaded) {
    fmt::print(stderr, "{}", config::to_text(loaded.error()));
    return 2;
  }
  config_ = *loaded;
  if (!options_.sim && config_->upstream.key().empty())
    return refuse_to_start("there is no OpenRouter key.",
                           "Set OPENROUTER_API_KEY (or upstream.key in the configuration), or run gantry up "
                           "--sim, which has the "
                           "built-in simulator inside and costs nothing.");
  if (options_.sim) {
    sim::SimServerOptions sim;
    sim.sim = options_.sim_options;
    auto started = sim::SimServer::start(time(), std::move(sim));
    if (!started) return refuse_to_start(started.error().detail, "Mend the simulator's catalogue or script.");
    simulator_ = std::move(*started);
    if (control_) simulator_->each_loop([this](net::Loop& loop) { control_->register_loop(loop); });
    config_ = point_at_simulator(*config_, simulator_->base_url());
  }
  observe::start_log(level_of(config_->log.level),
                     config_->log.format == "json" ? observe::LogFormat::json : observe::LogFormat::text,
                     &time());
  auto runtime = Runtime::create(config_, options_.sim, time(), control_.get());
  if (!runtime) {
    observe::stop_log();
    return refuse_to_start(runtime.error().detail,
                           runtime.error().fault == Fault::bad_input
                               ? "Mend the file or the setting named."
                               : "Is another gantry running? Choose another port with --listen HOST:PORT, or "
                                 "mend the setting named.");
  }
  runtime_ = std::move(*runtime);
  started_ = config_;
  runtime_->start();
  announce();
  greet();
  if (options_.verify_first) verify_in_background();
  const int code = serve_until_drained();
  runtime_->stop();
  if (control_ && simulator_) simulator_->each_loop([this](net::Loop& loop) { control_->forget_loop(loop); });
  simulator_.reset();
  observe::stop_log();
  return code;
}

// Commands on this machine find the server by the state directory that it holds.
void Process::announce() const {
  auto at = runtime_->local();
  if (at.address == "0.0.0.0") at.address = "127.0.0.1";
  if (at.address == "::") at.address = "::1";
  if (const auto told = runtime_->treasury().announce(url_of(*config_, at)); !told)
    observe::log(observe::Level::warn, "not_announced", {{"error", told.error().detail}});
}

void Process::greet() const {
  const std::string url = url_of(*config_, runtime_->local());
  fmt::print("listening on {}\n", url);
  if (options_.sim)
    fmt::print("SIMULATED: answers come from the built-in simulator at {}; no key, no network, no cost.\n",
               simulator_->base_url());
  fmt::print(
      "\nTry it (the model is one that is gone, so that you see a fallback answer):\n\n"
      "  curl -i {}/api/v1/chat/completions -H 'Content-Type: application/json' \\\n"
      "    -d "
      "'{{\"model\":\"anthropic/"
      "claude-3.5-sonnet\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n\n"
      "Next: {}/health/openrouter   {}/metrics   gantry verify   gantry config show\n\n",
      url, url, url);
  std::fflush(stdout);
  observe::log(observe::Level::info, "listening",
               {{"url", url},
                {"shards", static_cast<std::int64_t>(runtime_->shards())},
                {"max_client_connections", static_cast<std::int64_t>(runtime_->max_clients())},
                {"upstream", config_->upstream.base_url},
                {"simulated", options_.sim}});
  notify_service_manager("READY=1");
  emit_event(control_.get(), "listening");
}

// Starting never waits for OpenRouter: the checks run while the gateway already serves. What fails is loud;
// only a key that upstream refuses ends the process, because no call could succeed.
Task<void> verify_or_refuse(engine::Shard& shard, config::Snapshot config, bool simulated,
                            std::function<void()> refuse) {
  const bool usable =
      co_await launch::verify_and_print(shard.upstreams(), shard.loop(), std::move(config), simulated);
  if (!usable) refuse();
}

void Process::verify_in_background() {
  const pthread_t self = pthread_self();
  std::function<void()> refuse = [this, self] {
    key_refused_ = true;
    pthread_kill(self, kStopNow);
  };
  runtime_->run_on_first([config = config_, simulated = options_.sim, refuse](engine::Shard& shard) {
    return verify_or_refuse(shard, config, simulated, refuse);
  });
}

void Process::reload() {
  notify_service_manager("RELOADING=1");
  const auto problems = take_new_config();
  for (const auto& problem : problems)
    observe::log(observe::Level::error, "reload_refused",
                 {{"where", problem.where}, {"problem", problem.message}, {"remedy", problem.remedy}});
  if (problems.empty()) observe::log(observe::Level::info, "reloaded", {{"source", config_->source}});
  notify_service_manager("READY=1");
  emit_event(control_.get(), problems.empty() ? "reloaded" : "reload_refused");
}

// All or nothing: what is wrong, or the new configuration is in force.
std::vector<config::Problem> Process::take_new_config() {
  auto loaded = config::load(options_.config);
  if (!loaded) return std::move(loaded.error());
  auto next = options_.sim ? point_at_simulator(**loaded, simulator_->base_url()) : *loaded;
  if (const auto taken = runtime_->configure(next); !taken)
    return {
        {next->source, taken.error().detail,
         "Mend what is named, or restart gantry to take it over; until then the old configuration holds."}};
  for (const auto& line : config::needs_restart(*started_, *next))
    observe::log(observe::Level::warn, "reload_needs_restart", {{"setting", line}});
  observe::set_log_level(level_of(next->log.level));
  config_ = std::move(next);
  return {};
}

int Process::serve_until_drained() {
  const sigset_t signals = handled_signals();
  const pthread_t self = pthread_self();
  bool draining = false;
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (key_refused_)
      return refuse_to_start(
          "OpenRouter refused the key (401).",
          "Check the key at https://openrouter.ai/settings/keys and set OPENROUTER_API_KEY anew.");
    if (signal == kStopNow && draining) return 0;
    if (signal == SIGHUP) reload();
    if (signal != SIGTERM && signal != SIGINT) continue;
    if (draining) {
      observe::log(observe::Level::warn, "stopped", {{"why", "a second signal"}});
      observe::stop_log();
      std::_Exit(0);  // at once: nothing of what is still under way is waited for
    }
    draining = true;
    notify_service_manager("STOPPING=1");
    observe::log(observe::Level::info, "draining", {{"signal", static_cast<std::int64_t>(signal)}});
    runtime_->drain([self] { pthread_kill(self, kStopNow); });
    emit_event(control_.get(), "draining");
  }
}

}  // namespace

int run_gateway(const RunOptions& options) { return Process(options).run(); }

}  // namespace gantry::gateway
