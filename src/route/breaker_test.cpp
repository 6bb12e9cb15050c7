#include <gmock/gmock.h>

#include "route/breaker_driving.hpp"

namespace gantry::route {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// ---- runs

TEST(Breaker, opens_after_five_hard_failures_in_a_row) {
  Driven breaker;
  breaker.fails(4);
  EXPECT_EQ(breaker.gate(), Gate::closed);
  breaker.fail();
  EXPECT_EQ(breaker.gate(), Gate::open);
  EXPECT_EQ(breaker.word.reason(), OpenReason::run);
  EXPECT_EQ(breaker.word.time(breaker.now) - breaker.now, seconds{5});
}

TEST(Breaker, forgets_a_run_at_the_first_success) {
  Driven breaker;
  breaker.succeeds(20);
  for (int i = 0; i < 4; ++i) {
    breaker.fails(4);
    breaker.succeeds(6);
  }
  EXPECT_EQ(breaker.gate(), Gate::closed);
  EXPECT_TRUE(breaker.word.quiet());
}

TEST(Breaker, takes_a_longer_run_where_many_calls_succeeded_lately) {
  struct {
    int successes, needed;
  } const rows[] = {{0, 5}, {15, 5}, {16, 6}, {511, 6}, {512, 7}, {8000, 7}};
  for (const auto& row : rows) {
    Driven breaker;
    breaker.succeeds(row.successes);
    breaker.fails(row.needed - 1);
    EXPECT_EQ(breaker.gate(), Gate::closed) << row.successes;
    breaker.fail();
    EXPECT_EQ(breaker.gate(), Gate::open) << row.successes;
  }
}

TEST(Breaker, counts_runs_across_windows) {
  Driven breaker;
  for (int i = 0; i < 5; ++i) {
    breaker.fail();
    breaker.pass(minutes{1});
  }
  EXPECT_NE(breaker.gate(), Gate::closed);
}

// ---- rates

TEST(Breaker, opens_when_half_of_at_least_ten_ends_failed) {
  Driven breaker;
  for (int i = 0; i < 4; ++i) {
    breaker.succeed();
    breaker.fail();
  }
  breaker.succeed();
  EXPECT_EQ(breaker.gate(), Gate::closed);
  breaker.fail();
  EXPECT_EQ(breaker.gate(), Gate::open);
  EXPECT_EQ(breaker.word.reason(), OpenReason::rate);
}

TEST(Breaker, counts_soft_failures_in_the_rate_only) {
  Driven breaker;
  for (int i = 0; i < 9; ++i) breaker.fail({}, Severity::soft);
  EXPECT_EQ(breaker.gate(), Gate::closed);
  breaker.fail({}, Severity::soft);
  EXPECT_EQ(breaker.gate(), Gate::open);
}

TEST(Breaker, forgets_what_is_older_than_two_half_windows) {
  Driven breaker;
  for (int i = 0; i < 9; ++i) breaker.fail({}, Severity::soft);
  breaker.pass(seconds{30});
  breaker.fail({}, Severity::soft);
  EXPECT_EQ(breaker.gate(), Gate::closed);
}

TEST(Breaker, does_not_open_again_for_what_opened_it_before) {
  Driven breaker;
  for (int i = 0; i < 10; ++i) breaker.fail({}, Severity::soft);
  ASSERT_EQ(breaker.gate(), Gate::open);
  breaker.pass(seconds{5});
  ASSERT_TRUE(breaker.probe());
  breaker.succeed({}, true);
  breaker.fail({}, Severity::soft);
  EXPECT_EQ(breaker.gate(), Gate::closed) << "of the window only what lies behind the closing counts";
}

// ---- probes

TEST(Breaker, lets_one_probe_through_once_its_time_is_over) {
  Driven breaker;
  breaker.fails(5);
  breaker.pass(milliseconds{4900});
  EXPECT_EQ(breaker.gate(), Gate::open);
  EXPECT_FALSE(breaker.probe());
  breaker.pass(milliseconds{100});
  EXPECT_EQ(breaker.gate(), Gate::due);
  EXPECT_TRUE(breaker.probe());
  EXPECT_EQ(breaker.gate(), Gate::open);
  EXPECT_FALSE(breaker.probe());
  breaker.succeed({}, true);
  EXPECT_EQ(breaker.gate(), Gate::closed);
}

TEST(Breaker, is_open_twice_as_long_after_each_failed_probe_up_to_a_minute) {
  Driven breaker;
  breaker.fails(5);
  for (const int expected : {10, 20, 40, 60, 60, 60, 60, 60}) {
    breaker.fail_next_probe();
    EXPECT_EQ(breaker.word.time(breaker.now) - breaker.now, seconds{expected});
  }
}

TEST(Breaker, goes_on_doubling_when_it_opens_again_soon_and_starts_anew_after_a_calm) {
  for (const bool calm : {false, true}) {
    Driven breaker;
    breaker.fails(5);
    breaker.pass(seconds{5});
    ASSERT_TRUE(breaker.probe());
    breaker.succeed({}, true);
    breaker.pass(calm ? minutes{6} : minutes{1});
    breaker.fails(5);
    EXPECT_EQ(breaker.word.time(breaker.now) - breaker.now, seconds{calm ? 5 : 10});
  }
}

TEST(Breaker, jitters_every_opening_by_up_to_a_quarter) {
  for (const double jitter : {0.0, 0.5, 0.999}) {
    Breaker breaker;
    for (int i = 0; i < 5; ++i) breaker = breaker.failed({.jitter = jitter}, kLimits, kStart);
    const Duration open = breaker.time(kStart) - kStart;
    EXPECT_NEAR(std::chrono::duration<double>(open).count(), 5 * (1 + jitter / 4), 0.1);
  }
}

TEST(Breaker, stays_open_as_long_as_upstream_wishes_within_five_minutes) {
  struct {
    Duration wish, open;
  } const rows[] = {{seconds{3}, seconds{10}}, {seconds{45}, seconds{45}}, {hours{20}, minutes{5}}};
  for (const auto& row : rows) {
    Driven breaker;
    breaker.fails(5);
    breaker.pass(seconds{5});
    ASSERT_TRUE(breaker.probe());
    breaker.fail_probe({}, row.wish);
    EXPECT_EQ(breaker.word.time(breaker.now) - breaker.now, row.open);
  }
}

TEST(Breaker, is_due_again_at_once_when_the_probe_is_given_back) {
  Driven breaker;
  breaker.fails(5);
  breaker.pass(seconds{5});
  ASSERT_TRUE(breaker.probe());
  const Breaker taken = breaker.word;
  breaker.pass(seconds{1});
  breaker.word = breaker.word.given_back(taken, breaker.now);
  EXPECT_EQ(breaker.gate(), Gate::due);
  ASSERT_TRUE(breaker.probe());
  EXPECT_EQ(breaker.word.given_back(taken, breaker.now), breaker.word) << "another's probe is not given back";
}

TEST(Breaker, does_not_wait_for_ever_for_a_probe_that_never_reports) {
  Driven breaker;
  breaker.fails(5);
  breaker.pass(seconds{5});
  ASSERT_TRUE(breaker.probe());
  breaker.pass(seconds{59});
  EXPECT_FALSE(breaker.probe());
  breaker.pass(seconds{1});
  EXPECT_EQ(breaker.gate(), Gate::due);
  EXPECT_TRUE(breaker.probe());
}

TEST(Breaker, closes_by_a_late_probe_while_another_is_under_way) {
  Driven breaker;
  breaker.fails(5);
  breaker.pass(seconds{5});
  ASSERT_TRUE(breaker.probe());
  breaker.pass(seconds{60});
  ASSERT_TRUE(breaker.probe());
  breaker.succeed({}, true);
  EXPECT_EQ(breaker.gate(), Gate::closed);
}

TEST(Breaker, does_not_heed_attempts_that_began_before_it_opened) {
  Driven breaker;
  breaker.fails(5);
  const Breaker open = breaker.word;
  breaker.fail();
  breaker.succeed();
  EXPECT_EQ(breaker.word, open);
  breaker.pass(seconds{5});
  ASSERT_TRUE(breaker.probe());
  const Breaker probing = breaker.word;
  breaker.fail();
  breaker.succeed();
  EXPECT_EQ(breaker.word, probing);
}

// ---- told

TEST(Breaker, opens_until_a_time_and_never_for_less_than_it_was) {
  const Breaker day = Breaker().opened(OpenReason::free_cap, kStart + hours{13} + milliseconds{50});
  EXPECT_EQ(day.gate({}, kStart + hours{13} + milliseconds{49}), Gate::open);
  EXPECT_EQ(day.gate({}, kStart + hours{13} + milliseconds{100}), Gate::due);
  EXPECT_EQ(day.reason(), OpenReason::free_cap);
  EXPECT_EQ(day.opened(OpenReason::told, kStart + hours{1}), day);
}

TEST(Breaker, holds_a_key_until_somebody_says_otherwise) {
  const Breaker held = Breaker().held(OpenReason::out_of_money);
  const MonoTime later = kStart + hours{24 * 365};
  EXPECT_EQ(held.gate({}, later), Gate::open);
  EXPECT_EQ(held.time(later), kNever);
  EXPECT_FALSE(held.probed({}, kLimits, later));
  EXPECT_EQ(held.succeeded({}, true, later), held);
  EXPECT_EQ(held.opened(OpenReason::told, later), held);
  EXPECT_EQ(Breaker::reset(later).gate({}, later), Gate::closed);
}

void expect_openings(OpenReason reason, std::initializer_list<seconds> openings) {
  MonoTime now = kStart;
  Breaker breaker;
  for (const seconds expected : openings) {
    breaker = breaker.stated(reason, kLimits, 0, now);
    EXPECT_EQ(breaker.time(now) - now, expected);
    EXPECT_EQ(breaker.stated(reason, kLimits, 0, now), breaker) << "hearing it a second time is no news";
    now = breaker.time(now);
    const auto taken = breaker.probed({}, kLimits, now);
    ASSERT_TRUE(taken);
    breaker = *taken;
  }
  EXPECT_EQ(breaker.succeeded({}, true, now).gate({}, now), Gate::closed);
}

TEST(Breaker, of_a_model_that_is_gone_is_open_for_long_and_longer_when_a_probe_finds_it_so) {
  expect_openings(OpenReason::gone, {minutes{10}, minutes{20}, minutes{40}, minutes{60}, minutes{60}});
}

TEST(Breaker, of_a_refused_key_is_open_for_half_a_minute_at_first) {
  expect_openings(OpenReason::bad_key,
                  {seconds{30}, minutes{1}, minutes{2}, minutes{4}, minutes{8}, minutes{10}, minutes{10}});
}

TEST(Breaker, is_fresh_after_a_reset) {
  Driven breaker;
  for (int i = 0; i < 10; ++i) breaker.fail();
  breaker.fail_next_probe();
  breaker.word = Breaker::reset(breaker.now);
  EXPECT_EQ(breaker.gate(), Gate::closed);
  breaker.fail();
  EXPECT_EQ(breaker.gate(), Gate::closed);
  breaker.fails(4);
  EXPECT_EQ(breaker.word.time(breaker.now) - breaker.now, seconds{5});
}

TEST(Breaker, tells_times_apart_where_the_count_comes_round) {
  const MonoTime edge{milliseconds{100} * ((std::int64_t{1} << 32) - 10)};  // a second before it does
  Breaker breaker = Breaker::reset(edge - hours{1});
  for (int i = 0; i < 5; ++i) breaker = breaker.failed({}, kLimits, edge);
  EXPECT_EQ(breaker.gate({}, edge), Gate::open);
  EXPECT_EQ(breaker.time(edge) - edge, seconds{5});
  EXPECT_EQ(breaker.gate({}, edge + milliseconds{4900}), Gate::open);
  EXPECT_EQ(breaker.gate({}, edge + seconds{5}), Gate::due);
}

TEST(OpenReason, every_one_has_a_name) {
  for (int reason = 0; reason <= static_cast<int>(OpenReason::told); ++reason)
    EXPECT_NE(name(static_cast<OpenReason>(reason)), "");
}

}  // namespace
}  // namespace gantry::route
