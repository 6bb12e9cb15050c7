#include "gateway/burn_watch.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <vector>

namespace gantry::gateway {
namespace {

using ledger::kDefaultProject;
using ledger::kOrganisation;
using spend::AccountId;
using std::chrono::hours;
using testing::Contains;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kDollar = 1'000'000'000'000;

class BurnWatchTest : public testing::Test {
 protected:
  BurnWatchTest() {
    ledger::ClientKey made;
    made.account.name = "robot", made.policy = "{}";
    key = ledger->add_key(kDefaultProject, made).value();
    holder = ledger->begin_holder("test", hours{10'000}).value();
  }
  void spend(WallTime at, std::int64_t cost) {
    const std::vector<ledger::Entry> entries{
        ledger::AttemptBegun{.attempt = {++attempt},
                             .payer = {.key = key, .project = kDefaultProject, .organisation = kOrganisation},
                             .at = at,
                             .model = "m",
                             .upstream_key = "main"},
        ledger::AttemptSettled{.attempt = {attempt}, .at = at, .cost = {cost}, .outcome = "delivered"}};
    ASSERT_TRUE(ledger->apply(holder, 0, 2 * attempt - 1, entries));
  }
  // A day in which each hour costs a dollar.
  void usual_day() {
    for (int hour = 0; hour < 24; ++hour) spend(now + hours{hour}, kDollar);
    now += hours{24};
  }
  void look(BurnWatch& at) { at.look(*ledger, {key.value}, now); }

  ManualTime time;
  std::unique_ptr<ledger::Ledger> ledger = ledger::open(":memory:", time).value();
  AccountId key;
  ledger::HolderId holder;
  std::uint64_t attempt = 0;
  WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + std::chrono::minutes{5}};
  std::vector<BurnWatch::Burn> burns;
  BurnWatch watch{[this](const BurnWatch::Burn& burn) { burns.push_back(burn); }};
};

TEST_F(BurnWatchTest, tells_once_of_an_hour_that_costs_more_than_three_usual_ones) {
  usual_day();
  spend(now, 3 * kDollar);
  look(watch);
  EXPECT_THAT(burns, IsEmpty());
  spend(now, 1);
  look(watch);
  spend(now, 50 * kDollar);
  look(watch);
  ASSERT_THAT(burns, SizeIs(1));
  EXPECT_EQ(burns[0].account, key);
  EXPECT_EQ(burns[0].cost, PicoUsd{3 * kDollar + 1});
  EXPECT_EQ(burns[0].usual, PicoUsd{kDollar});
  EXPECT_EQ(burns[0].hour, std::chrono::floor<hours>(now));
}

TEST_F(BurnWatchTest, tells_again_in_another_hour_and_not_after_a_restart) {
  usual_day();
  spend(now, 10 * kDollar);
  look(watch);
  BurnWatch restarted{[this](const BurnWatch::Burn& burn) { burns.push_back(burn); }};
  look(restarted);
  EXPECT_THAT(burns, SizeIs(1));
  now += hours{1};
  spend(now, 10 * kDollar);
  look(restarted);
  look(watch);
  EXPECT_THAT(burns, SizeIs(2));
}

TEST_F(BurnWatchTest, says_nothing_of_accounts_that_are_new_or_did_not_spend_since) {
  spend(now, 10 * kDollar);
  look(watch);
  EXPECT_THAT(burns, IsEmpty()) << "nobody knows what is usual";
  usual_day();
  spend(now, 10 * kDollar);
  watch.look(*ledger, {}, now);
  EXPECT_THAT(burns, IsEmpty());
  watch.look(*ledger, {kOrganisation.value}, now);
  ASSERT_THAT(burns, SizeIs(1));
  EXPECT_EQ(burns[0].account, kOrganisation);
}

TEST_F(BurnWatchTest, knows_an_account_that_was_silent_for_long) {
  usual_day();
  now += hours{24 * 30};
  spend(now, 2 * kDollar);
  look(watch);
  ASSERT_THAT(burns, SizeIs(1));
  EXPECT_EQ(burns[0].usual, PicoUsd{});
}

}  // namespace
}  // namespace gantry::gateway
