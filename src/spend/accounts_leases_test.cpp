#include <gmock/gmock.h>

#include "spend/accounts.hpp"
#include "spend/accounts_kit.hpp"

namespace gantry::spend {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kDaily = Period::daily;

Lack lack_of(Book& book, std::int64_t amount, WallTime now) {
  const auto taken = book.accounts.take(book.key, {amount}, now);
  EXPECT_FALSE(taken.has_value());
  return taken.error().lacks().front();
}

// Spends `by` each second for twenty seconds, with a tick after each.
WallTime spend_steadily(Book& book, std::int64_t by) {
  WallTime now = kNoon;
  for (int second = 0; second < 20; ++second) {
    book.take(by, now)->settle({by});
    (void)book.accounts.survey(now);
    now += seconds{1};
  }
  return now - seconds{1};
}

TEST(AccountsLeases, a_cold_pot_asks_for_what_one_call_holds) {
  Book book(limits_of(1000));
  const Wish wish = book.accounts.lease_wish(lack_of(book, 40, kNoon), kNoon);
  EXPECT_EQ(wish.least, PicoUsd{40});
  EXPECT_EQ(wish.most, PicoUsd{40});
}

TEST(AccountsLeases, a_busy_pot_asks_for_ten_seconds_of_recent_spend) {
  Book book(limits_of(100'000));
  const WallTime now = spend_steadily(book, 7);
  book.accounts.keep(book.pot(book.key, kDaily), {0});
  const Wish wish = book.accounts.lease_wish(lack_of(book, 3, now), now);
  EXPECT_EQ(wish.least, PicoUsd{140 + 3});
  EXPECT_EQ(wish.most, PicoUsd{140 + 70});
}

TEST(AccountsLeases, nobody_asks_for_more_than_the_limit_but_for_what_is_needed) {
  Book book(limits_of(145));
  const WallTime now = spend_steadily(book, 7);
  const Wish fits = book.accounts.lease_wish(lack_of(book, 3, now), now);
  EXPECT_EQ(fits.most, PicoUsd{145});
  const Wish beyond = book.accounts.lease_wish(lack_of(book, 30, now), now);
  EXPECT_EQ(beyond.least, PicoUsd{170});
  EXPECT_EQ(beyond.most, PicoUsd{170});
}

TEST(AccountsLeases, what_the_ledger_granted_is_used_within_the_limit_it_told) {
  struct Row {
    const char* given;
    Granted lease;
    std::int64_t granted;
  };
  const Row rows[] = {
      {"it fits", {.total = {60}, .limit = PicoUsd{100}, .settled = {20}, .leased = {60}}, 60},
      {"it fits exactly", {.total = {60}, .limit = PicoUsd{100}, .settled = {40}, .leased = {60}}, 60},
      {"the limit was lowered, 30 too much are claimed",
       {.total = {60}, .limit = PicoUsd{50}, .settled = {10}, .pending = {10}, .leased = {60}},
       30},
      {"others have it all", {.total = {60}, .limit = PicoUsd{50}, .settled = {500}, .leased = {60}}, 0},
      {"it is a repetition that says less than the limit",
       {.total = {60}, .limit = PicoUsd{55}, .leased = {30}},
       55},
  };
  for (const Row& row : rows) {
    Book book(limits_of(100));
    (void)lack_of(book, 1, kNoon);
    EXPECT_TRUE(book.accounts.granted(book.pot(book.key, kDaily), row.lease)) << row.given;
    EXPECT_EQ(book.granted(book.pot(book.key, kDaily)), row.granted) << row.given;
  }
}

TEST(AccountsLeases, a_limit_that_the_ledger_no_longer_knows_is_gone) {
  Book book(limits_of(100));
  const Lack lack = lack_of(book, 500, kNoon);
  EXPECT_TRUE(book.accounts.granted(lack.pot, {.limit = std::nullopt}));
  EXPECT_TRUE(book.accounts.take(book.key, {500}, kNoon)->empty());
}

TEST(AccountsLeases, a_pot_that_is_gone_takes_no_lease) {
  Book book(limits_of(100));
  EXPECT_FALSE(book.grant(book.pot(book.key, kDaily), 10, 100)) << "nobody ever asked it";
  EXPECT_FALSE(book.grant({{99}, {kDaily, 1}}, 10, 100));
  EXPECT_EQ(book.accounts.keep({{99}, {kDaily, 1}}, {5}), PicoUsd{0});
}

TEST(AccountsLeases, what_is_not_needed_soon_can_be_given_back) {
  Book book(limits_of(1000));
  const PotId pot = book.pot(book.key, kDaily);
  const WallTime now = spend_steadily(book, 7);
  EXPECT_FALSE(book.accounts.idle(pot, now));
  book.grant(pot, 1000, 1000);
  EXPECT_EQ(book.accounts.idle(pot, now), PicoUsd{140 + 70});
  EXPECT_EQ(book.accounts.keep(pot, {210}), PicoUsd{210});
  EXPECT_FALSE(book.accounts.idle(pot, now));
  EXPECT_EQ(book.accounts.keep(pot, {0}), PicoUsd{140}) << "what is committed stays";
}

TEST(AccountsLeases, a_tick_asks_before_a_pot_runs_dry) {
  Book book(limits_of(1000));
  const PotId pot = book.pot(book.key, kDaily);
  const WallTime now = spend_steadily(book, 7);
  book.grant(pot, 140 + 35, 1000);
  EXPECT_THAT(book.accounts.survey(now).wishes, IsEmpty());
  book.accounts.keep(pot, {140 + 34});
  const auto wishes = book.accounts.survey(now).wishes;
  ASSERT_THAT(wishes, SizeIs(1));
  EXPECT_EQ(wishes[0].pot, pot);
  EXPECT_EQ(wishes[0].least, PicoUsd{174}) << "any more is welcome";
  EXPECT_EQ(wishes[0].most, PicoUsd{210});
}

TEST(AccountsLeases, a_tick_tells_what_is_idle_once_it_has_looked_for_long_enough) {
  Book book(limits_of(1000));
  (void)lack_of(book, 1, kNoon);
  book.grant(book.pot(book.key, kDaily), 1000, 1000);
  EXPECT_THAT(book.accounts.survey(kNoon + seconds{9}).idle, IsEmpty());
  const auto idle = book.accounts.survey(kNoon + seconds{10}).idle;
  ASSERT_THAT(idle, SizeIs(1));
  EXPECT_EQ(idle[0].keep, PicoUsd{0});
}

TEST(AccountsLeases, a_tick_leases_the_next_window_of_a_busy_pot_ahead) {
  Book book(limits_of(100'000));
  const WallTime midnight{std::chrono::floor<std::chrono::days>(kNoon + hours{24})};
  WallTime now = midnight - seconds{50};
  std::vector<Wish> ahead;
  for (; now < midnight; now += seconds{1}) {
    book.take(7, now)->settle({7});
    for (const Wish& wish : book.accounts.survey(now).wishes)
      if (wish.pot == book.pot(book.key, kDaily, midnight)) ahead.push_back(wish);
  }
  ASSERT_THAT(ahead, SizeIs(30));
  EXPECT_EQ(ahead.back().most, PicoUsd{70});
  EXPECT_TRUE(book.accounts.granted(ahead.back().pot, {.total = {70}, .limit = PicoUsd{100'000}}));
  EXPECT_TRUE(book.accounts.take(book.key, {70}, midnight).has_value());
}

TEST(AccountsLeases, who_was_taken_for_dead_counts_from_zero) {
  Book book(limits_of(100));
  const PotId pot = book.pot(book.key, kDaily);
  auto old = book.take(30);
  book.grant(pot, 100, 100);
  book.accounts.lose_leases();
  EXPECT_EQ(book.committed(pot), 0);
  EXPECT_EQ(book.granted(pot), 0);
  EXPECT_FALSE(old->extend({1}).has_value());
  auto fresh = book.take(20);
  old->settle({30});
  EXPECT_EQ(book.committed(pot), 20);
  EXPECT_THAT(book.accounts.survey(kNoon).passed, SizeIs(1));
  EXPECT_EQ(book.open(pot), 1u);
}

}  // namespace
}  // namespace gantry::spend
