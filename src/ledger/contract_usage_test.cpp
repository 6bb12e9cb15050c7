#include "ledger/contract_kit.hpp"

namespace gantry::ledger {
namespace {

using spend::CostSource;
using spend::Waste;
using testing::IsEmpty;
using testing::SizeIs;

class LedgerUsage : public LedgerContract {
 protected:
  static WallTime day(unsigned number) {
    return WallTime{std::chrono::sys_days{std::chrono::year{2026} / std::chrono::November /
                                          std::chrono::day{number}}} +
           std::chrono::hours{5};
  }
  // One attempt from its beginning to its end.
  void attempt(std::uint64_t id, AccountId key, AccountId project, WallTime at, std::string_view model,
               AttemptSettled end) {
    Entry began = begun(id, key, {100});
    auto& it = std::get<AttemptBegun>(began);
    it.payer.project = project;
    it.at = at;
    it.model = model;
    end.attempt = {id};
    end.at = at + std::chrono::hours{1};
    apply(holder_, sequence_, {began, end});
    sequence_ += 2;
  }
  void SetUp() override {
    LedgerContract::SetUp();
    if (ledger_) holder_ = holder();
  }
  HolderId holder_;
  std::uint64_t sequence_ = 1;
};
INSTANTIATE_TEST_SUITE_P(Drivers, LedgerUsage, testing::ValuesIn(drivers()), driver_name);

TEST_P(LedgerUsage, is_grouped_by_what_was_asked) {
  const AccountId shop = ledger_->add_project("shop", {}).value();
  const AccountId one = key("one"), two = key("two", shop);
  attempt(1, one, kDefaultProject, day(1), "m/a",
          {.cost = {10}, .delivered = true, .prompt_tokens = 5, .completion_tokens = 1});
  attempt(2, one, kDefaultProject, day(1), "m/b",
          {.cost = {20}, .delivered = true, .prompt_tokens = 6, .completion_tokens = 2});
  attempt(3, one, kDefaultProject, day(2), "m/a",
          {.cost = {40}, .delivered = true, .prompt_tokens = 7, .completion_tokens = 3});
  attempt(4, two, shop, day(2), "m/a",
          {.cost = {80}, .delivered = true, .prompt_tokens = 8, .completion_tokens = 4});

  const auto all = ledger_->usage({.from = day(1), .to = day(2)}).value();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].cost, PicoUsd{150});
  EXPECT_EQ(all[0].prompt_tokens, 26);
  EXPECT_EQ(all[0].completion_tokens, 10);
  EXPECT_EQ(all[0].calls, 4);
  EXPECT_EQ(all[0].key + all[0].project + all[0].model + all[0].day, "");

  const auto keys =
      ledger_->usage({.from = day(1), .to = day(2), .by = {UsageBy::key, UsageBy::day}}).value();
  ASSERT_THAT(keys, SizeIs(3));
  EXPECT_EQ(keys[0].key, "one");
  EXPECT_EQ(keys[0].day, "2026-11-01");
  EXPECT_EQ(keys[0].cost, PicoUsd{30});
  EXPECT_EQ(keys[2].key, "two");
  EXPECT_EQ(keys[2].key_account, two);
  EXPECT_EQ(keys[2].project_account, AccountId{});

  const auto models =
      ledger_->usage({.from = day(2), .to = day(2), .by = {UsageBy::model, UsageBy::project}}).value();
  ASSERT_THAT(models, SizeIs(2));
  EXPECT_EQ(models[0].project, "default");
  EXPECT_EQ(models[1].project, "shop");
  EXPECT_EQ(models[1].model, "m/a");
  EXPECT_EQ(models[1].cost, PicoUsd{80});

  EXPECT_EQ(ledger_->usage({.from = day(1), .to = day(2), .key = one}).value()[0].cost, PicoUsd{70});
  EXPECT_EQ(ledger_->usage({.from = day(1), .to = day(2), .project = shop}).value()[0].cost, PicoUsd{80});
  EXPECT_EQ(ledger_->usage({.from = day(1), .to = day(2), .key = one, .project = shop}).value()[0].attempts,
            0);
  EXPECT_THAT(ledger_->usage({.from = day(3), .to = day(4), .by = {UsageBy::key}}).value(), IsEmpty());
}

TEST_P(LedgerUsage, tells_sources_waste_and_overshoot_apart) {
  const AccountId one = key("one");
  attempt(1, one, kDefaultProject, day(1), "m", {.cost = {1}, .upstream_cost = {1000}, .delivered = true});
  attempt(2, one, kDefaultProject, day(1), "m",
          {.cost = {20}, .source = CostSource::computed, .waste = Waste::retry});
  attempt(3, one, kDefaultProject, day(1), "m",
          {.cost = {300}, .source = CostSource::assumed, .waste = Waste::lost_primary});
  attempt(4, one, kDefaultProject, day(1), "m", {.cost = {4}, .waste = Waste::abandoned});
  attempt(5, one, kDefaultProject, day(1), "m", {.cost = {5}, .waste = Waste::probe});
  attempt(6, one, kDefaultProject, day(1), "m", {.source = CostSource::free, .waste = Waste::retry});
  const UsageRow row = ledger_->usage({.from = day(1), .to = day(1)}).value()[0];
  EXPECT_EQ(row.cost, PicoUsd{330});
  EXPECT_EQ(row.upstream_cost, PicoUsd{1000});
  EXPECT_EQ(row.computed, PicoUsd{20});
  EXPECT_EQ(row.assumed, PicoUsd{300});
  EXPECT_EQ(row.waste, (std::array<PicoUsd, 5>{{{1}, {20}, {300}, {4}, {5}}}));
  EXPECT_EQ(row.overshoot, PicoUsd{200});
  EXPECT_EQ(row.attempts, 6);
  EXPECT_EQ(row.calls, 1);
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerUsage, a_pending_attempt_is_counted_once_and_its_cost_later) {
  const AccountId one = key("one");
  Entry pending = left_pending(1, {20});
  std::get<AttemptPending>(pending).delivered = true;
  apply(holder_, 1, {begun(1, one, {30}), pending});
  const UsageQuery today{.from = now_, .to = now_};
  UsageRow row = ledger_->usage(today).value()[0];
  EXPECT_EQ(row.pending, PicoUsd{20});
  EXPECT_EQ(row.attempts, 1);
  EXPECT_EQ(row.calls, 1);
  ASSERT_TRUE(ledger_->resolve({}, {.attempt = {1}, .cost = {20}, .source = CostSource::assumed}));
  row = ledger_->usage(today).value()[0];
  EXPECT_EQ(row.pending, PicoUsd{0});
  EXPECT_EQ(row.cost, PicoUsd{20});
  EXPECT_EQ(row.assumed, PicoUsd{20});
  EXPECT_EQ(row.waste[static_cast<std::size_t>(Waste::abandoned)], PicoUsd{20});
  EXPECT_EQ(row.attempts, 1);
  EXPECT_EQ(row.calls, 1);
}

TEST_P(LedgerUsage, a_removed_key_keeps_its_usage_under_its_name) {
  const AccountId first = key("robot");
  attempt(1, first, kDefaultProject, day(1), "m", {.cost = {10}});
  ASSERT_TRUE(ledger_->remove(first));
  const AccountId second = key("robot");
  attempt(2, second, kDefaultProject, day(1), "m", {.cost = {7}});
  const auto rows = ledger_->usage({.from = day(1), .to = day(1), .by = {UsageBy::key}}).value();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].key, "robot");
  EXPECT_EQ(rows[0].key_account, first);
  EXPECT_EQ(rows[0].cost, PicoUsd{10});
  EXPECT_EQ(rows[1].key, "robot");
  EXPECT_EQ(rows[1].key_account, second);
  EXPECT_EQ(total(first).settled, PicoUsd{10});
}

}  // namespace
}  // namespace gantry::ledger
