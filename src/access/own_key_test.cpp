#include "access/own_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/fake_ledger.hpp"

namespace gantry::access {
namespace {

using testing::HasSubstr;

constexpr PicoUsd usd(std::int64_t dollars) { return {dollars * 1'000'000'000'000}; }

TEST(OwnKey, has_openrouters_shape) {
  KeyEntry entry;
  entry.shown = "gk-abc...123";
  entry.limits = {std::nullopt, std::nullopt, usd(100), std::nullopt};
  entry.expires = WallTime{std::chrono::seconds{1'795'512'600}};
  OwnSpending spending;
  spending.spent[0].settled = usd(1);
  spending.spent[1].settled = usd(2);
  spending.spent[2] = {.limit = {},
                       .settled = PicoUsd{25'500'000'000'000},
                       .pending = usd(1),
                       .leased = usd(9),
                       .overshoot = {}};
  spending.spent[3].settled = usd(40);
  spending.upstream_cost = {usd(5), usd(6), usd(7), usd(8)};
  EXPECT_EQ(
      own_key_json(entry, spending),
      R"({"data":{"label":"gk-abc...123","limit":100,"limit_remaining":73.5,"limit_reset":"monthly",)"
      R"("include_byok_in_limit":false,"usage":40,"usage_daily":1,"usage_weekly":2,"usage_monthly":25.5,)"
      R"("byok_usage":8,"byok_usage_daily":5,"byok_usage_weekly":6,"byok_usage_monthly":7,)"
      R"("is_free_tier":false,"is_management_key":false,"is_provisioning_key":false,"creator_user_id":null,)"
      R"("expires_at":"2026-11-24T09:30:00Z",)"
      R"("rate_limit":{"requests":-1,"interval":"1m","note":"Deprecated; it limits nothing."}}})");
}

TEST(OwnKey, tells_the_limit_with_the_least_left) {
  constexpr std::optional<PicoUsd> kNone;
  const struct {
    const char* name;
    spend::Limits limits;
    std::array<std::int64_t, 4> settled;
    const char* told;
  } rows[] = {
      {"none", {}, {1, 1, 1, 1}, R"("limit":null,"limit_remaining":null,"limit_reset":null)"},
      {"the smaller rest",
       {usd(10), kNone, usd(50), kNone},
       {1, 1, 45, 45},
       R"("limit":50,"limit_remaining":5,"limit_reset":"monthly")"},
      {"equal rests: the shorter",
       {usd(10), kNone, usd(20), kNone},
       {0, 0, 10, 10},
       R"("limit":10,"limit_remaining":10,"limit_reset":"daily")"},
      {"for all time",
       {kNone, kNone, kNone, usd(9)},
       {0, 0, 0, 4},
       R"("limit":9,"limit_remaining":5,"limit_reset":null)"},
      {"overspent",
       {usd(1), kNone, kNone, kNone},
       {3, 0, 0, 0},
       R"("limit":1,"limit_remaining":0,"limit_reset":"daily")"},
  };
  for (const auto& row : rows) {
    KeyEntry entry;
    entry.limits = row.limits;
    OwnSpending spending;
    for (std::size_t i = 0; i < 4; ++i) spending.spent.at(i).settled = usd(row.settled.at(i));
    EXPECT_THAT(own_key_json(entry, spending), HasSubstr(row.told)) << row.name;
  }
}

TEST(OwnKey, is_read_from_the_ledger) {
  FakeLedger ledger;
  ledger.figures[{12}][0].settled = usd(3);
  ledger.rows = {{}, {}};
  ledger.rows[0].upstream_cost = usd(1), ledger.rows[1].upstream_cost = usd(2);
  const auto spending = own_spending(ledger, {12}, ledger.clock);
  ASSERT_TRUE(spending);
  EXPECT_EQ(spending->spent[0].settled, usd(3));
  EXPECT_EQ(spending->upstream_cost[3], usd(3));
  EXPECT_EQ(ledger.asked->key, spend::AccountId{12});
  EXPECT_EQ(ledger.asked->from, WallTime{});  // all time
  ledger.failure = Failure{Fault::system, "gone"};
  EXPECT_FALSE(own_spending(ledger, {12}, ledger.clock));
}

}  // namespace
}  // namespace gantry::access
