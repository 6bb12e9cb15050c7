#include "sim/account.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace gantry::sim {
namespace {

using namespace std::chrono;

WallTime utc(int y, unsigned m, unsigned d, int hh = 0, int mm = 0, int ss = 0) {
  return WallTime{sys_days{year{y} / month{m} / day{d}} + hours{hh} + minutes{mm} + seconds{ss}};
}

constexpr PicoUsd kDollar{1'000'000'000'000};

TEST(Accounts, what_was_spent_leaves_what_may_be_spent) {
  Accounts accounts({.limit = PicoUsd{10 * kDollar.value}});
  accounts.charge("k", PicoUsd{12'300'000}, {}, utc(2026, 11, 23));
  accounts.charge("k", PicoUsd{1}, {}, utc(2027, 11, 23));
  const auto seen = accounts.see("k", utc(2028, 1, 1));
  EXPECT_EQ(to_decimal(seen.usage.total), "0.000012300001");
  EXPECT_EQ(to_decimal(*seen.remaining), "9.999987699999");
  EXPECT_EQ(accounts.see("other", utc(2028, 1, 1)).usage.total, PicoUsd{});
}

TEST(Accounts, without_a_limit_nothing_is_said_of_what_remains) {
  Accounts accounts({.limit = {}, .reset = LimitReset::daily});
  EXPECT_FALSE(accounts.see("k", utc(2026, 1, 1)).remaining);
}

TEST(Accounts, windows_turn_at_utc_midnight_monday_and_the_first) {
  struct Row {
    std::string_view name;
    LimitReset reset;
    WallTime spent, before, after;
  };
  // 2026-11-23 is a Monday.
  const Row rows[] = {
      {"a day ends at midnight", LimitReset::daily, utc(2026, 11, 25, 9), utc(2026, 11, 25, 23, 59, 59),
       utc(2026, 11, 26)},
      {"a week ends on Sunday night", LimitReset::weekly, utc(2026, 11, 23), utc(2026, 11, 29, 23, 59, 59),
       utc(2026, 11, 30)},
      {"a week may span two years", LimitReset::weekly, utc(2026, 12, 28), utc(2027, 1, 3, 23, 59, 59),
       utc(2027, 1, 4)},
      {"a month ends with its last day", LimitReset::monthly, utc(2028, 2, 1), utc(2028, 2, 29, 23, 59, 59),
       utc(2028, 3, 1)},
      {"december is followed by another year", LimitReset::monthly, utc(2026, 12, 1),
       utc(2026, 12, 31, 23, 59, 59), utc(2027, 1, 1)},
  };
  for (const auto& row : rows) {
    Accounts accounts({.limit = kDollar, .reset = row.reset});
    accounts.charge("k", PicoUsd{kDollar.value / 4}, {}, row.spent);
    EXPECT_EQ(to_decimal(*accounts.see("k", row.before).remaining), "0.75") << row.name;
    EXPECT_EQ(to_decimal(*accounts.see("k", row.after).remaining), "1") << row.name;
    EXPECT_EQ(to_decimal(accounts.see("k", row.after).usage.total), "0.25")
        << row.name << ": the total stays";
  }
}

TEST(Accounts, all_windows_are_told_side_by_side) {
  Accounts accounts({.limit = kDollar, .reset = LimitReset::daily});
  accounts.charge("k", PicoUsd{1}, {}, utc(2026, 11, 1));
  accounts.charge("k", PicoUsd{10}, {}, utc(2026, 11, 24));
  accounts.charge("k", PicoUsd{100}, {}, utc(2026, 11, 25));
  const auto seen = accounts.see("k", utc(2026, 11, 25, 12));
  EXPECT_EQ(seen.usage.daily.value, 100);
  EXPECT_EQ(seen.usage.weekly.value, 110);
  EXPECT_EQ(seen.usage.monthly.value, 111);
  EXPECT_EQ(accounts.total().value, 111);
}

TEST(Accounts, remaining_may_fall_below_zero) {
  Accounts accounts({.limit = kDollar});
  accounts.charge("k", PicoUsd{kDollar.value + 1}, {}, utc(2026, 1, 1));
  EXPECT_EQ(accounts.see("k", utc(2026, 1, 1)).remaining->value, -1);
}

TEST(Accounts, what_providers_bill_the_owner_counts_where_the_terms_say_so) {
  Accounts accounts({.limit = kDollar});
  accounts.charge("k", PicoUsd{5}, PicoUsd{100}, utc(2026, 1, 1));
  const auto apart = accounts.see("k", utc(2026, 1, 1));
  EXPECT_EQ(apart.byok.monthly.value, 100);
  EXPECT_EQ(apart.remaining->value, kDollar.value - 5);
  const KeyTerms both{.limit = kDollar, .reset = LimitReset::daily, .counts_byok = true};
  EXPECT_EQ(accounts.see("k", utc(2026, 1, 1), both).remaining->value, kDollar.value - 105);
  EXPECT_EQ(accounts.see("k", utc(2026, 1, 2), both).remaining->value, kDollar.value);
}

TEST(Accounts, a_strangers_spending_is_usage_but_no_generations_cost) {
  Accounts accounts({.limit = kDollar});
  accounts.charge("k", PicoUsd{7}, {}, utc(2026, 1, 1));
  accounts.charge_stranger("k", PicoUsd{30}, utc(2026, 1, 1));
  EXPECT_EQ(accounts.see("k", utc(2026, 1, 1)).usage.daily.value, 37);
  EXPECT_EQ(accounts.total().value, 37);
  const auto bill = accounts.bill();
  ASSERT_EQ(bill.size(), 1u);
  EXPECT_EQ(bill[0].cost.value, 7);
  EXPECT_EQ(bill[0].strangers.value, 30);
  EXPECT_EQ(bill[0].generations, 1u);
}

}  // namespace
}  // namespace gantry::sim
