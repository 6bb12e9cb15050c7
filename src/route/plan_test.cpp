#include "route/plan.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <optional>
#include <vector>

namespace gantry::route {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const MonoTime kStart{seconds{100}};
const MonoTime kDeadline = kStart + seconds{600};

std::optional<std::size_t> model_of(const Step& step) {
  if (const auto* next = std::get_if<Try>(&step)) return next->model;
  return std::nullopt;
}

TEST(Plan, walks_the_chain_in_order_and_then_stops) {
  Random random(1);
  Plan plan(4, {.retries = 3}, kDeadline);
  EXPECT_EQ(model_of(plan.first(kStart)), 0u);
  EXPECT_EQ(model_of(plan.next(0, Outcome::overloaded, {}, kStart, random)), 1u);
  EXPECT_EQ(model_of(plan.next(1, Outcome::model_missing, {}, kStart, random)), 2u);
  EXPECT_EQ(model_of(plan.next(2, Outcome::silent, {}, kStart, random)), 3u);
  EXPECT_FALSE(model_of(plan.next(3, Outcome::upstream_error, {}, kStart, random)));
  EXPECT_EQ(plan.attempts(), 4);
}

TEST(Plan, asks_a_lone_model_again_after_growing_pauses) {
  Random random(7);
  Plan plan(1, {.retries = 3}, kDeadline);
  MonoTime now = kStart;
  ASSERT_TRUE(model_of(plan.first(now)));
  Duration ceiling = milliseconds{500};
  for (int retry = 0; retry < 3; ++retry, ceiling *= 2) {
    const Step step = plan.next(0, Outcome::overloaded, {}, now, random);
    ASSERT_TRUE(model_of(step)) << "retry " << retry;
    const MonoTime at = std::get<Try>(step).at;
    EXPECT_GE(at, now);
    EXPECT_LE(at - now, ceiling);
    now = at;
  }
  EXPECT_FALSE(model_of(plan.next(0, Outcome::overloaded, {}, now, random)));
}

TEST(Plan, never_repeats_what_cannot_change) {
  Random random(1);
  for (const Outcome outcome : {Outcome::bad_request, Outcome::refused_content, Outcome::cancelled}) {
    Plan plan(3, {}, kDeadline);
    (void)plan.first(kStart);
    EXPECT_FALSE(model_of(plan.next(0, outcome, {}, kStart, random))) << name(outcome);
  }
  Plan lone(1, {}, kDeadline);
  (void)lone.first(kStart);
  EXPECT_FALSE(model_of(lone.next(0, Outcome::model_missing, {}, kStart, random)));
}

TEST(Plan, waits_for_retry_after_when_it_fits_and_drops_the_model_when_it_does_not) {
  Random random(1);
  Plan patient(1, {.retries = 3}, kDeadline);
  (void)patient.first(kStart);
  const Step waits = patient.next(0, Outcome::rate_limited, seconds{20}, kStart, random);
  ASSERT_TRUE(model_of(waits));
  EXPECT_GE(std::get<Try>(waits).at, kStart + seconds{20});
  Plan hurried(1, {.retries = 3}, kStart + seconds{10});
  (void)hurried.first(kStart);
  EXPECT_FALSE(model_of(hurried.next(0, Outcome::rate_limited, seconds{20}, kStart, random)));
}

TEST(Plan, does_not_wait_for_one_model_when_another_may_be_asked_sooner) {
  Random random(1);
  Plan plan(2, {.retries = 3}, kDeadline);
  (void)plan.first(kStart);
  ASSERT_EQ(model_of(plan.next(0, Outcome::rate_limited, seconds{300}, kStart, random)), 1u);
  const Step step = plan.next(1, Outcome::overloaded, {}, kStart, random);
  ASSERT_EQ(model_of(step), 1u);
  EXPECT_LE(std::get<Try>(step).at, kStart + seconds{1});
}

TEST(PlanProperty, tries_stay_within_the_allowance_and_the_deadline) {
  rc::check([] {
    const auto models = *rc::gen::inRange<std::size_t>(1, 6);
    const int retries = *rc::gen::inRange(0, 6);
    const MonoTime deadline = kStart + seconds{*rc::gen::inRange(1, 60)};
    Random random(*rc::gen::arbitrary<std::uint64_t>());
    Plan plan(models, {.retries = retries}, deadline);
    MonoTime now = kStart;
    Step step = plan.first(now);
    int tries = 0;
    while (const auto* next = std::get_if<Try>(&step)) {
      ++tries;
      RC_ASSERT(next->model < models);
      RC_ASSERT(next->at < deadline);
      now = std::max(now, next->at) + milliseconds{*rc::gen::inRange(0, 3000)};
      const auto outcome = static_cast<Outcome>(*rc::gen::inRange(1, kOutcomes));
      const auto wish = seconds{*rc::gen::inRange(0, 40)};
      step = plan.next(next->model, outcome, wish, std::min(now, deadline), random);
    }
    RC_ASSERT(tries == plan.attempts());
    RC_ASSERT(tries <= plan.allowance());
  });
}

}  // namespace
}  // namespace gantry::route
