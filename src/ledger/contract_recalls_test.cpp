#include "ledger/contract_kit.hpp"

namespace gantry::ledger {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class LedgerRecalls : public LedgerContract {
 protected:
  void SetUp() override {
    LedgerContract::SetUp();
    if (ledger_) pot_ = all_time(key("k", kDefaultProject, in_all({100})));
  }
  Lease ask(HolderId holder, PicoUsd least, PicoUsd most) {
    const LeaseWish wish{.pot = pot_, .least = least, .most = most, .recall = true};
    return ledger_->lease(holder, {&wish, 1}).value().front();
  }
  void give_back(HolderId holder, PicoUsd keeps, std::int64_t recall) {
    const Return one{.pot = pot_, .granted = keeps, .recall = recall};
    ASSERT_TRUE(ledger_->give_back(holder, {&one, 1}));
  }
  std::vector<Recall> asked_of(HolderId holder) { return ledger_->recalls(holder).value(); }

  PotId pot_{};
};
INSTANTIATE_TEST_SUITE_P(Drivers, LedgerRecalls, testing::ValuesIn(drivers()), driver_name);

TEST_P(LedgerRecalls, what_others_do_not_need_comes_back_when_it_is_asked_for) {
  const HolderId a = holder("a"), b = holder("b");
  lease(b, pot_, {80}, {80});
  EXPECT_EQ(lease(a, pot_, {50}, {60}).recall, 0) << "who does not ask, does not";
  EXPECT_THAT(asked_of(b), IsEmpty());
  const Lease lacks = ask(a, {50}, {60});
  EXPECT_FALSE(lacks.enough);
  EXPECT_GT(lacks.recall, 0);
  EXPECT_LT(lacks.answered, lacks.recall);
  ASSERT_THAT(asked_of(b), SizeIs(1));
  EXPECT_EQ(asked_of(b)[0].pot, pot_);
  EXPECT_EQ(asked_of(b)[0].number, lacks.recall);
  EXPECT_THAT(asked_of(a), IsEmpty());
  give_back(b, {30}, lacks.recall);
  EXPECT_THAT(asked_of(b), IsEmpty());
  EXPECT_TRUE(lease(a, pot_, {50}, {60}).enough);
}

TEST_P(LedgerRecalls, who_needs_all_of_it_answers_too) {
  const HolderId a = holder("a"), b = holder("b");
  lease(b, pot_, {80}, {80});
  const Lease lacks = ask(a, {50}, {60});
  give_back(b, {80}, lacks.recall);
  EXPECT_THAT(asked_of(b), IsEmpty());
  const Lease refused = lease(a, pot_, {50}, {60});
  EXPECT_FALSE(refused.enough);
  EXPECT_GE(refused.answered, lacks.recall);
}

TEST_P(LedgerRecalls, all_that_own_something_are_asked_and_waited_for) {
  const HolderId a = holder("a"), b = holder("b"), c = holder("c"), d = holder("d");
  lease(b, pot_, {40}, {40});
  lease(c, pot_, {40}, {40});
  lease(d, pot_, {0}, {0});
  const Lease lacks = ask(a, {90}, {90});
  EXPECT_THAT(asked_of(b), SizeIs(1));
  EXPECT_THAT(asked_of(c), SizeIs(1));
  EXPECT_THAT(asked_of(d), IsEmpty());
  give_back(c, {0}, lacks.recall);
  EXPECT_LT(lease(a, pot_, {90}, {90}).answered, lacks.recall);
  give_back(b, {0}, lacks.recall);
  EXPECT_TRUE(lease(a, pot_, {90}, {90}).enough);
}

TEST_P(LedgerRecalls, one_that_nobody_has_answered_is_shared_and_a_later_one_is_new) {
  const HolderId a = holder("a"), b = holder("b"), c = holder("c"), d = holder("d");
  lease(b, pot_, {40}, {40});
  lease(c, pot_, {40}, {40});
  const auto first = ask(a, {90}, {90}).recall;
  EXPECT_EQ(ask(a, {80}, {80}).recall, first);
  EXPECT_EQ(ask(d, {80}, {80}).recall, first);
  give_back(b, {30}, first);
  const auto second = ask(d, {80}, {80}).recall;
  EXPECT_GT(second, first) << "what b had to keep may have ended since";
  EXPECT_THAT(asked_of(b), SizeIs(1));
  give_back(c, {0}, second);
  EXPECT_GE(lease(a, pot_, {90}, {90}).answered, first) << "an answer answers what was asked before";
}

TEST_P(LedgerRecalls, nobody_is_asked_for_what_would_not_suffice) {
  const AccountId one = pot_.account;
  const HolderId a = holder("a"), b = holder("b");
  lease(b, pot_, {60}, {60});
  apply(b, 1, {begun(1, one, {30}), settled(1, {30})});
  EXPECT_EQ(ask(a, {71}, {71}).recall, 0);
  EXPECT_GT(ask(a, {70}, {70}).recall, 0);
}

TEST_P(LedgerRecalls, the_dead_cannot_answer_and_are_not_asked) {
  const HolderId a = holder("a"), b = holder("b"), c = holder("c");
  lease(b, pot_, {60}, {60});
  ASSERT_TRUE(ledger_->heartbeat(b, Duration::zero()));
  const Lease alone = ask(a, {70}, {70});
  EXPECT_EQ(alone.recall, 0);
  EXPECT_EQ(alone.lost, PicoUsd{60});
  EXPECT_EQ(alone.elsewhere, PicoUsd{60});
  lease(c, pot_, {40}, {40});
  EXPECT_EQ(ask(a, {70}, {70}).recall, 0) << "with all that c owns it would not fit";
  const Lease lacks = ask(a, {20}, {20});
  EXPECT_GT(lacks.recall, 0);
  give_back(c, {20}, lacks.recall);
  EXPECT_TRUE(lease(a, pot_, {20}, {20}).enough);
}

TEST_P(LedgerRecalls, what_was_recalled_is_nobodys_reserve_for_a_while) {
  const HolderId a = holder("a"), b = holder("b");
  lease(b, pot_, {80}, {80});
  give_back(b, {0}, ask(a, {50}, {90}).recall);
  EXPECT_EQ(lease(a, pot_, {50}, {90}).granted, PicoUsd{50});
  EXPECT_EQ(lease(b, pot_, {10}, {90}).granted, PicoUsd{10});
  ASSERT_TRUE(ledger_->heartbeat(a, std::chrono::hours{1}));
  EXPECT_EQ(lease(b, pot_, {11}, {90}).granted, PicoUsd{11}) << "it is not old yet";
  ASSERT_TRUE((*store_->connect())->run("UPDATE recalls SET asked = 0"));
  ASSERT_TRUE(ledger_->heartbeat(a, std::chrono::hours{1}));
  EXPECT_EQ(lease(b, pot_, {12}, {40}).granted, PicoUsd{40});
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerRecalls, holders_tell_what_they_own_and_what_nobody_knows_of_them) {
  const AccountId one = pot_.account;
  const HolderId b = holder("b");
  lease(b, pot_, {80}, {80});
  apply(
      b, 1,
      {begun(1, one, {10}), begun(2, one, {20}), begun(3, one, {5}), left_pending(2, {15}), settled(3, {5})});
  const auto all = ledger_->holders().value();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].leased, PicoUsd{60}) << "20 ended";
  EXPECT_EQ(all[0].open, 1);
  EXPECT_EQ(all[0].open_estimate, PicoUsd{10});
  EXPECT_EQ(all[0].pending, 1);
  EXPECT_EQ(all[0].pending_estimate, PicoUsd{15});
}

}  // namespace
}  // namespace gantry::ledger
