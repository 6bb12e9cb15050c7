// The recorder's thread and the bank in front of it, on a real ledger.
#include "ledger/bank.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "base/random.hpp"
#include "ledger/journal_test_kit.hpp"

namespace gantry::ledger {
namespace {

using namespace std::chrono_literals;

constexpr Duration kForever = std::chrono::hours{24 * 365};

struct BankTest : testing::Test {
  ManualTime time;
  Folder folder;
  net::Loop loop{time};  // the recorder answers on it, so it goes after that
  std::unique_ptr<Bank> bank;
  std::unique_ptr<Recorder> recorder;  // its thread uses the bank
  JournalWriter* journal = nullptr;
  std::vector<std::string> told;  // on the recorder's thread

  void open() {
    auto ledger = ledger::open(folder.path("ledger.db"), time);
    ASSERT_TRUE(ledger) << ledger.error().detail;
    auto made = Recorder::open(
        std::move(*ledger), time,
        {.directory = folder.path(), .name = "test", .lives = kForever, .journal = small_segments()},
        [this](std::string_view what, const auto&) { told.emplace_back(what); });
    ASSERT_TRUE(made) << made.error().detail;
    recorder = std::move(*made);
    bank = std::make_unique<Bank>(*recorder, time);
    journal = *recorder->add_journal();
  }
  void limit(PicoUsd daily) {
    AccountChange change;
    change.limits[static_cast<std::size_t>(spend::Period::daily)] = std::optional(daily);
    ASSERT_TRUE(recorder->ledger().change(kOrganisation, change));
    take_over();
  }
  void take_over() {
    const auto directory = recorder->ledger().directory();
    ASSERT_TRUE(directory);
    ASSERT_TRUE(bank->take_over(*directory));
  }
  spend::AccountNode& keyless() { return *bank->account(kKeyless); }

  template <class T>
  Result<T> ask(std::move_only_function<Result<T>(Ledger&)> work) {
    std::optional<Result<T>> answer;
    loop.spawn(put(std::move(work), answer));
    while (!answer) loop.poll();
    return std::move(*answer);
  }
  template <class T>
  Task<void> put(std::move_only_function<Result<T>(Ledger&)> work, std::optional<Result<T>>& to) {
    auto answer = co_await recorder->ask<T>(loop, std::move(work));
    to.emplace(std::move(answer));
  }
  using Held = std::expected<spend::Hold, NoHold>;
  Held hold(PicoUsd amount) {
    std::optional<Held> answer;
    loop.spawn(hold_on(amount, answer));
    while (!answer) loop.poll();
    return std::move(*answer);
  }
  Task<void> hold_on(PicoUsd amount, std::optional<Held>& to) {
    auto held = co_await bank->hold(loop, keyless(), amount);
    to.emplace(std::move(held));
  }
  PicoUsd settled() {
    const auto spent = ask<std::array<Spent, spend::kPeriodCount>>(
        [](Ledger& ledger) { return ledger.spent(kOrganisation); });
    return spent ? spent->at(static_cast<std::size_t>(spend::Period::daily)).settled : PicoUsd{-1};
  }
  AttemptBegun begun(std::uint64_t attempt, const spend::Hold& hold) {
    return {.attempt = {attempt},
            .payer = {.key = kKeyless, .project = kDefaultProject, .organisation = kOrganisation},
            .at = hold.empty() ? bank->now() : hold.at(),
            .hold = hold.amount(),
            .estimate = hold.amount(),
            .model = "acme/alpha",
            .upstream = "openrouter",
            .upstream_key = "key-1",
            .places = hold.places()};
  }
};

TEST_F(BankTest, what_was_written_is_in_the_ledger_for_whoever_asks_after_it) {
  open();
  take_over();
  recorder->start();
  ASSERT_TRUE(journal->write(begun(1, {})));
  journal->write(AttemptSettled{.attempt = {1}, .at = bank->now(), .cost = {70}});
  EXPECT_EQ(settled(), PicoUsd{70});
}

TEST_F(BankTest, a_budget_lends_what_it_has_and_says_what_it_lacks) {
  open();
  limit({100});
  recorder->start();
  auto first = hold({60});
  ASSERT_TRUE(first);
  const auto second = hold({50});
  ASSERT_FALSE(second);
  const auto& over = std::get<OverBudget>(second.error());
  EXPECT_EQ(over.pot.account, kOrganisation);
  EXPECT_EQ(over.limit, PicoUsd{100});
  EXPECT_EQ(over.amount, PicoUsd{50});
  EXPECT_EQ(over.held, PicoUsd{60});
  EXPECT_EQ(first->settle({10}), PicoUsd{});
  const auto third = hold({95});
  ASSERT_FALSE(third);
  EXPECT_EQ(std::get<OverBudget>(third.error()).held, PicoUsd{10})
      << "what was settled and not told yet; what lies idle is not held";
  EXPECT_TRUE(hold({50})) << "what was not spent is there again";
}

TEST_F(BankTest, what_was_leased_before_the_limit_was_lowered_is_refused_and_not_asked_for_forever) {
  open();
  limit({100});
  recorder->start();
  auto held = hold({60});
  ASSERT_TRUE(held);
  held->settle({5});
  AccountChange lower;
  lower.limits[static_cast<std::size_t>(spend::Period::daily)] = std::optional(PicoUsd{5});
  const auto changed = ask<bool>([&](Ledger& ledger) -> Result<bool> {
    return ledger.change(kOrganisation, lower).has_value() &&
           bank->take_over(*ledger.directory()).has_value();
  });
  ASSERT_TRUE(changed && *changed);
  const auto refused = hold({20});
  ASSERT_FALSE(refused);
  EXPECT_EQ(std::get<OverBudget>(refused.error()).limit, PicoUsd{5});
}

TEST_F(BankTest, a_pending_cost_counts_until_it_is_resolved_in_memory_and_in_the_ledger) {
  open();
  limit({100});
  recorder->start();
  auto held = hold({80});
  ASSERT_TRUE(held);
  ASSERT_TRUE(journal->write(begun(7, *held)));
  journal->write(GenerationSeen{.attempt = {7}, .generation = "gen-7"});
  bank->keep({7}, held->keep_pending({80}));
  journal->write(AttemptPending{.attempt = {7}, .at = bank->now(), .estimate = {80}});
  EXPECT_FALSE(hold({30}));
  EXPECT_EQ(bank->pending(), 1u);
  const auto resolved = ask<std::optional<Pending>>(
      [this](Ledger& ledger) { return bank->resolve(ledger, {.attempt = {7}, .cost = {5}}); });
  ASSERT_TRUE(resolved && *resolved);
  EXPECT_EQ((*resolved)->generation, "gen-7");
  EXPECT_EQ(bank->pending(), 0u);
  EXPECT_EQ(settled(), PicoUsd{5});
  EXPECT_TRUE(hold({95}));
}

TEST_F(BankTest, the_next_run_books_what_the_last_one_wrote_and_makes_the_rest_pending) {
  open();
  limit({1000});
  recorder->start();
  auto held = hold({300});
  ASSERT_TRUE(held);
  ASSERT_TRUE(journal->write(begun(1, {})));
  journal->write(AttemptSettled{.attempt = {1}, .at = bank->now(), .cost = {40}});
  ASSERT_TRUE(journal->write(begun(2, *held)));
  journal->write(GenerationSeen{.attempt = {2}, .generation = "gen-2"});
  // Killed: nothing is brought to its end, the files stay.
  const auto killed = folder.path() + "-killed";
  std::filesystem::copy(folder.path(), killed, std::filesystem::copy_options::recursive);
  held->release();
  recorder.reset(), bank.reset();
  std::filesystem::remove_all(folder.path());
  std::filesystem::rename(killed, folder.path());

  open();
  take_over();
  const auto pending = recorder->ledger().pending(10);
  ASSERT_TRUE(pending);
  ASSERT_EQ(pending->size(), 1u);
  EXPECT_EQ(pending->front().generation, "gen-2");
  EXPECT_EQ(pending->front().estimate, PicoUsd{300});
  recorder->start();
  EXPECT_EQ(settled(), PicoUsd{40});
  EXPECT_FALSE(hold({700})) << "the pending cost counts";
  EXPECT_TRUE(hold({660}));
}

TEST_F(BankTest, an_orderly_end_leaves_no_journal_and_no_lease) {
  open();
  limit({100});
  recorder->start();
  ASSERT_TRUE(hold({100}));
  recorder->stop();
  const auto left = recorder->ledger().left_behind("test");
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
  const auto segments = list_segments(folder.path());
  ASSERT_TRUE(segments);
  EXPECT_TRUE(segments->empty());
  EXPECT_TRUE(told.empty());
}

TEST_F(BankTest, journals_of_a_holder_that_has_ended_are_gone_at_the_next_start) {
  open();
  take_over();
  recorder->start();
  ASSERT_TRUE(journal->write(begun(1, {})));
  journal->write(AttemptSettled{.attempt = {1}, .at = bank->now(), .cost = {40}});
  EXPECT_EQ(settled(), PicoUsd{40});
  const auto left = folder.path() + "-left";
  std::filesystem::copy(folder.path(), left);
  recorder->stop();
  recorder.reset(), bank.reset();
  // The process went between the end of its holder and that of its files.
  for (const auto& file : std::filesystem::directory_iterator(left))
    if (file.path().filename().string().starts_with("journal-"))
      std::filesystem::copy(file.path(), folder.path(file.path().filename()));
  std::filesystem::remove_all(left);
  ASSERT_FALSE(list_segments(folder.path())->empty());

  open();
  take_over();
  for (const auto& segment : *list_segments(folder.path()))
    EXPECT_EQ(segment.journal.holder, recorder->holder()) << "only the new run's are there";
  recorder->start();
  EXPECT_EQ(settled(), PicoUsd{40});
  EXPECT_TRUE(told.empty());
}

TEST_F(BankTest, journals_that_the_ledger_does_not_know_are_kept_and_told_of) {
  put_contents(folder.path(segment_name({.holder = {77}}, 1)), "not ours to read");
  open();
  EXPECT_EQ(told, std::vector<std::string>{"journal_unknown"});
  EXPECT_EQ(contents(folder.path("unknown-" + segment_name({.holder = {77}}, 1))), "not ours to read");
}

TEST_F(BankTest, a_restored_ledger_books_what_later_journals_tell_once) {
  open();
  take_over();
  recorder->start();
  ASSERT_TRUE(journal->write(begun(1, {})));
  journal->write(AttemptSettled{.attempt = {1}, .at = bank->now(), .cost = {40}});
  EXPECT_EQ(settled(), PicoUsd{40});
  ASSERT_TRUE(open_beside(folder.path("ledger.db"), time).value()->backup(folder.path("copy")));
  ASSERT_TRUE(journal->write(begun(2, {})));
  journal->write(AttemptSettled{.attempt = {2}, .at = bank->now(), .cost = {2}});
  EXPECT_EQ(settled(), PicoUsd{42});
  const auto killed = folder.path() + "-killed";
  std::filesystem::copy(folder.path(), killed);
  recorder.reset(), bank.reset();
  std::filesystem::remove_all(folder.path());
  std::filesystem::rename(killed, folder.path());

  const auto restored = restore(folder.path("copy"), folder.path("ledger.db"), "test", time).value();
  EXPECT_EQ(restored.beyond->cost, PicoUsd{2});
  EXPECT_GT(restored.journals, 0u);
  open();
  take_over();
  recorder->start();
  EXPECT_EQ(settled(), PicoUsd{42}) << "40 were in the copy, 2 only in the journal";
  const auto wrong = ask<std::vector<std::string>>([](Ledger& ledger) { return ledger.check(); });
  EXPECT_EQ(wrong.value(), std::vector<std::string>{});
}

// What the threads of BankThreads do: hold, settle less, give back, over and over.
struct Spender {
  Bank& bank;
  const TimeSource& time;
  std::unique_ptr<net::Loop> loop = std::make_unique<net::Loop>(time);
  std::int64_t settled = 0, refused = 0;

  void run(std::uint64_t seed) {
    bool done = false;
    loop->spawn(spend(Random(seed), done));
    while (!done) loop->poll();
  }
  Task<void> spend(Random random, bool& done) {
    auto& account = *bank.account(kKeyless);
    for (int i = 0; i < 300; ++i) {
      const PicoUsd amount{1 + static_cast<std::int64_t>(random.below(50))};
      auto held = co_await bank.hold(*loop, account, amount);
      if (!held) {
        ++refused;
        continue;
      }
      const std::int64_t cost = random.below(4) == 0 ? 0 : static_cast<std::int64_t>(random.below(3));
      held->settle({std::min(cost, amount.value)});
      settled += std::min(cost, amount.value);
    }
    done = true;
  }
};

TEST_F(BankTest, threads_that_share_a_budget_never_pass_it_and_use_it_to_the_last) {
  constexpr std::int64_t kLimit = 600;
  open();
  limit({kLimit});
  recorder->on_tick([this](Ledger& ledger) { bank->tick(ledger); });
  recorder->start();
  std::vector<Spender> spenders;
  for (int i = 0; i < 4; ++i) spenders.push_back(Spender{*bank, time});
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < spenders.size(); ++i) threads.emplace_back([&, i] { spenders[i].run(i + 1); });
  for (auto& thread : threads) thread.join();
  std::int64_t spent = 0;
  for (const auto& each : spenders) spent += each.settled;
  EXPECT_LE(spent, kLimit);
  EXPECT_TRUE(spent == kLimit || hold({kLimit - spent})) << "all that is left can be had: " << kLimit - spent;
  EXPECT_FALSE(hold({kLimit - spent + 1}));
  recorder->stop();  // before the spenders' loops go
}

}  // namespace
}  // namespace gantry::ledger
