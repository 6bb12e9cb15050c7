// The gateway's health endpoints, and the probe behind one of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/probe.hpp"
#include "gateway/gateway.hpp"
#include "route/verdict.hpp"

namespace gantry::gateway {

Task<void> Gateway::serve_health(net::Exchange& exchange, Endpoint which) {
  HealthReply reply;
  if (which == Endpoint::health) {
    reply = alive(shared_.simulated);
  } else if (which == Endpoint::ready) {
    reply =
        ready({.config_loaded = true, .draining = shared_.draining.load(), .simulated = shared_.simulated});
  } else {
    const config::Snapshot config = shard_.config();
    const WallTime now = shared_.time.wall();
    ProbeDecision decision;
    {
      const std::lock_guard lock(shared_.probe_mutex);
      decision = decide_probe(shared_.observer.evidence(), config->health, shared_.probes, now);
      if (decision == ProbeDecision::start) shared_.probes.begun = now, shared_.probes.in_flight = true;
    }
    if (decision == ProbeDecision::start) co_await probe();
    if (decision == ProbeDecision::join) co_await await_other_probe();
    const std::lock_guard lock(shared_.probe_mutex);
    reply = openrouter_health(shared_.observer.evidence(), config->health, shared_.probes.last,
                              shared_.simulated, shared_.time.wall());
  }
  const std::array<net::Header, 2> headers{
      {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}};
  co_await exchange.reply(reply.status, headers, reply.body);
}

namespace {

// The default route's first model that OpenRouter serves; that there is one is checked with the
// configuration.
std::string probed_model(const config::Config& config) {
  const auto& models = config.routes.at("default").models;
  const auto own = [&](const auto& model) { return config::locate(config, model).upstream == 0; };
  const auto first = std::ranges::find_if(models, own);
  return first == models.end() ? models.front() : *first;
}

}  // namespace

Task<void> Gateway::probe() {
  const config::Snapshot config = shard_.config();
  const std::string model = probed_model(*config);
  const MonoTime deadline = shard_.loop().now() + config->health.probe_time;
  // 16 tokens: some providers refuse fewer (CONTRACT §3.1).
  auto body = fmt::format(R"({{"model":{},"messages":[{{"role":"user","content":"ping"}}],"max_tokens":16}})",
                          wire::json_quote(model));
  const auto fetched = co_await engine::probe(shard_, model, std::move(body), deadline);
  ProbeResult result{.at = shared_.time.wall(), .model = model, .answered = false, .error = {}};
  if (!fetched) {
    result.error = fmt::format("the probe failed: {}", fetched.error().detail);
  } else if (fetched->status != 200) {
    result.error = wire::read_error(fetched->status, fetched->body).message;
  } else {
    wire::ReplyScanner scanner;
    const auto reply = scanner.reply(fetched->body);
    result.answered = reply && route::judge(*reply).outcome == route::Outcome::delivered;
    if (!result.answered) result.error = "the probe's reply holds no answer";
  }
  const std::lock_guard lock(shared_.probe_mutex);
  shared_.probes.in_flight = false;
  shared_.probes.last = std::move(result);
  for (const auto& waiter : std::exchange(shared_.probe_waiters, {}))
    waiter.loop->post([signal = waiter.signal] { signal->notify(); });
}

Task<void> Gateway::await_other_probe() {
  net::Signal ended;
  {
    const std::lock_guard lock(shared_.probe_mutex);
    if (!shared_.probes.in_flight) co_return;
    shared_.probe_waiters.push_back({&shard_.loop(), &ended});
  }
  co_await ended;
}

}  // namespace gantry::gateway
