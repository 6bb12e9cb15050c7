#include "ledger/contract_kit.hpp"
#include "ledger/migrations.hpp"
#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LedgerAttempts : public LedgerContract {
 protected:
  void SetUp() override {
    LedgerContract::SetUp();
    if (!ledger_) return;
    key_ = key("k");
    a_ = holder();
  }
  [[nodiscard]] Resolution costing(std::uint64_t id, PicoUsd cost,
                                   spend::CostSource source = spend::CostSource::told) const {
    return {.attempt = {id},
            .cost = cost,
            .source = source,
            .prompt_tokens = 7,
            .completion_tokens = 2,
            .served_model = "maker/model-2",
            .provider = "Late"};
  }
  AccountId key_;
  HolderId a_;
};
INSTANTIATE_TEST_SUITE_P(Drivers, LedgerAttempts, testing::ValuesIn(drivers()), driver_name);

TEST_P(LedgerAttempts, a_cost_is_booked_in_every_account_of_the_path_and_every_window) {
  apply(a_, 1, {begun(1, key_, {30}), seen(1, "gen-1"), settled(1, {25})});
  for (const AccountId account : {key_, kDefaultProject, kOrganisation}) {
    const auto windows = ledger_->spent(account).value();
    for (const auto& window : windows) {
      EXPECT_EQ(window.settled, PicoUsd{25});
      EXPECT_EQ(window.pending, PicoUsd{0});
      EXPECT_EQ(window.overshoot, PicoUsd{0});
    }
  }
  EXPECT_EQ(ledger_->owner("gen-1").value(), key_);
  EXPECT_EQ(ledger_->owner("gen-2").value(), std::nullopt);
  EXPECT_EQ(ledger_->owner("").value(), std::nullopt);
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerAttempts, an_end_may_name_the_generation) {
  Entry one = settled(1, {25}), two = left_pending(2, {25});
  std::get<AttemptSettled>(one).generation = "gen-1";
  std::get<AttemptPending>(two).generation = "gen-2";
  apply(a_, 1, {begun(1, key_, {30}), one, begun(2, key_, {30}), two});
  EXPECT_EQ(ledger_->owner("gen-1").value(), key_);
  EXPECT_EQ(ledger_->pending(1).value()[0].generation, "gen-2");
  EXPECT_EQ(ledger_->owner("gen-2").value(), key_);
}

TEST_P(LedgerAttempts, a_cost_belongs_to_the_windows_of_its_beginning) {
  const WallTime before_midnight{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30} +
                                 std::chrono::hours{23}};
  const AccountId limited = key("l", kDefaultProject, {{PicoUsd{99}, PicoUsd{99}, PicoUsd{99}, PicoUsd{99}}});
  Entry began = begun(1, limited, {30}), end = settled(1, {25});
  std::get<AttemptBegun>(began).at = before_midnight;
  std::get<AttemptSettled>(end).at = before_midnight + std::chrono::hours{2};
  apply(a_, 1, {began});
  apply(a_, 2, {end});
  for (const auto period : spend::kPeriods) {
    const spend::Window window = spend::window_of(period, before_midnight);
    EXPECT_EQ(lease(a_, {limited, window}, {0}, {0}).settled, PicoUsd{25}) << name(period);
    if (spend::next(window) != window)
      EXPECT_EQ(lease(a_, {limited, spend::next(window)}, {0}, {0}).settled, PicoUsd{0}) << name(period);
  }
  EXPECT_EQ(ledger_->booked("main").value(), PicoUsd{25});
  EXPECT_EQ(ledger_->booked("other").value(), PicoUsd{0});
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerAttempts, what_a_bill_exceeded_its_hold_by_is_overshoot_where_it_was_held) {
  const auto only_the_key = static_cast<std::uint16_t>(1U << 3);  // in all time
  apply(a_, 1,
        {begun(1, key_, {30}), settled(1, {42}), begun(2, key_, {30}, only_the_key), settled(2, {31}),
         begun(3, key_, {0}, 0), settled(3, {5})});
  EXPECT_EQ(total(key_).overshoot, PicoUsd{13});
  EXPECT_EQ(total(kOrganisation).overshoot, PicoUsd{12});
  EXPECT_EQ(total(key_).settled, PicoUsd{78});
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerAttempts, entries_may_come_one_by_one_or_all_at_once) {
  const std::vector<Entry> entries = {begun(1, key_, {30}),  begun(2, key_, {30}), seen(1, "gen-1"),
                                      left_pending(2, {20}), settled(1, {25}),     begun(3, key_, {9}),
                                      seen(2, "gen-2"),      settled(2, {18}),     begun(4, key_, {8}),
                                      left_pending(4, {7})};
  const HolderId b = holder("b");
  const AccountId other = key("other");
  apply(a_, 1, entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry entry = entries[i];
    std::visit([](auto& told) { told.attempt.value += 100; }, entry);
    if (auto* began = std::get_if<AttemptBegun>(&entry)) began->payer.key = other;
    apply(b, i + 1, {entry});
    reopen();
  }
  const Spent one = total(key_), same = total(other);
  EXPECT_EQ(one.settled, PicoUsd{43});
  EXPECT_EQ(one.pending, PicoUsd{7});
  EXPECT_EQ(same.settled, one.settled);
  EXPECT_EQ(same.pending, one.pending);
  const auto rows = ledger_->usage({.from = now_, .to = now_, .by = {UsageBy::key}}).value();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].attempts, 3);
  EXPECT_EQ(rows[1].attempts, 3);
  EXPECT_EQ(rows[0].calls, rows[1].calls);
  EXPECT_EQ(ledger_->owner("gen-2").value(), key_);
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerAttempts, a_replay_books_nothing_twice) {
  const std::vector<Entry> entries = {begun(1, key_, {30}), settled(1, {25}), begun(2, key_, {30}),
                                      settled(2, {5})};
  apply(a_, 1, entries);
  apply(a_, 1, entries);
  reopen();
  apply(a_, 3, {entries[2], entries[3], begun(3, key_, {30}), settled(3, {1})});
  apply(a_, 1, entries);
  EXPECT_EQ(total(key_).settled, PicoUsd{31});
  const auto positions = ledger_->positions(a_).value();
  ASSERT_THAT(positions, SizeIs(1));
  EXPECT_EQ(positions[0].shard, 0U);
  EXPECT_EQ(positions[0].sequence, 6U);
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerAttempts, shards_and_holders_have_their_own_positions) {
  const std::vector<Entry> one = {begun(1, key_, {30}), settled(1, {25})},
                           two = {begun(2, key_, {30}), settled(2, {25})};
  ASSERT_TRUE(ledger_->apply(a_, 3, 1, one));
  ASSERT_TRUE(ledger_->apply(a_, 1, 1, two));
  const HolderId b = holder("b");
  EXPECT_THAT(ledger_->positions(b).value(), IsEmpty());
  apply(b, 1, {begun(3, key_, {30}), settled(3, {25})});
  const auto positions = ledger_->positions(a_).value();
  ASSERT_THAT(positions, SizeIs(2));
  EXPECT_EQ(positions[0].shard, 1U);
  EXPECT_EQ(positions[1].shard, 3U);
  EXPECT_EQ(total(key_).settled, PicoUsd{75});
}

TEST_P(LedgerAttempts, a_failure_anywhere_leaves_nothing_and_the_same_entries_come_again) {
  std::vector<Entry> first, second;
  for (std::uint64_t i = 1; i <= 8; ++i) first.push_back(begun(i, key_, {30}));
  for (std::uint64_t i = 1; i <= 4; ++i) second.push_back(settled(i, {25}));
  second.push_back(left_pending(5, {20}));
  second.push_back(settled(77, {25}));
  apply(a_, 1, first);
  const Spent before = total(key_);
  int failures = 0;
  for (int lives = 1;; ++lives) {
    auto real = store_->connect();
    ASSERT_TRUE(real);
    const auto left = std::make_shared<int>(lives);
    SqlLedger failing(std::make_unique<FailingDatabase>(*std::move(real), left), time_);
    if (failing.apply(a_, 0, 9, second)) break;
    ++failures;
    EXPECT_EQ(total(key_).settled, before.settled) << "failed at statement " << lives;
    EXPECT_EQ(total(key_).pending, before.pending) << "failed at statement " << lives;
    EXPECT_EQ(ledger_->positions(a_).value()[0].sequence, 8U) << "failed at statement " << lives;
  }
  EXPECT_GE(failures, 10);
  EXPECT_EQ(total(key_).settled, PicoUsd{100});
  EXPECT_EQ(total(key_).pending, PicoUsd{20});
  EXPECT_THAT(wrong(),
              ElementsAre(testing::HasSubstr("1 journal entries spoke of attempts that nobody knew")));
}

TEST_P(LedgerAttempts, an_entry_of_an_attempt_that_nobody_knows_is_passed_over_and_counted) {
  apply(a_, 1,
        {settled(9, {25}), seen(9, "gen"), left_pending(9, {3}), begun(1, key_, {30}), begun(1, key_, {30}),
         left_pending(1, {2}), left_pending(1, {2}), settled(1, {1}), settled(1, {1})});
  EXPECT_EQ(total(key_).settled, PicoUsd{1});
  EXPECT_EQ(total(key_).pending, PicoUsd{0});
  EXPECT_THAT(wrong(), ElementsAre(testing::HasSubstr("6 journal entries spoke of attempts")));
}

TEST_P(LedgerAttempts, a_gap_between_entries_is_told) {
  apply(a_, 5, {begun(1, key_, {30})});
  EXPECT_THAT(wrong(), IsEmpty());
  apply(a_, 8, {settled(1, {25})});
  EXPECT_EQ(total(key_).settled, PicoUsd{25});
  EXPECT_THAT(wrong(), ElementsAre(testing::HasSubstr("1 times entries were missing")));
}

TEST_P(LedgerAttempts, pending_ones_are_listed_by_their_end) {
  Entry late = left_pending(1, {20}), early = left_pending(2, {10});
  std::get<AttemptPending>(late).at = now_ + std::chrono::seconds{2};
  std::get<AttemptPending>(early).at = now_ + std::chrono::seconds{1};
  apply(a_, 1,
        {begun(1, key_, {30}), begun(2, key_, {30}), begun(3, key_, {30}), seen(2, "gen-2"), late, early});
  const auto all = ledger_->pending(10).value();
  ASSERT_THAT(all, SizeIs(2));
  const Pending expected{.attempt = {2},
                         .holder = a_,
                         .payer = {key_, kDefaultProject, kOrganisation},
                         .began = now_,
                         .ended = now_ + std::chrono::seconds{1},
                         .estimate = {10},
                         .generation = "gen-2",
                         .model = "maker/model",
                         .upstream = "openrouter",
                         .upstream_key = "main"};
  EXPECT_EQ(all[0], expected);
  EXPECT_EQ(all[1].attempt, AttemptId{1});
  EXPECT_THAT(ledger_->pending(1).value(), SizeIs(1));
  EXPECT_THAT(ledger_->pending(std::numeric_limits<std::size_t>::max()).value(), SizeIs(2));
  EXPECT_EQ(ledger_->owner("gen-2").value(), key_);
}

TEST_P(LedgerAttempts, what_was_pending_is_settled_once) {
  apply(a_, 1, {begun(1, key_, {30}), left_pending(1, {20})});
  EXPECT_EQ(total(key_).pending, PicoUsd{20});
  const auto was = ledger_->resolve({}, costing(1, {33}));
  ASSERT_TRUE(was);
  ASSERT_TRUE(*was);
  EXPECT_EQ((*was)->estimate, PicoUsd{20});
  EXPECT_EQ((*was)->holder, a_);
  EXPECT_EQ(ledger_->resolve({}, costing(1, {33})).value(), std::nullopt);
  EXPECT_EQ(ledger_->resolve({}, costing(2, {33})).value(), std::nullopt);
  EXPECT_EQ(total(key_).pending, PicoUsd{0});
  EXPECT_EQ(total(key_).settled, PicoUsd{33});
  EXPECT_EQ(total(key_).overshoot, PicoUsd{3});
  EXPECT_THAT(ledger_->pending(10).value(), IsEmpty());
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerAttempts, an_open_attempt_is_not_resolved) {
  apply(a_, 1, {begun(1, key_, {30})});
  EXPECT_EQ(ledger_->resolve({}, costing(1, {33})).value(), std::nullopt);
}

TEST_P(LedgerAttempts, leases_follow_a_resolution_only_for_the_holder_that_hears_of_it) {
  const AccountId limited = key("l", kDefaultProject, in_all({100}));
  const HolderId b = holder("b");
  lease(a_, all_time(limited), {80}, {80});
  apply(a_, 1,
        {begun(1, limited, {30}), left_pending(1, {20}), begun(2, limited, {30}), left_pending(2, {20})});
  EXPECT_EQ(total(limited).leased, PicoUsd{40});
  ASSERT_TRUE(ledger_->resolve(a_, costing(1, {15})).value());
  EXPECT_EQ(total(limited).leased, PicoUsd{45});
  ASSERT_TRUE(ledger_->resolve(b, costing(2, {15})).value());
  EXPECT_EQ(total(limited).leased, PicoUsd{45});
  expect_fault(ledger_->resolve({99}, costing(2, {15})), Fault::not_found, "no holder 99");
}

TEST_P(LedgerAttempts, attempts_without_an_end_become_pending_when_their_holder_ends) {
  const AccountId limited = key("l", kDefaultProject, in_all({100}));
  lease(a_, all_time(limited), {80}, {80});
  apply(a_, 1, {begun(1, limited, {30}), begun(2, limited, {20}), settled(2, {20})});
  const HolderId b = holder("b");
  ASSERT_TRUE(ledger_->end_holder(a_));
  EXPECT_EQ(total(limited).pending, PicoUsd{30});
  EXPECT_EQ(total(limited).leased, PicoUsd{0});
  EXPECT_EQ(lease(b, all_time(limited), {50}, {90}).granted, PicoUsd{50});
  EXPECT_THAT(ledger_->pending(10).value(), SizeIs(1));

  // Its journal tells more than was known when it ended, and nothing twice.
  apply(a_, 1,
        {begun(1, limited, {30}), begun(2, limited, {20}), settled(2, {20}), settled(1, {28}),
         begun(3, limited, {5})});
  EXPECT_EQ(total(limited).settled, PicoUsd{48});
  EXPECT_EQ(total(limited).pending, PicoUsd{0});
  EXPECT_THAT(wrong(), ElementsAre(testing::HasSubstr("1 attempts are open although their holder ended")));
  ASSERT_TRUE(ledger_->end_holder(a_));
  EXPECT_EQ(total(limited).pending, PicoUsd{5});
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerAttempts, numbers_use_all_their_bits_and_texts_may_be_anything) {
  const std::uint64_t id = std::numeric_limits<std::uint64_t>::max();
  Entry end = left_pending(id, {20});
  std::get<AttemptPending>(end).outcome = "it's \"odd\"; DROP TABLE costs; --\xff";
  apply(a_, 1, {begun(id, key_, {30}), seen(id, std::string_view("gen\0-\xc3\xa9", 8)), end});
  EXPECT_EQ(ledger_->pending(1).value()[0].attempt, AttemptId{id});
  EXPECT_EQ(ledger_->owner(std::string_view("gen\0-\xc3\xa9", 8)).value(), key_);
  ASSERT_TRUE(ledger_->resolve({}, costing(id, {33})).value());
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(LedgerAttempts, a_page_of_costs_that_was_damaged_is_told) {
  apply(a_, 1, {begun(1, key_, {30}), settled(1, {25})});
  auto database = store_->connect();
  ASSERT_TRUE(database);
  ASSERT_TRUE((*database)->begin(sql::Access::write));
  ASSERT_TRUE(
      (*database)->run("UPDATE cost_pages SET body = $1", {sql::Bytes{std::string_view("\1c\0", 3)}}));
  ASSERT_TRUE((*database)->commit());
  EXPECT_THAT(wrong(), testing::Contains(testing::HasSubstr("of a page of 1 costs only 0 can be read")));
}

TEST_P(LedgerAttempts, pages_are_checked_however_many_there_are_and_at_whatever_moments) {
  std::uint64_t id = 1;
  for (; id <= 150; ++id) {
    Entry end = settled(id, {1});
    std::get<AttemptSettled>(end).at = now_ + std::chrono::seconds{id < 100 ? 0 : id / 3};
    apply(a_, 2 * id - 1, {begun(id, key_, {3}), end});
  }
  EXPECT_THAT(wrong(), IsEmpty());
  auto database = store_->connect();
  ASSERT_TRUE(database);
  ASSERT_TRUE((*database)->begin(sql::Access::write));
  const auto gone = (*database)->run("DELETE FROM cost_pages WHERE last_ended > $1", {now_});
  ASSERT_TRUE((*database)->commit());
  EXPECT_EQ(gone, 51);
  EXPECT_THAT(wrong(), testing::Contains(testing::HasSubstr("its attempts come to 0.000000000099")));
}

TEST_P(LedgerAttempts, costs_that_an_older_program_wrote_still_count) {
  ledger_.reset();
  const auto older = GetParam().make();
  auto database = older->connect();
  ASSERT_TRUE(database);
  ASSERT_TRUE(migrate(**database, migrations().first(1)));
  ASSERT_TRUE((*database)->begin(sql::Access::write));
  ASSERT_TRUE((*database)->script(
      "INSERT INTO costs (attempt, holder, call_id, key_account, project, organisation, began, ended, hold, "
      "places, "
      "cost, upstream_cost, overshoot, source, waste, delivered, prompt_tokens, completion_tokens, model, "
      "served_model, provider, route, upstream, upstream_key, generation, outcome) VALUES "
      "(1, 1, 1, 3, 2, 1, 0, 0, 0, 0, 25, 0, 0, 0, 0, 1, 7, 2, 'm', 'm', 'P', 'r', 'openrouter', 'main', "
      "'gen-1', "
      "'delivered')"));
  ASSERT_TRUE((*database)->commit());
  database->reset();
  const auto ledger = open(older->where(), time_);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  EXPECT_EQ((*ledger)->booked("main").value(), PicoUsd{25});
  EXPECT_EQ((*ledger)->owner("gen-1").value(), kKeyless);
  EXPECT_THAT((*ledger)->check().value(),
              testing::Contains(testing::HasSubstr("its attempts are not in spend")));
}

TEST_P(LedgerAttempts, many_more_attempts_than_one_statement_asks_for) {
  std::vector<Entry> begins, ends;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    begins.push_back(begun(i, key_, {3}));
    ends.push_back(settled(i, {2}));
  }
  apply(a_, 1, begins);
  apply(a_, 1001, ends);
  EXPECT_EQ(total(key_).settled, PicoUsd{2000});
  EXPECT_THAT(wrong(), IsEmpty());
}

}  // namespace
}  // namespace gantry::ledger
