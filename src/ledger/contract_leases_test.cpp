#include "ledger/contract_kit.hpp"

namespace gantry::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LedgerLeases : public LedgerContract {};
INSTANTIATE_TEST_SUITE_P(Drivers, LedgerLeases, testing::ValuesIn(drivers()), driver_name);

TEST_P(LedgerLeases, an_account_without_a_limit_needs_none) {
  const Lease free = lease(holder(), all_time(key("k")), {5}, {50});
  EXPECT_TRUE(free.enough);
  EXPECT_EQ(free.limit, std::nullopt);
}

TEST_P(LedgerLeases, grants_as_much_as_wished_while_it_fits) {
  const PotId pot = all_time(key("k", kDefaultProject, in_all({100})));
  const HolderId a = holder();
  const Lease first = lease(a, pot, {10}, {60});
  EXPECT_TRUE(first.enough);
  EXPECT_EQ(first.granted, PicoUsd{60});
  EXPECT_EQ(first.limit, PicoUsd{100});
  EXPECT_EQ(first.leased, PicoUsd{60});
  EXPECT_EQ(first.elsewhere, PicoUsd{0});
  const Lease second = lease(a, pot, {61}, {500});
  EXPECT_TRUE(second.enough);
  EXPECT_EQ(second.granted, PicoUsd{100});
}

TEST_P(LedgerLeases, nothing_changes_when_the_least_does_not_fit) {
  const PotId pot = all_time(key("k", kDefaultProject, in_all({100})));
  const HolderId a = holder("a"), b = holder("b");
  EXPECT_TRUE(lease(a, pot, {70}, {70}).enough);
  const Lease refused = lease(b, pot, {31}, {60});
  EXPECT_FALSE(refused.enough);
  EXPECT_EQ(refused.granted, PicoUsd{0});
  EXPECT_EQ(refused.leased, PicoUsd{70});
  EXPECT_EQ(refused.elsewhere, PicoUsd{70});
  const Lease fits = lease(b, pot, {30}, {60});
  EXPECT_TRUE(fits.enough);
  EXPECT_EQ(fits.granted, PicoUsd{30});
  const Lease more = lease(a, pot, {71}, {80});
  EXPECT_FALSE(more.enough);
  EXPECT_EQ(more.granted, PicoUsd{70});
}

TEST_P(LedgerLeases, what_was_granted_under_a_higher_limit_is_not_enough) {
  const AccountId one = key("k", kDefaultProject, in_all({100}));
  const HolderId a = holder("a"), b = holder("b");
  lease(a, all_time(one), {60}, {60});
  lease(b, all_time(one), {30}, {30});
  AccountChange lower;
  lower.limits.back() = std::optional(PicoUsd{50});
  ASSERT_TRUE(ledger_->change(one, lower));
  EXPECT_FALSE(lease(a, all_time(one), {21}, {60}).enough) << "30 are elsewhere";
  EXPECT_TRUE(lease(a, all_time(one), {20}, {60}).enough);
  EXPECT_FALSE(lease(b, all_time(one), {1}, {1}).enough);
  const LeaseWish wish{.pot = all_time(one), .least = {50}, .most = {50}, .recall = true};
  EXPECT_GT(ledger_->lease(a, {&wish, 1}).value()[0].recall, 0);
}

TEST_P(LedgerLeases, the_same_wish_twice_changes_nothing) {
  const PotId pot = all_time(key("k", kDefaultProject, in_all({100})));
  const HolderId a = holder();
  lease(a, pot, {50}, {50});
  EXPECT_EQ(lease(a, pot, {50}, {50}).leased, PicoUsd{50});
  EXPECT_EQ(lease(a, pot, {10}, {20}).granted, PicoUsd{50});
}

TEST_P(LedgerLeases, what_was_spent_makes_room_only_within_the_limit) {
  const AccountId one = key("k", kDefaultProject, in_all({100}));
  const HolderId a = holder("a"), b = holder("b");
  lease(a, all_time(one), {60}, {60});
  apply(a, 1, {begun(1, one, {40}), settled(1, {25})});
  const Lease b_lease = lease(b, all_time(one), {0}, {100});
  EXPECT_EQ(b_lease.settled, PicoUsd{25});
  EXPECT_EQ(b_lease.elsewhere, PicoUsd{35});
  EXPECT_EQ(b_lease.granted, PicoUsd{40});
  EXPECT_FALSE(lease(a, all_time(one), {61}, {61}).enough);
}

TEST_P(LedgerLeases, a_pending_attempt_counts_at_its_estimate) {
  const AccountId one = key("k", kDefaultProject, in_all({100}));
  const HolderId a = holder();
  lease(a, all_time(one), {60}, {60});
  apply(a, 1, {begun(1, one, {40}), left_pending(1, {30})});
  const Lease after = lease(a, all_time(one), {0}, {0});
  EXPECT_EQ(after.pending, PicoUsd{30});
  EXPECT_EQ(after.leased, PicoUsd{30});
  EXPECT_EQ(total(one).leased, PicoUsd{30});
}

TEST_P(LedgerLeases, an_attempt_that_was_not_in_the_pot_does_not_use_its_lease) {
  const AccountId one = key("k", kDefaultProject, in_all({100}));
  const HolderId a = holder();
  lease(a, all_time(one), {60}, {60});
  apply(a, 1, {begun(1, one, {0}, 0), settled(1, {25})});
  EXPECT_EQ(total(one).settled, PicoUsd{25});
  EXPECT_EQ(total(one).leased, PicoUsd{60});
  EXPECT_EQ(total(one).overshoot, PicoUsd{0});
}

TEST_P(LedgerLeases, give_back_lowers_what_is_granted_and_never_raises_it) {
  const PotId pot = all_time(key("k", kDefaultProject, in_all({100})));
  const HolderId a = holder("a"), b = holder("b");
  lease(a, pot, {90}, {90});
  const Return some[] = {{pot, {40}}};
  ASSERT_TRUE(ledger_->give_back(a, some));
  EXPECT_EQ(lease(b, pot, {60}, {60}).granted, PicoUsd{60});
  const Return more[] = {{pot, {70}}};
  ASSERT_TRUE(ledger_->give_back(a, more));
  EXPECT_EQ(lease(a, pot, {0}, {0}).granted, PicoUsd{40});
  const Return none[] = {{pot, {-5}}};
  ASSERT_TRUE(ledger_->give_back(a, none));
  EXPECT_EQ(lease(a, pot, {0}, {0}).granted, PicoUsd{0});
}

TEST_P(LedgerLeases, answers_come_in_the_order_of_the_wishes) {
  const PotId one = all_time(key("k", kDefaultProject, in_all({100})));
  const PotId two = all_time(key("l", kDefaultProject, in_all({50})));
  const LeaseWish wishes[] = {{two, {60}, {60}}, {one, {10}, {20}}, {two, {10}, {20}}, {one, {30}, {40}}};
  const auto leases = ledger_->lease(holder(), wishes).value();
  ASSERT_THAT(leases, SizeIs(4));
  EXPECT_FALSE(leases[0].enough);
  EXPECT_EQ(leases[1].granted, PicoUsd{20});
  EXPECT_EQ(leases[2].granted, PicoUsd{20});
  EXPECT_EQ(leases[3].granted, PicoUsd{40});
}

TEST_P(LedgerLeases, a_removed_account_and_one_that_never_was_let_nothing_pass) {
  const AccountId gone = key("k");
  ASSERT_TRUE(ledger_->remove(gone));
  for (const AccountId account : {gone, AccountId{99}}) {
    const Lease none = lease(holder(), all_time(account), {1}, {1});
    EXPECT_FALSE(none.enough);
    EXPECT_EQ(none.limit, PicoUsd{0});
  }
}

TEST_P(LedgerLeases, a_holder_whose_heart_stopped_is_granted_nothing_and_its_lease_stays_counted) {
  const PotId pot = all_time(key("k", kDefaultProject, in_all({100})));
  const HolderId a = holder("a"), b = holder("b");
  lease(a, pot, {70}, {70});
  ASSERT_TRUE(ledger_->heartbeat(a, Duration::zero()));
  const LeaseWish wish{pot, {71}, {71}};
  expect_fault(ledger_->lease(a, {&wish, 1}), Fault::not_found, "its heart stopped");
  EXPECT_EQ(lease(b, pot, {31}, {31}).elsewhere, PicoUsd{70});
  ASSERT_TRUE(ledger_->heartbeat(a, std::chrono::hours{1})) << "nobody got what it has";
  expect_fault(ledger_->give_up(a), Fault::refused, "is alive");
  EXPECT_EQ(lease(a, pot, {0}, {0}).granted, PicoUsd{70});
  ASSERT_TRUE(ledger_->heartbeat(a, Duration::zero()));
  ASSERT_TRUE(ledger_->give_up(a));
  ASSERT_TRUE(ledger_->give_up(a));
  expect_fault(ledger_->heartbeat(a, std::chrono::hours{1}), Fault::not_found, "has ended");
  EXPECT_TRUE(lease(b, pot, {100}, {100}).enough);
}

TEST_P(LedgerLeases, holders_that_did_not_end_are_left_behind_under_their_name) {
  const HolderId a = holder("here"), b = holder("here"), c = holder("there");
  reopen();
  EXPECT_THAT(ledger_->left_behind("here").value(), ElementsAre(a, b));
  ASSERT_TRUE(ledger_->end_holder(a));
  ASSERT_TRUE(ledger_->end_holder(a));
  EXPECT_THAT(ledger_->left_behind("here").value(), ElementsAre(b));
  const auto all = ledger_->holders().value();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[1].id, c);
  EXPECT_EQ(all[1].name, "there");
  EXPECT_GT(all[1].lives_until, all[1].began);
}

TEST_P(LedgerLeases, a_holder_of_whom_only_its_journals_tell_begins_again_under_its_number) {
  const HolderId a = holder("here");
  EXPECT_TRUE(ledger_->began(a, "here").value());
  EXPECT_FALSE(ledger_->began(a, "there").value());
  const HolderId known{a.value + 5};
  EXPECT_FALSE(ledger_->began(known, "here").value());
  ASSERT_TRUE(ledger_->begin_again(known, "here"));
  ASSERT_TRUE(ledger_->begin_again(known, "here")) << "once is enough";
  EXPECT_THAT(ledger_->left_behind("here").value(), ElementsAre(a, known));
  EXPECT_EQ(holder().value, known.value + 1) << "its number is its own";
  expect_fault(ledger_->begin_again(known, "there"), Fault::bad_input, "another state directory");
  ASSERT_TRUE(ledger_->begin_again(a, "here"));
}

TEST_P(LedgerLeases, a_holder_that_never_was_or_ended_is_not_found) {
  const HolderId ended = holder();
  ASSERT_TRUE(ledger_->end_holder(ended));
  expect_fault(ledger_->lease(ended, {}), Fault::not_found, "has ended");
  expect_fault(ledger_->give_back(ended, {}), Fault::not_found, "has ended");
  expect_fault(ledger_->heartbeat(ended, std::chrono::hours{1}), Fault::not_found, "has ended");
  const HolderId never{99};
  expect_fault(ledger_->lease(never, {}), Fault::not_found, "no holder 99");
  expect_fault(ledger_->give_back(never, {}), Fault::not_found, "no holder 99");
  expect_fault(ledger_->heartbeat(never, std::chrono::hours{1}), Fault::not_found, "no holder 99");
  expect_fault(ledger_->end_holder(never), Fault::not_found, "no holder 99");
  const Entry entry = settled(1, {1});
  expect_fault(ledger_->apply(never, 0, 1, {&entry, 1}), Fault::not_found, "no holder 99");
}

TEST_P(LedgerLeases, each_window_has_its_own_lease) {
  const AccountId one = key("k", kDefaultProject, {{PicoUsd{10}, std::nullopt, std::nullopt, std::nullopt}});
  const spend::Window today = spend::window_of(spend::Period::daily, now_);
  const HolderId a = holder();
  EXPECT_TRUE(lease(a, {one, today}, {10}, {10}).enough);
  EXPECT_TRUE(lease(a, {one, spend::next(today)}, {10}, {10}).enough);
  EXPECT_TRUE(lease(a, {one, spend::window_of(spend::Period::weekly, now_)}, {99}, {99}).enough);
  apply(a, 1, {begun(1, one, {10}), settled(1, {10})});
  EXPECT_EQ(lease(a, {one, today}, {0}, {0}).leased, PicoUsd{0});
  EXPECT_EQ(lease(a, {one, spend::next(today)}, {0}, {0}).leased, PicoUsd{10});
}

TEST_P(LedgerLeases, leases_of_windows_long_past_are_forgotten) {
  const AccountId one = key("k", kDefaultProject, {{PicoUsd{10}, std::nullopt, std::nullopt, std::nullopt}});
  const HolderId a = holder();
  spend::Window old = spend::window_of(spend::Period::daily, now_);
  old.number -= 4;
  lease(a, {one, old}, {10}, {10});
  EXPECT_EQ(ledger_->holders().value()[0].leased, PicoUsd{10});
  ASSERT_TRUE(ledger_->heartbeat(a, std::chrono::hours{1}));
  EXPECT_EQ(ledger_->holders().value()[0].leased, PicoUsd{0});
}

TEST_P(LedgerLeases, the_largest_limit_does_not_overflow) {
  const PicoUsd most{std::numeric_limits<std::int64_t>::max()};
  const AccountId one = key("k", kDefaultProject, in_all(most));
  const HolderId a = holder();
  apply(a, 1, {begun(1, one, {40}), settled(1, {40})});
  EXPECT_EQ(lease(a, all_time(one), {1}, most).granted, PicoUsd{most.value - 40});
  EXPECT_THAT(wrong(), IsEmpty());
}

}  // namespace
}  // namespace gantry::ledger
