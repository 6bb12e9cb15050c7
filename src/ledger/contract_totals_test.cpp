#include "ledger/contract_kit.hpp"

namespace gantry::ledger {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class LedgerTotals : public LedgerContract {
 protected:
  void SetUp() override {
    LedgerContract::SetUp();
    if (!ledger_) return;
    a_ = holder();
    key_ = key("one");
  }
  // Upstream is asked now and says at once what was charged to the key "main".
  std::optional<UpstreamTotal> look(PicoUsd usage, std::string_view mark = "first",
                                    std::string_view day = "2026-11-24") {
    const auto seen = ledger_->see_usage({.upstream_key = "main",
                                          .mark = std::string(mark),
                                          .usage = usage,
                                          .day = std::string(day),
                                          .since = ledger_->now().value()});
    EXPECT_TRUE(seen) << seen.error().detail;
    return seen.value_or(std::nullopt);
  }
  // An attempt on the key, from its beginning to its end.
  void spend(PicoUsd cost) {
    const auto id = sequence_;
    apply(a_, sequence_, {begun(id, key_, {0}), settled(id, cost)});
    sequence_ += 2;
  }
  HolderId a_;
  AccountId key_;
  std::uint64_t sequence_ = 1;
};
INSTANTIATE_TEST_SUITE_P(Drivers, LedgerTotals, testing::ValuesIn(drivers()), driver_name);

TEST_P(LedgerTotals, are_the_growth_since_the_first_look) {
  spend({7});
  EXPECT_FALSE(look({1000}));
  EXPECT_THAT(ledger_->totals("2026-01-01", "2026-12-31").value(), IsEmpty());
  spend({20});
  auto total = look({1020});
  ASSERT_TRUE(total);
  EXPECT_EQ(total->told, PicoUsd{20});
  EXPECT_EQ(total->booked, PicoUsd{20});
  EXPECT_EQ(total->unexplained, PicoUsd{0});
  reopen();
  look({1025});
  total = look({1025});
  ASSERT_TRUE(total);
  EXPECT_EQ(total->told, PicoUsd{25});
  EXPECT_EQ(total->unexplained, PicoUsd{5});
  spend({1});
  for (int i = 0; i < 2; ++i) look({1027}, "first", "2026-11-25");
  const auto days = ledger_->totals("2026-11-24", "2026-11-25").value();
  ASSERT_THAT(days, SizeIs(2));
  EXPECT_EQ(days[0].unexplained, PicoUsd{5});
  EXPECT_EQ(days[1].told, PicoUsd{2});
  EXPECT_EQ(days[1].booked, PicoUsd{1});
  EXPECT_EQ(days[1].unexplained, PicoUsd{1});
  EXPECT_THAT(ledger_->totals("2026-11-25", "2026-11-25").value(), SizeIs(1));
  EXPECT_EQ(ledger_->booked("main").value(), PicoUsd{28});
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerTotals, leave_out_what_is_under_way_until_it_is_settled) {
  EXPECT_FALSE(look({0}));
  apply(a_, 1, {begun(1, key_, {30}), left_pending(1, {20}), begun(2, key_, {15})});
  EXPECT_EQ(look({36})->unexplained, PicoUsd{0});
  EXPECT_EQ(look({36})->unexplained, PicoUsd{1});
  apply(a_, 4, {settled(2, {15})});
  ASSERT_TRUE(ledger_->resolve(a_, {.attempt = {1}, .cost = {12}}));
  EXPECT_EQ(look({36})->unexplained, PicoUsd{9});
}

TEST_P(LedgerTotals, begin_anew_with_another_key_and_where_usage_shrank) {
  EXPECT_FALSE(look({1000}));
  EXPECT_FALSE(look({5000}, "second"));
  EXPECT_EQ(look({5001}, "second")->told, PicoUsd{1});
  EXPECT_FALSE(look({10}, "second"));
  EXPECT_EQ(look({12}, "second")->told, PicoUsd{3});
}

TEST_P(LedgerTotals, are_those_of_who_looked_first) {
  EXPECT_FALSE(look({10}));
  const WallTime since = ledger_->now().value() - std::chrono::minutes{1};
  const auto late = ledger_->see_usage(
      {.upstream_key = "main", .mark = "first", .usage = {4}, .day = "2026-11-24", .since = since});
  EXPECT_EQ(late.value(), std::nullopt) << "a look that comes right after another's";
  EXPECT_EQ(look({11})->told, PicoUsd{1});
}

}  // namespace
}  // namespace gantry::ledger
