#include "spend/accounts.hpp"

#include <gmock/gmock.h>

#include <utility>

#include "spend/accounts_kit.hpp"

namespace gantry::spend {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

constexpr auto kDaily = Period::daily;
constexpr Duration kDay = hours{24};

std::vector<PotId> pots_of(const Shortage& shortage) {
  std::vector<PotId> pots;
  for (const Lack& lack : shortage.lacks()) pots.push_back(lack.pot);
  return pots;
}

// ---- taking and ending

TEST(Accounts, a_path_without_limits_has_no_pots_and_no_bounds) {
  Book book;
  auto hold = book.accounts.take(book.key, {1'000'000}, kNoon);
  ASSERT_TRUE(hold.has_value());
  EXPECT_TRUE(hold->empty());
  EXPECT_EQ(hold->at(), kNoon);
  EXPECT_TRUE(hold->extend({1}).has_value());
  EXPECT_EQ(hold->settle({5'000'000}), PicoUsd{0}) << "nothing was held that could be exceeded";
  EXPECT_FALSE(book.accounts.look(book.pot(book.key, kDaily)));
}

TEST(Accounts, all_that_lacks_is_told_at_once) {
  Book book(limits_of(10, 100), {}, limits_of({}, 1000));
  const auto taken = book.accounts.take(book.key, {4}, kNoon);
  ASSERT_FALSE(taken.has_value());
  EXPECT_THAT(pots_of(taken.error()),
              ElementsAre(book.pot(book.key, kDaily), book.pot(book.key, Period::total),
                          book.pot(book.organisation, Period::total)));
  const Lack& first = taken.error().lacks().front();
  EXPECT_EQ(first.needed, PicoUsd{4});
  EXPECT_EQ(first.committed, PicoUsd{0});
  EXPECT_EQ(first.limit, PicoUsd{10});
}

TEST(Accounts, a_hold_is_in_each_account_of_its_path_that_has_a_limit) {
  Book book(limits_of(100), {}, limits_of({}, 1000));
  auto hold = book.take(40);
  ASSERT_TRUE(hold.has_value());
  EXPECT_EQ(hold->places(), 1U << 0 | 1U << (2 * kPeriodCount + 3));
  EXPECT_EQ(book.committed(book.pot(book.key, kDaily)), 40);
  EXPECT_EQ(book.committed(book.pot(book.organisation, Period::total)), 40);
  EXPECT_EQ(hold->settle({25}), PicoUsd{0});
  EXPECT_EQ(book.committed(book.pot(book.key, kDaily)), 25);
  EXPECT_EQ(book.committed(book.pot(book.organisation, Period::total)), 25);
  EXPECT_EQ(book.open(book.pot(book.key, kDaily)), 0u);
}

TEST(Accounts, what_does_not_fit_at_the_root_leaves_nothing_at_the_leaf) {
  Book book(limits_of(100), limits_of(100), limits_of(10));
  EXPECT_FALSE(book.take(11).has_value());
  EXPECT_EQ(book.committed(book.pot(book.key, kDaily)), 0);
  EXPECT_EQ(book.committed(book.pot(book.project, kDaily)), 0);
  EXPECT_EQ(book.committed(book.pot(book.organisation, kDaily)), 0);
}

TEST(Accounts, an_overshoot_is_booked_in_full_and_stops_what_follows) {
  Book book(limits_of(100));
  auto hold = book.take(60);
  EXPECT_EQ(hold->settle({130}), PicoUsd{70});
  EXPECT_EQ(book.committed(book.pot(book.key, kDaily)), 130);
  EXPECT_FALSE(book.take(1).has_value());
  EXPECT_FALSE(book.take(0).has_value());
}

TEST(Accounts, a_hold_that_is_forgotten_is_released) {
  Book book(limits_of(100));
  {
    const auto hold = book.take(60);
  }
  EXPECT_EQ(book.committed(book.pot(book.key, kDaily)), 0);
  EXPECT_EQ(book.open(book.pot(book.key, kDaily)), 0u);
}

TEST(Accounts, a_hold_ends_once_wherever_it_was_moved) {
  Book book(limits_of(100));
  const PotId pot = book.pot(book.key, kDaily);
  Hold first = *book.take(60);
  Hold second = std::move(first);
  Hold third = *book.take(30);
  third = std::move(second);
  EXPECT_EQ(book.committed(pot), 60) << "what was in its place was released";
  third.settle({50});
  third.release();
  EXPECT_EQ(book.committed(pot), 50);
  EXPECT_EQ(book.open(pot), 0u);
}

TEST(Accounts, a_hold_grows_everywhere_or_nowhere) {
  Book book(limits_of(100), {}, limits_of(50));
  auto hold = book.take(40);
  book.grant(book.pot(book.key, kDaily), 100, 100);
  book.grant(book.pot(book.organisation, kDaily), 50, 50);
  ASSERT_TRUE(hold->extend({10}).has_value());
  const auto more = hold->extend({1});
  ASSERT_FALSE(more.has_value());
  EXPECT_THAT(pots_of(more.error()), ElementsAre(book.pot(book.organisation, kDaily)));
  EXPECT_EQ(more.error().lacks().front().needed, PicoUsd{51});
  EXPECT_EQ(hold->amount(), PicoUsd{50});
  EXPECT_EQ(book.committed(book.pot(book.key, kDaily)), 50);
}

TEST(Accounts, what_is_pending_counts_until_it_is_known) {
  Book book(limits_of(100));
  const PotId pot = book.pot(book.key, kDaily);
  auto pending = book.take(60)->keep_pending({35});
  EXPECT_EQ(book.committed(pot), 35);
  EXPECT_EQ(book.open(pot), 1u);
  pending.resolve({20});
  EXPECT_EQ(book.committed(pot), 20);
  EXPECT_EQ(book.open(pot), 0u);
  {
    const PendingHold forgotten = book.take(60)->keep_pending({30});
  }
  EXPECT_EQ(book.committed(pot), 50) << "nothing is free because it was forgotten";
  EXPECT_EQ(book.open(pot), 0u);
}

TEST(Accounts, amounts_below_zero_give_nothing_back) {
  Book book(limits_of(100));
  auto hold = book.take(60);
  EXPECT_TRUE(hold->extend({-50}).has_value());
  EXPECT_EQ(hold->settle({-50}), PicoUsd{0});
  EXPECT_EQ(book.committed(book.pot(book.key, kDaily)), 0);
  EXPECT_EQ(book.accounts.take(book.key, {-5}, kNoon)->amount(), PicoUsd{0});
}

TEST(Accounts, nothing_lies_below_a_key) {
  Book book;
  EXPECT_FALSE(book.accounts.set({4}, &book.key, {}).has_value());
  EXPECT_EQ(book.accounts.find({4}), nullptr);
  EXPECT_EQ(book.accounts.find({3}), &book.key);
}

// ---- windows

TEST(Accounts, a_hold_settles_in_the_window_that_granted_it) {
  Book book(limits_of(100));
  const PotId today = book.pot(book.key, kDaily), tomorrow = book.pot(book.key, kDaily, kNoon + kDay);
  auto held = book.take(60);
  auto next_day = book.take(90, kNoon + kDay);
  ASSERT_TRUE(next_day.has_value());
  EXPECT_EQ(book.committed(tomorrow), 90);
  held->settle({70});
  EXPECT_EQ(book.committed(today), 70);
  EXPECT_EQ(book.committed(tomorrow), 90);
  EXPECT_THAT(book.accounts.survey(kNoon + kDay).passed, ElementsAre(Field(&Passed::committed, PicoUsd{70})));
  EXPECT_FALSE(book.accounts.look(today));
}

TEST(Accounts, a_window_that_is_over_stays_while_something_is_open_there) {
  Book book(limits_of(100));
  const PotId today = book.pot(book.key, kDaily);
  auto pending = book.take(60)->keep_pending({60});
  EXPECT_THAT(book.accounts.survey(kNoon + kDay).passed, IsEmpty());
  EXPECT_EQ(book.committed(today), 60);
  pending.resolve({10});
  EXPECT_THAT(book.accounts.survey(kNoon + kDay).passed, ElementsAre(Field(&Passed::committed, PicoUsd{10})));
}

TEST(Accounts, a_clock_that_steps_back_stays_in_the_window_it_had_reached) {
  Book book(limits_of(100), {}, limits_of(1000, 1000));
  const WallTime midnight{std::chrono::floor<std::chrono::days>(kNoon + kDay)};
  const PotId tomorrow = book.pot(book.key, kDaily, midnight);
  {
    const auto first = book.take(60, midnight + seconds{1});
  }
  const auto hold = book.take(60, midnight - seconds{5});
  ASSERT_TRUE(hold.has_value());
  EXPECT_EQ(hold->at(), midnight) << "and it is charged there by everybody";
  EXPECT_EQ(book.committed(tomorrow), 60);
  EXPECT_FALSE(book.accounts.look(book.pot(book.key, kDaily)));
}

TEST(Accounts, a_step_back_is_the_same_for_accounts_that_had_no_call_since) {
  Book book(limits_of(100), {}, limits_of(1000));
  AccountNode& other = *book.accounts.set({4}, &book.project, limits_of(100)).value();
  const WallTime midnight{std::chrono::floor<std::chrono::days>(kNoon + kDay)};
  (void)book.accounts.take(other, {1}, midnight - seconds{60});
  (void)book.accounts.take(book.key, {1}, midnight + seconds{1});
  const auto taken = book.accounts.take(other, {1}, midnight - seconds{5});
  ASSERT_FALSE(taken.has_value());
  EXPECT_THAT(pots_of(taken.error()),
              ElementsAre(book.pot(other, kDaily, midnight), book.pot(book.organisation, kDaily, midnight)));
}

TEST(Accounts, the_next_window_can_be_leased_before_it_begins) {
  Book book(limits_of(100, 500));
  {
    const auto hold = book.take(60);
  }
  const auto ahead = book.accounts.next_pot(book.pot(book.key, kDaily));
  ASSERT_EQ(ahead, book.pot(book.key, kDaily, kNoon + kDay));
  EXPECT_TRUE(book.grant(*ahead, 80, 100));
  book.grant(book.pot(book.key, Period::total), 500, 500);
  EXPECT_TRUE(book.accounts.take(book.key, {80}, kNoon + kDay).has_value()) << "without a shortage";
  EXPECT_FALSE(book.accounts.next_pot(book.pot(book.key, Period::total)));
}

// ---- limits that change

TEST(Accounts, a_limit_that_is_set_while_calls_are_under_way_starts_with_those_that_follow) {
  Book book;
  auto before = book.take(60);
  ASSERT_TRUE(book.accounts.set({3}, nullptr, limits_of(100)).has_value());
  auto after = book.take(90);
  ASSERT_TRUE(after.has_value());
  before->settle({60});
  EXPECT_EQ(before->places(), 0);
  EXPECT_EQ(book.committed(book.pot(book.key, kDaily)), 90);
}

TEST(Accounts, a_lower_limit_takes_back_what_was_leased_and_not_used) {
  Book book(limits_of(100));
  auto hold = book.take(30);
  book.grant(book.pot(book.key, kDaily), 100, 100);
  ASSERT_TRUE(book.accounts.set({3}, nullptr, limits_of(50)).has_value());
  EXPECT_EQ(book.granted(book.pot(book.key, kDaily)), 30);
  EXPECT_FALSE(book.take(21).has_value());
  EXPECT_TRUE(book.take(20).has_value());
}

TEST(Accounts, a_limit_that_goes_and_comes_back_finds_its_pot_as_it_was) {
  Book book(limits_of(100));
  const PotId pot = book.pot(book.key, kDaily);
  auto hold = book.take(30);
  book.grant(pot, 100, 100);
  ASSERT_TRUE(book.accounts.set({3}, nullptr, {}).has_value());
  auto unlimited = book.take(1'000'000);
  EXPECT_TRUE(unlimited->empty());
  hold->settle({20});
  ASSERT_TRUE(book.accounts.set({3}, nullptr, limits_of(100)).has_value());
  EXPECT_EQ(book.committed(pot), 20);
  EXPECT_EQ(book.granted(pot), 20) << "the ledger is asked again: it knows what was spent meanwhile";
}

}  // namespace
}  // namespace gantry::spend
