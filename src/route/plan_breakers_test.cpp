// Plans among breakers and deadlines.
#include <gmock/gmock.h>

#include "route/plan_driving.hpp"

namespace gantry::route {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::vector<ModelOf> chain_of(std::size_t models) { return std::vector<ModelOf>(models); }

// ---- breakers

TEST(PlanBreakers, what_is_inside_an_open_one_is_passed_over_with_the_reason) {
  PlanDriver call({{}, {}, {.is_free = true}, {.source = 1}, {}}, {}, seconds{600}, {1, 1});
  call.open(call.model_scope(0), minutes{1});
  call.open(call.key(0, 0).free_allowance, minutes{1}, OpenReason::free_cap);
  call.open(call.upstream(1), minutes{1});
  call.first();
  EXPECT_EQ(call.model(), 1u);
  EXPECT_EQ(call.attempt().because, Because::first);
  call.next(Outcome::silent);
  EXPECT_EQ(call.model(), 4u);
  call.next(Outcome::silent);
  EXPECT_TRUE(call.stopped(Halt::breakers));
  const Skip expected[] = {Skip::model_open, Skip::none, Skip::free_cap, Skip::upstream_open, Skip::none};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(call.plan->skipped(i), expected[i]) << i;
}

TEST(PlanBreakers, an_open_upstream_is_left_for_the_next_at_once) {
  PlanDriver call({{}, {}, {.source = 1}});
  call.open(call.upstream(0), minutes{1});
  call.first();
  EXPECT_EQ(call.model(), 2u);
}

TEST(PlanBreakers, a_call_whose_whole_chain_is_inside_open_ones_is_refused_at_once) {
  PlanDriver call(chain_of(3));
  call.open(call.model_scope(0), minutes{2});
  call.open(call.model_scope(1), seconds{40});
  call.open(call.model_scope(2), minutes{3});
  call.first();
  ASSERT_TRUE(call.stopped(Halt::breakers));
  EXPECT_EQ(call.stop().retry_after, seconds{40}) << "when the first of them may close";
  EXPECT_EQ(call.plan->attempts(), 0);
}

TEST(PlanBreakers, a_model_opens_no_sooner_than_what_it_lies_in) {
  PlanDriver call({{}, {.source = 1}});
  call.open(call.model_scope(0), seconds{10});
  call.open(call.upstream(0), seconds{30});
  call.open(call.key(1, 0).key, hours{1});
  call.first();
  ASSERT_TRUE(call.stopped(Halt::breakers));
  EXPECT_EQ(call.stop().retry_after, seconds{30});
}

TEST(PlanBreakers, clients_are_told_to_wait_at_least_a_second_and_a_minute_when_nobody_knows) {
  PlanDriver soon(chain_of(1));
  soon.open(soon.model_scope(0), milliseconds{200});
  soon.first();
  EXPECT_EQ(soon.stop().retry_after, seconds{1});
  PlanDriver held(chain_of(1));
  held.table.hold(held.key(0, 0).key, OpenReason::out_of_money, held.now);
  held.first();
  EXPECT_EQ(held.stop().retry_after, minutes{1});
}

TEST(PlanBreakers, a_repetition_ends_when_the_breaker_opened_meanwhile) {
  PlanDriver call(chain_of(1));
  call.first();
  call.open(call.model_scope(0), seconds{5});
  call.next(Outcome::overloaded);
  EXPECT_TRUE(call.stopped(Halt::breakers));
}

TEST(PlanBreakers, keys_inside_open_ones_are_passed_over) {
  PlanDriver call(chain_of(1), {}, seconds{600}, {3});
  call.open(call.key(0, 0).key, minutes{1});
  call.first();
  EXPECT_EQ(call.attempt().key, 1u);
}

TEST(PlanBreakers, only_the_client_whom_a_breaker_is_open_for_goes_around_it) {
  PlanDriver call(chain_of(2));
  const Client hostile{1}, other{std::uint64_t{2} << 32 | 2};
  for (int i = 0; i < 5; ++i)
    call.table.failed(0, call.model_scope(0), {.client = hostile}, call.now, call.random);
  Shared theirs{.scopes = call.table, .retries = call.retries, .client = hostile};
  Shared ours{.scopes = call.table, .retries = call.retries, .client = other};
  Plan first(call.chain(), {}, call.deadline), second(call.chain(), {}, call.deadline);
  EXPECT_EQ(std::get<Try>(first.first(call.now, theirs)).candidate, 1u);
  EXPECT_EQ(std::get<Try>(second.first(call.now, ours)).candidate, 0u);
}

// ---- probes

TEST(PlanProbes, the_first_call_after_the_time_takes_the_probe_and_the_others_go_around) {
  PlanDriver call(chain_of(2));
  call.open(call.model_scope(0), seconds{5});
  call.first();
  EXPECT_EQ(call.model(), 1u);
  call.now += seconds{5};
  call.restart();
  call.first();
  EXPECT_EQ(call.model(), 0u);
  EXPECT_TRUE(call.attempt().probes.model);
  const Try probe = call.attempt();
  call.restart();
  call.first();
  EXPECT_EQ(call.model(), 1u);
  EXPECT_FALSE(call.attempt().probes.model);
  // Its success brings everybody back.
  call.table.succeeded(0, call.model_scope(0), {}, probe.probes.model, call.now);
  call.restart();
  call.first();
  EXPECT_EQ(call.model(), 0u);
  EXPECT_FALSE(call.attempt().probes.model);
}

TEST(PlanProbes, all_scopes_that_are_due_on_the_way_are_probed_by_one_attempt) {
  PlanDriver call({{.is_free = true}});
  for (const ScopeId id :
       {call.upstream(), call.key(0, 0).key, call.key(0, 0).free_allowance, call.model_scope(0)})
    call.open(id, seconds{5});
  call.now += seconds{5};
  call.first();
  ASSERT_EQ(call.model(), 0u);
  const Probes& probes = call.attempt().probes;
  EXPECT_TRUE(probes.upstream && probes.key && probes.free_allowance && probes.model);
  const Way way = call.plan->way(call.attempt());
  EXPECT_EQ(way.probes.model, probes.model);
  EXPECT_EQ(way.free_allowance, call.key(0, 0).free_allowance);
}

TEST(PlanProbes, a_call_that_spent_one_prefers_closed_models) {
  PlanDriver call(chain_of(3));
  call.open(call.model_scope(0), seconds{5});
  call.open(call.model_scope(1), seconds{5});
  call.now += seconds{5};
  call.first();
  ASSERT_EQ(call.model(), 0u);
  call.next(Outcome::silent);
  EXPECT_EQ(call.model(), 2u);
  call.next(Outcome::silent);
  EXPECT_EQ(call.model(), 1u) << "better than no answer";
}

TEST(PlanProbes, a_probe_that_the_budget_does_not_allow_is_given_back) {
  PlanDriver call(chain_of(1));
  call.first();
  call.open(call.model_scope(0), milliseconds{100});
  call.now += milliseconds{100};
  while (call.retries.take(call.now)) {
  }
  call.next(Outcome::overloaded);
  EXPECT_TRUE(call.stopped(Halt::budget));
  EXPECT_EQ(call.table.breaker(call.model_scope(0)).gate({}, call.now), Gate::due);
}

// ---- time

TEST(PlanTime, every_attempt_leaves_ten_seconds_for_each_model_not_asked_yet) {
  PlanDriver call(chain_of(4), {.retries = 5});
  call.first();
  for (const int kept : {30, 20, 10, 0, 0, 0}) {
    EXPECT_EQ(call.attempt().until, call.deadline - seconds{kept});
    call.next(Outcome::overloaded);
  }
}

TEST(PlanTime, a_call_too_short_for_that_is_shared_equally) {
  PlanDriver call(chain_of(3), {}, seconds{12});
  call.first();
  for (const int until : {4, 8, 12}) {
    ASSERT_TRUE(call.model());
    EXPECT_EQ(call.attempt().until, kBegin + seconds{until});
    call.now = call.attempt().until;
    call.next(Outcome::silent);
  }
}

TEST(PlanTime, models_that_are_out_get_no_share) {
  PlanDriver call({{.context = 10}, {.context = 5}, {.cannot = true}, {.context = 20}});
  call.first();
  EXPECT_EQ(call.attempt().until, call.deadline - seconds{20});
  call.next(Outcome::too_long, Scope::request);
  EXPECT_EQ(call.model(), 3u);
  EXPECT_EQ(call.attempt().until, call.deadline);
}

TEST(PlanTime, nothing_begins_at_or_behind_the_deadline) {
  PlanDriver late(chain_of(2));
  late.now = late.deadline;
  Plan plan(late.chain(), {}, late.deadline);
  const Step step = plan.first(late.now, late.shared);
  ASSERT_TRUE(std::holds_alternative<Stop>(step));
  EXPECT_EQ(std::get<Stop>(step).why, Halt::time);
  PlanDriver call(chain_of(2));
  call.first();
  call.now = call.deadline;
  call.next(Outcome::silent);
  EXPECT_TRUE(call.stopped(Halt::time));
}

TEST(PlanTime, a_call_without_a_deadline_has_none) {
  PlanDriver call(chain_of(2));
  Plan plan(call.chain(), {}, kNever);
  EXPECT_EQ(std::get<Try>(plan.first(call.now, call.shared)).until, kNever);
}

}  // namespace
}  // namespace gantry::route
