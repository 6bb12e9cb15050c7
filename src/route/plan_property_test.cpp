// Random fault scripts in virtual time. A failing property prints its seed and its smallest script.
#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "route/plan_driving.hpp"

namespace gantry::route {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Script {
  std::vector<ModelOf> chain{};
  PlanLimits limits;
  Duration time;
  std::vector<int> keys;
};

// A chain over two upstreams.
Script script() {
  Script made{
      .limits = {.retries = *rc::gen::inRange(0, 7), .fallback_on_policy = *rc::gen::arbitrary<bool>()},
      .time = seconds{*rc::gen::inRange(1, 120)},
      .keys = {*rc::gen::inRange(1, 4), 2}};
  const auto models = *rc::gen::inRange<std::size_t>(1, 7);
  for (std::size_t i = 0; i < models; ++i)
    made.chain.push_back({.source = *rc::gen::inRange<std::uint32_t>(0, 2),
                          .is_free = *rc::gen::arbitrary<bool>(),
                          .cannot = *rc::gen::inRange(0, 8) == 0,
                          .context = *rc::gen::inRange(0, 4) * 1000});
  return made;
}

// Some breakers open, some due.
void open_some(PlanDriver& call, std::size_t models) {
  const auto maybe = [&](ScopeId id, int one_in) {
    if (*rc::gen::inRange(0, one_in) == 0) call.open(id, milliseconds{*rc::gen::inRange(0, 60'000)});
  };
  for (std::size_t i = 0; i < models; ++i) maybe(call.model_scope(i), 3);
  for (std::size_t s = 0; s < 2; ++s) maybe(call.upstream(s), 6), maybe(call.key(s, 0).key, 4);
  call.now += milliseconds{*rc::gen::inRange(0, 30'000)};
  call.restart();
}

// Any end that is not an answer.
Verdict end_of_attempt() {
  return {.outcome = static_cast<Outcome>(*rc::gen::inRange(1, kOutcomes)),
          .scope = static_cast<Scope>(*rc::gen::inRange(0, kScopes)),
          .no_retry = *rc::gen::inRange(0, 5) == 0,
          .free_cap = static_cast<FreeCap>(*rc::gen::inRange(0, 3))};
}

std::int64_t ms(MonoTime t) { return std::chrono::duration_cast<milliseconds>(t - kBegin).count(); }

void log_attempt(const Try& attempt, const Verdict& verdict, Duration wish) {
  RC_LOG() << "model " << attempt.candidate << " key " << attempt.key << " from " << ms(attempt.at) << " to "
           << ms(attempt.until) << " ms, " << text(attempt.because) << ": " << name(verdict.outcome)
           << " at scope " << static_cast<int>(verdict.scope) << ", wish "
           << std::chrono::duration_cast<milliseconds>(wish).count() << " ms\n";
}

bool inside_open(const PlanDriver& call, const Try& attempt) {
  const Way way = call.plan->way(attempt);
  const auto open = [&](ScopeId id, Probe probe) {
    const Breaker breaker = call.table.breaker(id);
    if (id == way.key && breaker.reason() == OpenReason::out_of_money) return false;
    return breaker.gate({}, attempt.at) != Gate::closed && breaker.word() != probe.word;
  };
  return open(way.upstream, way.probes.upstream) || open(way.key, way.probes.key) ||
         open(way.free_allowance, way.probes.free_allowance) || open(way.model, way.probes.model);
}

TEST(PlanProperty, no_call_passes_its_allowance_its_deadline_or_an_open_breaker) {
  EXPECT_TRUE(rc::check([] {
    const Script made = script();
    PlanDriver call(made.chain, made.limits, made.time, made.keys);
    const std::size_t models = made.chain.size();
    open_some(call, models);
    const MonoTime deadline = call.now + made.time;
    CallFeed feed(call.table, 0, {});
    call.first();
    int tries = 0;
    while (call.model()) {
      const Try attempt = call.attempt();
      ++tries;
      RC_ASSERT(attempt.candidate < models);
      RC_ASSERT(attempt.at < attempt.until);
      RC_ASSERT(attempt.until <= deadline);
      RC_ASSERT(!inside_open(call, attempt));
      call.now = std::min(attempt.until, call.now + milliseconds{*rc::gen::inRange(0, 40'000)});
      const Verdict verdict = end_of_attempt();
      const Duration wish = milliseconds{*rc::gen::inRange(0, 3) * *rc::gen::inRange(0, 60'000)};
      log_attempt(attempt, verdict, wish);
      feed.ended(call.plan->way(attempt), {.verdict = verdict, .answered = true, .wish = wish}, call.now,
                 call.random);
      call.next(verdict, wish, *rc::gen::inRange(0, 4) == 0);
    }
    RC_ASSERT(tries == call.plan->attempts());
    RC_ASSERT(tries <= call.plan->allowance());
    RC_ASSERT(call.stop().retry_after >= seconds{1});
    for (std::size_t i = 0; i < models; ++i)
      RC_ASSERT(call.table.breaker(call.model_scope(i)).state() != Breaker::State::probing);
  }));
}

// The promise of DESIGN §4: one healthy model anywhere in the chain is reached with its share of the time,
// whatever the others do, while nothing that they do speaks of it.
TEST(PlanProperty, a_healthy_model_is_always_reached_within_its_share) {
  EXPECT_TRUE(rc::check([] {
    const auto models = *rc::gen::inRange<std::size_t>(1, 7);
    const auto healthy = *rc::gen::inRange<std::size_t>(0, models);
    const Duration time = seconds{*rc::gen::inRange(10, 600)};
    std::vector<ModelOf> chain(models);
    for (std::size_t i = 0; i < models; ++i) chain[i].source = *rc::gen::inRange<std::uint32_t>(0, 2);
    chain[healthy].source = 1;
    PlanDriver call(chain, {.retries = *rc::gen::inRange(0, 5)}, time, {2, 1});
    for (std::size_t i = 0; i < models; ++i)
      if (i != healthy && *rc::gen::inRange(0, 3) == 0)
        call.open(call.model_scope(i), milliseconds{*rc::gen::inRange(0, 9'000)});
    call.first();
    while (call.model() && call.model() != healthy) {
      const Try attempt = call.attempt();
      const bool same_upstream = chain[attempt.candidate].source == 1;
      call.now = *rc::gen::arbitrary<bool>() ? attempt.until : attempt.at;
      Verdict verdict{.outcome = *rc::gen::element(Outcome::empty, Outcome::rate_limited, Outcome::overloaded,
                                                   Outcome::unreachable, Outcome::ambiguous, Outcome::silent,
                                                   Outcome::slow, Outcome::model_missing, Outcome::too_long),
                      .scope = *rc::gen::element(Scope::request, Scope::model, Scope::provider)};
      if (*rc::gen::inRange(0, 4) == 0) verdict.scope = Scope::upstream;
      if (!same_upstream && *rc::gen::inRange(0, 3) == 0)
        verdict.outcome = *rc::gen::element(Outcome::bad_key, Outcome::out_of_money);
      const Duration wish = verdict.scope == Scope::upstream ? Duration{} : seconds{*rc::gen::inRange(0, 90)};
      log_attempt(attempt, verdict, wish);
      call.next(verdict, wish);
    }
    RC_ASSERT(call.model() == healthy);
    const Duration share = std::min<Duration>(seconds{10}, time / static_cast<std::int64_t>(models));
    // Behind an upstream that failed as a whole there is a pause of half a second at most.
    RC_ASSERT(call.attempt().until - call.attempt().at >= share - milliseconds{500});
  }));
}

// ---- many calls

struct Outage {
  PlanDriver call{std::vector<ModelOf>(3)};
  bool down = true;
  int on_primary = 0;
  std::size_t served_by = 99;

  // One call to its end; each attempt takes a hundred milliseconds.
  void one() {
    call.restart();
    CallFeed feed(call.table, 0, {});
    call.first();
    while (call.model()) {
      const Try attempt = call.attempt();
      const bool fails = attempt.candidate == 0 && down;
      on_primary += attempt.candidate == 0;
      call.now += milliseconds{100};
      const Verdict verdict{.outcome = fails ? Outcome::overloaded : Outcome::delivered,
                            .scope = fails ? Scope::model : Scope::request};
      feed.ended(call.plan->way(attempt), {.verdict = verdict, .answered = true}, call.now, call.random);
      if (!fails) {
        served_by = attempt.candidate;
        return;
      }
      call.next(verdict);
    }
    served_by = 99;
  }
};

TEST(PlanProperty, a_primary_that_was_down_for_a_minute_costs_few_attempts_and_comes_back_with_one_probe) {
  EXPECT_TRUE(rc::check([] {
    Outage outage;
    outage.call.random = Random(*rc::gen::arbitrary<std::uint64_t>());
    const Duration between = milliseconds{*rc::gen::inRange(0, 1500)};
    const MonoTime recovers = outage.call.now + minutes{1};
    while (outage.call.now < recovers) {
      outage.one();
      RC_ASSERT(outage.served_by == 1u);
      outage.call.now += between;
    }
    RC_ASSERT(outage.on_primary <= 9);
    outage.down = false;
    outage.on_primary = 0;
    const MonoTime latest = outage.call.now + seconds{51};  // 40 s and a quarter, the opening it was in
    while (outage.on_primary == 0) {
      outage.one();
      RC_ASSERT(outage.served_by <= 1u);
      outage.call.now += between;
    }
    RC_ASSERT(outage.call.now <= latest + between + milliseconds{200});
    for (int i = 0; i < 20; ++i) {
      outage.one();
      RC_ASSERT(outage.served_by == 0u);
    }
  }));
}

}  // namespace
}  // namespace gantry::route
