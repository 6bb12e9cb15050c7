#include "ledger/contract_kit.hpp"

namespace gantry::ledger {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LedgerHours : public LedgerContract {
 protected:
  static constexpr WallTime kNine{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + hours{9}};

  void SetUp() override {
    LedgerContract::SetUp();
    if (!ledger_) return;
    a_ = holder();
    one_ = key("one"), two_ = key("two");
  }
  // An attempt that ended at `at`.
  void spend(AccountId key, WallTime at, PicoUsd cost) {
    Entry end = settled(++attempt_, cost);
    std::get<AttemptSettled>(end).at = at;
    apply(a_, sequence_, {begun(attempt_, key, {0}), end});
    sequence_ += 2;
  }
  HolderId a_;
  AccountId one_, two_;
  std::uint64_t attempt_ = 0, sequence_ = 1;
};
INSTANTIATE_TEST_SUITE_P(Drivers, LedgerHours, testing::ValuesIn(drivers()), driver_name);

TEST_P(LedgerHours, are_those_in_which_attempts_ended_for_each_account_of_the_path) {
  spend(one_, kNine, {10});
  spend(one_, kNine + minutes{59}, {20});
  spend(two_, kNine + minutes{30}, {5});
  spend(one_, kNine + hours{1}, {100});
  EXPECT_THAT(ledger_->hour(kNine + minutes{1}, {0}).value(),
              ElementsAre(HourCost{kOrganisation, {35}}, HourCost{kDefaultProject, {35}},
                          HourCost{one_, {30}}, HourCost{two_, {5}}));
  EXPECT_THAT(ledger_->hour(kNine, {31}).value(),
              ElementsAre(HourCost{kOrganisation, {35}}, HourCost{kDefaultProject, {35}}));
  EXPECT_THAT(ledger_->hour(kNine - hours{1}, {0}).value(), IsEmpty());
}

TEST_P(LedgerHours, before_one_are_a_week_at_most_from_the_first_spend_on) {
  EXPECT_THAT(ledger_->hours_before(one_, kNine).value(), IsEmpty());
  spend(one_, kNine - hours{3}, {7});
  spend(one_, kNine - hours{1}, {9});
  spend(one_, kNine, {1000});
  EXPECT_THAT(ledger_->hours_before(one_, kNine + minutes{5}).value(),
              ElementsAre(PicoUsd{7}, PicoUsd{0}, PicoUsd{9}));
  EXPECT_THAT(ledger_->hours_before(one_, kNine - hours{3}).value(), IsEmpty());
  EXPECT_THAT(ledger_->hours_before(two_, kNine).value(), IsEmpty());
  const auto later = ledger_->hours_before(one_, kNine + hours{200}).value();
  EXPECT_THAT(later, SizeIs(168));
  EXPECT_EQ(later.back(), PicoUsd{0});
}

TEST_P(LedgerHours, that_are_forgotten_leave_the_last_of_them_for_each_account) {
  spend(one_, kNine - hours{300}, {1});
  spend(one_, kNine - hours{200}, {2});
  spend(one_, kNine, {9});
  spend(two_, kNine - hours{2}, {3});
  spend(two_, kNine - hours{1}, {4});
  ASSERT_TRUE(ledger_->forget_hours(kNine - hours{100}));
  EXPECT_THAT(ledger_->hour(kNine - hours{300}, {0}).value(), IsEmpty());
  EXPECT_THAT(ledger_->hour(kNine - hours{200}, {0}).value(),
              ElementsAre(HourCost{kOrganisation, {2}}, HourCost{kDefaultProject, {2}}, HourCost{one_, {2}}));
  EXPECT_THAT(ledger_->hours_before(one_, kNine).value(), SizeIs(168));
  EXPECT_THAT(ledger_->hours_before(two_, kNine).value(), ElementsAre(PicoUsd{3}, PicoUsd{4}));
}

TEST_P(LedgerHours, have_what_was_found_out_late_where_its_attempt_ended_and_nothing_that_cost_nothing) {
  apply(a_, 1, {begun(1, one_, {30}), left_pending(1, {20})});
  EXPECT_THAT(ledger_->hour(now_, {0}).value(), IsEmpty());
  ASSERT_TRUE(ledger_->resolve(a_, {.attempt = {1}, .cost = {25}}));
  EXPECT_THAT(ledger_->hour(now_, {0}).value(), SizeIs(3));
  apply(a_, 3, {begun(2, two_, {30}), settled(2, {0})});
  EXPECT_THAT(ledger_->hour(now_, {0}).value(), SizeIs(3));
}

TEST_P(LedgerHours, stay_in_the_range_whatever_is_spent) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  spend(one_, kNine, {kHuge});
  spend(one_, kNine, {kHuge / 2});
  EXPECT_GE(ledger_->hour(kNine, {0}).value().back().cost, PicoUsd{kHuge / 2});
}

}  // namespace
}  // namespace gantry::ledger
