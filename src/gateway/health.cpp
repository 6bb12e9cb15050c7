#include "gateway/health.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "observe/escape.hpp"

namespace gantry::gateway {
namespace {

using observe::Evidence;

bool within(WallTime moment, WallTime now, Duration window) {
  if (moment == WallTime{}) return false;  // never happened
  const Duration age = now - moment;
  return age <= window && -age <= window;
}

std::string seconds(Duration d) {
  return fmt::format("{}", static_cast<double>(d.count() / 1'000'000) / 1e3);
}

// Builds one JSON object, member by member.
class Body {
 public:
  Body& text(std::string_view key, std::string_view value) {
    begin(key);
    observe::append_json_string(out_, value);
    return *this;
  }
  Body& raw(std::string_view key, std::string_view json) {
    begin(key);
    out_ += json;
    return *this;
  }
  Body& truth(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  /// Where the answers come from, on every page, so that a rehearsal is never taken for the real thing.
  Body& upstream(bool simulated) {
    truth("simulated", simulated);
    return simulated ? text("notice", "SIMULATED: answers come from the built-in simulator") : *this;
  }
  std::string end() { return std::move(out_) + "}\n"; }

 private:
  void begin(std::string_view key) {
    out_ += out_.empty() ? '{' : ',';
    observe::append_json_string(out_, key);
    out_ += ':';
  }
  std::string out_;
};

enum class Source { none, traffic, probe };

std::string_view name(Source source) {
  switch (source) {
    case Source::none:
      return "none";
    case Source::traffic:
      return "traffic";
    case Source::probe:
      return "probe";
  }
  return "none";
}

struct Verdict {
  std::string_view status;
  int http;
  Source source;
  std::string_view model;  // empty when none is known
  std::string error;       // empty unless unhealthy
  std::optional<Duration> age;
};

Verdict judge(const Evidence& traffic, const config::Health& health, const std::optional<ProbeResult>& probe,
              WallTime now) {
  const bool probe_counts = probe && within(probe->at, now, health.window);
  if (within(traffic.last_success, now, health.window))
    return {"healthy", 200, Source::traffic, traffic.success_model, {}, now - traffic.last_success};
  if (probe_counts && probe->answered)
    return {"healthy", 200, Source::probe, probe->model, {}, now - probe->at};
  if (within(traffic.last_failure, now, health.window))
    return {
        "unhealthy",
        503,
        Source::traffic,
        {},
        fmt::format(
            "no call was answered in the last {} s; the latest ended as {}. The log has each call's line; "
            "gantry verify asks every model",
            seconds(health.window), traffic.failure),
        now - traffic.last_failure};
  if (probe_counts)
    return {"unhealthy",
            503,
            Source::probe,
            probe->model,
            probe->error.empty() ? "the probe was not answered" : probe->error,
            now - probe->at};
  return {"unknown", 200, Source::none, {}, {}, std::nullopt};
}

}  // namespace

ProbeDecision decide_probe(const Evidence& traffic, const config::Health& health, const ProbeState& probes,
                           WallTime now) {
  const bool traffic_speaks =
      within(traffic.last_success, now, health.window) || within(traffic.last_failure, now, health.window);
  if (!health.probe || traffic_speaks) return ProbeDecision::use_what_is_known;
  if (probes.in_flight) return ProbeDecision::join;
  const bool recent =
      probes.begun && within(*probes.begun, now, health.window) && now - *probes.begun != health.window;
  return recent ? ProbeDecision::use_what_is_known : ProbeDecision::start;
}

HealthReply openrouter_health(const Evidence& traffic, const config::Health& health,
                              const std::optional<ProbeResult>& probe, bool simulated, WallTime now) {
  const Verdict verdict = judge(traffic, health, probe, now);
  Body body;
  body.text("status", verdict.status);
  if (verdict.model.empty())
    body.raw("model", "null");
  else
    body.text("model", verdict.model);
  body.truth("response_received", verdict.status == "healthy").text("evidence", name(verdict.source));
  if (verdict.age) body.raw("age_seconds", seconds(std::max(*verdict.age, Duration::zero())));
  body.raw("window_seconds", seconds(health.window));
  if (!verdict.error.empty()) body.text("error", verdict.error);
  if (verdict.source == Source::none)
    body.text("detail", health.probe
                            ? "no call within the window, and no probe has ended in it"
                            : "no call within the window; set health.probe = true to ask a model when there "
                              "is no traffic (it costs a few tokens a window)");
  body.upstream(simulated);
  return {verdict.http, body.end()};
}

HealthReply alive(bool simulated) { return {200, Body().text("status", "alive").upstream(simulated).end()}; }

HealthReply ready(const Readiness& state) {
  const bool welcome = state.config_loaded && !state.draining;
  const std::string_view status = welcome ? "ready" : state.draining ? "draining" : "starting";
  Body body;
  body.text("status", status).truth("config_loaded", state.config_loaded).truth("draining", state.draining);
  return {welcome ? 200 : 503, body.upstream(state.simulated).end()};
}

}  // namespace gantry::gateway
