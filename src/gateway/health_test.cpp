#include "gateway/health.hpp"

#include <gmock/gmock.h>

namespace gantry::gateway {
namespace {

using namespace std::chrono_literals;
using observe::Evidence;
using testing::HasSubstr;
using testing::Not;

constexpr WallTime kNow{1'790'000'000s};
const config::Health kPassive{};  // a window of 60 s
const config::Health kProbing{.window = 60s, .probe = true};

Evidence evidence(std::optional<Duration> success_age, std::optional<Duration> failure_age) {
  Evidence e;
  if (success_age) e.last_success = kNow - *success_age, e.success_model = "openai/gpt-4o-mini";
  if (failure_age) e.last_failure = kNow - *failure_age, e.failure = "overloaded";
  return e;
}

ProbeResult probed(Duration age, bool answered) {
  return {.at = kNow - age,
          .model = "a/probed",
          .answered = answered,
          .error = answered ? "" : "timed out after 5 s"};
}

TEST(OpenrouterHealth, table) {
  struct Row {
    std::string_view name;
    Evidence traffic;
    std::optional<ProbeResult> probe;
    int http;
    std::string_view begins;
  };
  const auto none = std::nullopt;
  constexpr std::string_view kByTraffic =
      R"({"status":"healthy","model":"openai/gpt-4o-mini","response_received":true,"evidence":"traffic",)";
  constexpr std::string_view kByProbe =
      R"({"status":"healthy","model":"a/probed","response_received":true,"evidence":"probe",)";
  constexpr std::string_view kSick =
      R"({"status":"unhealthy","model":null,"response_received":false,"evidence":"traffic",)";
  constexpr std::string_view kSickProbe =
      R"({"status":"unhealthy","model":"a/probed","response_received":false,"evidence":"probe",)";
  constexpr std::string_view kUnknown =
      R"({"status":"unknown","model":null,"response_received":false,"evidence":"none",)";
  const Row rows[] = {
      {"nothing ever happened", {}, none, 200, kUnknown},
      {"a call was answered just now", evidence(0s, none), none, 200, kByTraffic},
      {"the window's edge still counts", evidence(60s, none), none, 200, kByTraffic},
      {"past the edge it does not", evidence(60s + 1ns, none), none, 200, kUnknown},
      {"only failures", evidence(none, 1s), none, 503, kSick},
      {"an old success does not excuse new failures", evidence(61s, 1s), none, 503, kSick},
      {"a failure after a success within the window", evidence(5s, 1s), none, 200, kByTraffic},
      {"an old failure is forgotten", evidence(none, 61s), none, 200, kUnknown},
      {"a probe answered", {}, probed(10s, true), 200, kByProbe},
      {"a probe failed", {}, probed(10s, false), 503, kSickProbe},
      {"an old probe is forgotten", {}, probed(61s, true), 200, kUnknown},
      {"traffic is named before the probe", evidence(50s, none), probed(1s, true), 200, kByTraffic},
      {"real calls outweigh a failed probe", evidence(50s, none), probed(1s, false), 200, kByTraffic},
      {"a probe's answer within the window is a completion, too", evidence(none, 5s), probed(30s, true), 200,
       kByProbe},
      {"failed calls are named before a failed probe", evidence(none, 50s), probed(1s, false), 503, kSick},
      {"the clock was stepped back a little", evidence(-5s, none), none, 200, kByTraffic},
      {"the clock was stepped back a lot", evidence(-3600s, none), none, 200, kUnknown},
  };
  for (const auto& row : rows) {
    const HealthReply reply = openrouter_health(row.traffic, kPassive, row.probe, false, kNow);
    EXPECT_EQ(reply.status, row.http) << row.name;
    EXPECT_THAT(reply.body, testing::StartsWith(row.begins)) << row.name;
    EXPECT_THAT(reply.body, HasSubstr(R"("window_seconds":60)")) << row.name;
    EXPECT_EQ(reply.body.find(R"("error":)") != std::string::npos, row.http == 503) << row.name;
  }
}

TEST(OpenrouterHealth, whole_bodies) {
  EXPECT_EQ(
      openrouter_health(evidence(1500ms, std::nullopt), kPassive, std::nullopt, false, kNow).body,
      R"({"status":"healthy","model":"openai/gpt-4o-mini","response_received":true,"evidence":"traffic",)"
      R"("age_seconds":1.5,"window_seconds":60,"simulated":false})"
      "\n");
  EXPECT_EQ(
      openrouter_health({}, kProbing, probed(2s, false), true, kNow).body,
      R"({"status":"unhealthy","model":"a/probed","response_received":false,"evidence":"probe","age_seconds":2,)"
      R"("window_seconds":60,"error":"timed out after 5 s","simulated":true,)"
      R"("notice":"SIMULATED: answers come from the built-in simulator"})"
      "\n");
}

TEST(OpenrouterHealth, texts_say_what_happened_and_what_to_do) {
  EXPECT_THAT(openrouter_health(evidence(std::nullopt, 1s), kPassive, std::nullopt, false, kNow).body,
              testing::AllOf(HasSubstr("in the last 60 s; the latest ended as overloaded"),
                             HasSubstr("gantry verify")));
  EXPECT_THAT(openrouter_health({}, kPassive, std::nullopt, false, kNow).body,
              HasSubstr("health.probe = true"));
  EXPECT_THAT(openrouter_health({}, kProbing, std::nullopt, false, kNow).body,
              Not(HasSubstr("health.probe = true")));
}

TEST(OpenrouterHealth, a_probe_error_with_a_key_or_quotes_stays_clean) {
  ProbeResult probe = probed(1s, false);
  probe.error = "\"sk-or-v1-0123456789abcdef\"\nrefused";
  EXPECT_THAT(openrouter_health({}, kProbing, probe, false, kNow).body,
              HasSubstr(R"("error":"\"sk-***\"\nrefused")"));
}

TEST(DecideProbe, table) {
  struct Row {
    std::string_view name;
    config::Health health;
    Evidence traffic;
    ProbeState probes;
    ProbeDecision expected;
  };
  const auto none = std::nullopt;
  const auto known = ProbeDecision::use_what_is_known;
  const Row rows[] = {
      {"probes are off by default", kPassive, {}, {}, known},
      {"silence starts one", kProbing, {}, {}, ProbeDecision::start},
      {"an answered call makes it needless", kProbing, evidence(60s, none), {}, known},
      {"so does a failed one: the state is known", kProbing, evidence(none, 60s), {}, known},
      {"old traffic does not", kProbing, evidence(61s, 61s), {}, ProbeDecision::start},
      {"one at a time",
       kProbing,
       {},
       {.begun = kNow - 1s, .in_flight = true, .last = none},
       ProbeDecision::join},
      {"a slow one is joined even past the window",
       kProbing,
       {},
       {.begun = kNow - 90s, .in_flight = true, .last = none},
       ProbeDecision::join},
      {"at most one a window",
       kProbing,
       {},
       {.begun = kNow - 60s + 1ns, .in_flight = false, .last = none},
       known},
      {"the next window has its own",
       kProbing,
       {},
       {.begun = kNow - 60s, .in_flight = false, .last = none},
       ProbeDecision::start},
      {"a clock stepped far back does not stop probes for long",
       kProbing,
       {},
       {.begun = kNow + 3600s, .in_flight = false, .last = none},
       ProbeDecision::start},
  };
  for (const auto& row : rows)
    EXPECT_EQ(decide_probe(row.traffic, row.health, row.probes, kNow), row.expected) << row.name;
}

// The result of a probe is valid until the next may start, so a probing gateway never says "unknown" in
// between.
TEST(DecideProbe, leaves_no_gap_between_one_probes_evidence_and_the_next_probe) {
  const WallTime begun = kNow;
  ProbeState probes{.begun = begun, .in_flight = false, .last = probed(0s, true)};
  probes.last->at = begun + 5s;
  for (Duration later = 5s; later <= 120s; later += 1s) {
    const bool may_start = decide_probe({}, kProbing, probes, begun + later) == ProbeDecision::start;
    const auto reply = openrouter_health({}, kProbing, probes.last, false, begun + later);
    EXPECT_TRUE(may_start || reply.body.find("unknown") == std::string::npos)
        << later.count() << " ns after its start";
  }
}

TEST(Alive, says_only_that_the_process_lives) {
  EXPECT_EQ(alive(false).status, 200);
  EXPECT_EQ(alive(false).body, "{\"status\":\"alive\",\"simulated\":false}\n");
  EXPECT_THAT(alive(true).body, HasSubstr("SIMULATED"));
}

TEST(Ready, table) {
  struct Row {
    std::string_view name;
    Readiness state;
    int http;
    std::string_view begins;
  };
  const Row rows[] = {
      {"ready", {}, 200, R"({"status":"ready","config_loaded":true,"draining":false,"simulated":false})"},
      {"draining", {.draining = true}, 503, R"({"status":"draining",)"},
      {"no configuration yet",
       {.config_loaded = false},
       503,
       R"({"status":"starting","config_loaded":false,)"},
      {"simulated says so aloud",
       {.simulated = true},
       200,
       R"({"status":"ready","config_loaded":true,"draining":false,"simulated":true,"notice":"SIMULATED)"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(ready(row.state).status, row.http) << row.name;
    EXPECT_THAT(ready(row.state).body, testing::StartsWith(row.begins)) << row.name;
  }
}

}  // namespace
}  // namespace gantry::gateway
