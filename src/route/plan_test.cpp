#include <gmock/gmock.h>

#include "route/plan_driving.hpp"

namespace gantry::route {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::vector<ModelOf> chain_of(std::size_t models) { return std::vector<ModelOf>(models); }

// ---- order

TEST(Plan, asks_the_chain_in_its_order_and_stops_when_the_tries_are_used_up) {
  PlanDriver call(chain_of(4));
  call.first();
  EXPECT_EQ(call.model(), 0u);
  EXPECT_EQ(call.attempt().because, Because::first);
  for (const std::size_t expected : {1u, 2u, 3u}) {
    call.next(Outcome::overloaded);
    EXPECT_EQ(call.model(), expected);
    EXPECT_EQ(call.attempt().at, kBegin) << "another model needs no pause";
    EXPECT_EQ(call.attempt().because, Because::next_model);
  }
  call.next(Outcome::overloaded);
  EXPECT_TRUE(call.stopped(Halt::tries));
  EXPECT_EQ(call.plan->attempts(), 4);
}

TEST(Plan, has_an_attempt_for_every_model_however_few_retries) {
  PlanDriver call(chain_of(6), {.retries = 0});
  call.first();
  for (std::size_t i = 1; i < 6; ++i) {
    call.next(Outcome::upstream_error);
    EXPECT_EQ(call.model(), i);
  }
  call.next(Outcome::upstream_error);
  EXPECT_TRUE(call.stopped(Halt::tries));
}

TEST(Plan, asks_a_lone_model_again_after_growing_pauses_of_full_jitter) {
  Duration most[5]{};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    PlanDriver call(chain_of(1), {.retries = 5});
    call.random = Random(seed);
    call.first();
    for (int retry = 0; retry < 5; ++retry) {
      const MonoTime before = call.now;
      call.next(Outcome::overloaded);
      ASSERT_EQ(call.model(), 0u);
      EXPECT_EQ(call.attempt().because, Because::same_model);
      most[retry] = std::max(most[retry], call.attempt().at - before);
    }
    call.next(Outcome::overloaded);
    EXPECT_TRUE(call.stopped(Halt::tries));
  }
  Duration ceiling = milliseconds{500};
  for (const Duration seen : most) {
    EXPECT_LE(seen, ceiling);
    EXPECT_GE(seen, ceiling * 9 / 10);
    ceiling = std::min<Duration>(ceiling * 2, seconds{8});
  }
}

TEST(Plan, asks_the_least_asked_again_first) {
  PlanDriver call(chain_of(2), {.retries = 5});
  call.first();
  call.next(Outcome::overloaded);
  for (const std::size_t expected : {0u, 1u, 0u, 1u}) {
    call.next(Outcome::overloaded);
    EXPECT_EQ(call.model(), expected);
  }
}

TEST(Plan, never_asks_what_cannot_do_the_request) {
  PlanDriver call({{}, {.cannot = true}, {}});
  call.first();
  call.next(Outcome::silent);
  EXPECT_EQ(call.model(), 2u);
  call.next(Outcome::silent);
  EXPECT_TRUE(call.stopped(Halt::asked));
  EXPECT_EQ(call.plan->skipped(1), Skip::cannot);
  EXPECT_EQ(call.plan->skipped(2), Skip::none);
}

// ---- DESIGN §4, the table

struct Row {
  const char* what;
  Outcome outcome;
  Scope scope;
  bool again;  // may the same model be asked again, when there is no other?
  bool next;   // may another be?
};
const Row kRows[] = {
    {"empty", Outcome::empty, Scope::model, true, true},
    {"rate limited", Outcome::rate_limited, Scope::model, true, true},
    {"overloaded", Outcome::overloaded, Scope::provider, true, true},
    {"upstream error", Outcome::upstream_error, Scope::model, true, true},
    {"unreachable", Outcome::unreachable, Scope::upstream, true, true},
    {"reset after the request was sent", Outcome::ambiguous, Scope::model, true, true},
    {"silent, or a timeout after it was sent", Outcome::silent, Scope::model, false, true},
    {"slow", Outcome::slow, Scope::model, false, true},
    {"gone", Outcome::model_missing, Scope::model, false, true},
    {"filtered out", Outcome::model_missing, Scope::request, false, true},
    {"too long", Outcome::too_long, Scope::request, false, true},
    {"refused content", Outcome::refused_content, Scope::request, false, false},
    {"bad request", Outcome::bad_request, Scope::request, false, false},
    {"bad key", Outcome::bad_key, Scope::key, false, false},
    {"out of money", Outcome::out_of_money, Scope::key, false, false},
    {"cancelled", Outcome::cancelled, Scope::request, false, false},
    {"delivered", Outcome::delivered, Scope::request, false, false},
};

TEST(PlanTable, same_model_again_and_next_model_follow_the_design) {
  for (const Row& row : kRows) {
    PlanDriver lone(chain_of(1));
    lone.first();
    lone.next(row.outcome, row.scope);
    EXPECT_EQ(lone.model() == 0u, row.again) << row.what;
    PlanDriver two(chain_of(2));
    two.first();
    two.next(row.outcome, row.scope);
    EXPECT_EQ(two.model() == 1u, row.next) << row.what;
  }
}

TEST(PlanTable, an_empty_answer_and_a_reset_are_tried_again_once) {
  for (const Outcome outcome : {Outcome::empty, Outcome::ambiguous}) {
    PlanDriver call(chain_of(1), {.retries = 5});
    call.first();
    call.next(outcome);
    EXPECT_EQ(call.model(), 0u) << name(outcome);
    call.next(outcome);
    EXPECT_TRUE(call.stopped(Halt::asked)) << name(outcome);
  }
}

TEST(PlanTable, refused_content_falls_back_only_where_the_route_says_so) {
  PlanDriver call(chain_of(2), {.fallback_on_policy = true});
  call.first();
  call.next(Outcome::refused_content, Scope::request);
  EXPECT_EQ(call.model(), 1u);
  call.next(Outcome::refused_content, Scope::request);
  EXPECT_TRUE(call.stopped(Halt::asked));
}

TEST(PlanTable, what_must_not_be_retried_is_not) {
  PlanDriver call(chain_of(1));
  call.first();
  call.next(Verdict{.outcome = Outcome::overloaded, .scope = Scope::model, .no_retry = true});
  EXPECT_TRUE(call.stopped(Halt::asked));
}

TEST(PlanTable, nothing_follows_once_the_answer_has_begun) {
  for (int outcome = 0; outcome < kOutcomes; ++outcome) {
    PlanDriver call(chain_of(3));
    call.first();
    const Verdict verdict{.outcome = static_cast<Outcome>(outcome), .scope = Scope::model};
    const Step step =
        call.plan->next({.verdict = verdict, .begun = true}, call.now, call.shared, call.random);
    ASSERT_TRUE(std::holds_alternative<Stop>(step));
    EXPECT_EQ(std::get<Stop>(step).why, Halt::begun);
  }
}

TEST(Plan, after_too_long_asks_only_what_may_be_larger) {
  PlanDriver call({{.context = 100}, {.context = 50}, {.context = 100}, {.context = 0}, {.context = 101}});
  call.first();
  call.next(Outcome::too_long, Scope::request);
  EXPECT_EQ(call.model(), 3u) << "what is not known may be larger";
  call.next(Outcome::too_long, Scope::request);
  EXPECT_EQ(call.model(), 4u);
  call.next(Outcome::too_long, Scope::request);
  EXPECT_TRUE(call.stopped(Halt::asked));
  EXPECT_EQ(call.plan->skipped(1), Skip::too_small);
  EXPECT_EQ(call.plan->skipped(2), Skip::too_small);
}

// ---- keys and money

TEST(PlanKeys, a_refused_key_gives_way_to_the_next_at_once) {
  PlanDriver call(chain_of(1), {}, seconds{600}, {3});
  call.begin_with_key(0, 1);
  call.first();
  EXPECT_EQ(call.attempt().key, 1u);
  for (const std::size_t expected : {2u, 0u}) {
    call.next(Outcome::bad_key, Scope::key);
    ASSERT_EQ(call.model(), 0u);
    EXPECT_EQ(call.attempt().key, expected);
    EXPECT_EQ(call.attempt().at, kBegin);
    EXPECT_EQ(call.attempt().because, Because::next_key);
  }
  call.next(Outcome::bad_key, Scope::key);
  EXPECT_TRUE(call.stopped(Halt::keys));
}

TEST(PlanKeys, when_no_key_is_left_the_next_upstream_is_asked) {
  PlanDriver call({{}, {}, {.source = 1}});
  call.first();
  call.next(Outcome::bad_key, Scope::request);  // a suspicion is enough within the call
  EXPECT_EQ(call.model(), 2u);
  EXPECT_EQ(call.plan->skipped(1), Skip::key_refused);
}

TEST(PlanKeys, without_money_a_free_model_of_the_chain_is_asked) {
  PlanDriver call({{}, {}, {.is_free = true}});
  call.first();
  call.next(Outcome::out_of_money, Scope::key);
  EXPECT_EQ(call.model(), 2u);
  EXPECT_EQ(call.plan->skipped(1), Skip::no_credit);
  call.next(Outcome::out_of_money, Scope::key);
  EXPECT_TRUE(call.stopped(Halt::keys)) << "a negative balance refuses free ones too";
}

TEST(PlanKeys, a_key_held_for_want_of_credit_still_opens_free_models) {
  PlanDriver call({{}, {.is_free = true}});
  call.table.hold(call.key(0, 0).key, OpenReason::out_of_money, call.now);
  call.first();
  EXPECT_EQ(call.model(), 1u);
}

TEST(PlanKeys, the_last_attempt_of_a_model_is_not_spent_on_another_key) {
  PlanDriver call(chain_of(3), {.retries = 2}, seconds{600}, {2});
  call.first();
  call.next(Outcome::bad_key, Scope::key);
  EXPECT_EQ(call.model(), 1u);
  EXPECT_EQ(call.attempt().key, 1u);
}

TEST(PlanKeys, a_spent_free_allowance_takes_the_free_models_of_its_key_out) {
  PlanDriver call({{.is_free = true}, {.is_free = true}, {}});
  call.first();
  call.next(Verdict{.outcome = Outcome::rate_limited,
                    .scope = Scope::free_allowance,
                    .no_retry = true,
                    .free_cap = FreeCap::daily},
            std::chrono::hours{5});
  EXPECT_EQ(call.model(), 2u);
  EXPECT_EQ(call.plan->skipped(1), Skip::free_cap);
}

TEST(PlanKeys, a_402_about_the_size_is_mended_once_and_else_told) {
  const Verdict size{.outcome = Outcome::out_of_money, .key = KeyDoubt::suspected, .affordable_tokens = 100};
  PlanDriver told(chain_of(2));
  told.first();
  told.next(size);
  EXPECT_TRUE(told.stopped(Halt::answered));
  PlanDriver mends(chain_of(2));
  mends.first();
  mends.next(size, {}, true);
  EXPECT_EQ(mends.model(), 0u);
  EXPECT_EQ(mends.attempt().because, Because::mended);
  EXPECT_EQ(mends.attempt().at, kBegin);
  mends.next(size, {}, true);
  EXPECT_TRUE(mends.stopped(Halt::answered));
}

TEST(PlanKeys, what_is_mended_takes_no_other_models_attempt_and_needs_no_retry) {
  const Verdict size{.outcome = Outcome::out_of_money, .key = KeyDoubt::suspected, .affordable_tokens = 100};
  PlanDriver alone(chain_of(1), {.retries = 0});
  alone.first();
  alone.next(size, {}, true);
  EXPECT_EQ(alone.attempt().because, Because::mended);
  PlanDriver two(chain_of(2), {.retries = 0});
  two.first();
  two.next(size, {}, true);
  EXPECT_EQ(two.attempt().because, Because::mended);
  two.next(Outcome::overloaded);
  EXPECT_EQ(two.model(), 1u);
  two.next(Outcome::overloaded);
  EXPECT_TRUE(two.stopped(Halt::tries));
}

// ---- whole upstreams

TEST(PlanUpstreams, one_that_failed_as_a_whole_comes_after_the_others_and_after_a_pause) {
  PlanDriver call({{}, {}, {.source = 1}});
  call.first();
  call.next(Outcome::unreachable, Scope::upstream);
  EXPECT_EQ(call.model(), 2u) << "not model by model";
  EXPECT_EQ(call.attempt().at, kBegin);
  call.next(Outcome::silent);
  EXPECT_EQ(call.model(), 1u);
  EXPECT_GT(call.attempt().at, kBegin);
  EXPECT_LE(call.attempt().at, kBegin + milliseconds{500});
}

// ---- upstream's wish

TEST(PlanWishes, another_model_answers_sooner_than_one_that_wants_to_be_left_alone) {
  PlanDriver call(chain_of(2));
  call.first();
  call.next(Outcome::rate_limited, Scope::model, seconds{2});
  EXPECT_EQ(call.model(), 1u);
  EXPECT_EQ(call.attempt().at, kBegin);
}

TEST(PlanWishes, a_lone_model_is_waited_for_when_that_fits_the_deadline) {
  PlanDriver call(chain_of(1));
  call.first();
  call.next(Outcome::rate_limited, Scope::model, seconds{20});
  ASSERT_EQ(call.model(), 0u);
  EXPECT_GE(call.attempt().at, kBegin + seconds{20});
  PlanDriver hurried(chain_of(1), {}, seconds{20});
  hurried.first();
  hurried.next(Outcome::rate_limited, Scope::model, seconds{20});
  EXPECT_TRUE(hurried.stopped(Halt::time));
  EXPECT_EQ(hurried.stop().retry_after, seconds{20});
}

TEST(PlanWishes, whoever_may_be_asked_soonest_is_asked_again) {
  PlanDriver call(chain_of(3), {.retries = 5});
  call.first();
  call.next(Outcome::rate_limited, Scope::model, seconds{300});
  call.next(Outcome::rate_limited, Scope::model, seconds{3});
  EXPECT_EQ(call.model(), 2u);
  call.next(Outcome::rate_limited, Scope::model, seconds{100});
  EXPECT_EQ(call.model(), 1u);
  EXPECT_EQ(call.attempt().at, kBegin + seconds{3});
}

TEST(PlanWishes, a_wish_about_the_key_holds_for_all_its_models) {
  PlanDriver call(chain_of(2), {}, seconds{600}, {2});
  call.first();
  call.next(Outcome::rate_limited, Scope::key, seconds{30});
  ASSERT_EQ(call.model(), 0u);
  EXPECT_EQ(call.attempt().key, 1u);
  EXPECT_EQ(call.attempt().because, Because::next_key);
  call.next(Outcome::rate_limited, Scope::key, seconds{20});
  ASSERT_EQ(call.model(), 1u);
  EXPECT_EQ(call.attempt().key, 1u);
  EXPECT_EQ(call.attempt().at, kBegin + seconds{20});
}

TEST(PlanWishes, an_absurd_wish_does_not_overflow) {
  PlanDriver call(chain_of(1));
  call.first();
  call.next(Outcome::rate_limited, Scope::model, Duration::max());
  EXPECT_TRUE(call.stopped(Halt::time));
}

// ---- the process's budget

TEST(PlanBudget, a_process_that_repeats_too_much_repeats_no_more_but_still_falls_back) {
  PlanDriver call(chain_of(2), {.retries = 5});
  while (call.retries.take(call.now)) {
  }
  call.first();
  call.next(Outcome::overloaded);
  EXPECT_EQ(call.model(), 1u);
  call.next(Outcome::overloaded);
  EXPECT_TRUE(call.stopped(Halt::budget));
}

TEST(PlanTexts, every_reason_has_words) {
  for (int i = 0; i <= static_cast<int>(Because::mended); ++i) EXPECT_NE(text(static_cast<Because>(i)), "");
  for (int i = 0; i <= static_cast<int>(Halt::budget); ++i) EXPECT_NE(text(static_cast<Halt>(i)), "");
  for (int i = 1; i <= static_cast<int>(Skip::too_late); ++i) EXPECT_NE(text(static_cast<Skip>(i)), "");
}

}  // namespace
}  // namespace gantry::route
