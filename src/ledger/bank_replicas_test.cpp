// Several processes with one ledger, each a bank with a recorder of its own; and the time that a lease is
// good for.
#include <gtest/gtest.h>

#include <atomic>

#include "ledger/bank.hpp"
#include "ledger/journal_test_kit.hpp"

namespace gantry::ledger {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLives = 10s;

// Moves when the test says so, while the recorders look at it.
class SharedTime final : public TimeSource {
 public:
  MonoTime mono() const override { return MonoTime{} + passed(); }
  WallTime wall() const override { return WallTime{1'790'000'000s} + passed(); }
  void advance(Duration by) { passed_ += by.count(); }

 private:
  [[nodiscard]] Duration passed() const { return Duration{passed_.load()}; }
  std::atomic<Duration::rep> passed_{0};
};

using Held = std::expected<spend::Hold, NoHold>;

struct Replica {
  Replica(const std::string& where, const char* name, const TimeSource& time) : loop(time) {
    auto made = Recorder::open(
        *open(where, time), time,
        {.directory = folder.path(), .name = name, .lives = kLives, .journal = small_segments()},
        [](std::string_view, const auto&) {});
    EXPECT_TRUE(made) << made.error().detail;
    recorder = std::move(*made);
    bank = std::make_unique<Bank>(*recorder, time);
    journal = *recorder->add_journal();
  }
  ~Replica() { recorder->stop(); }
  void start() {
    ASSERT_TRUE(bank->take_over(*recorder->ledger().directory()));
    recorder->on_glance([this](Ledger& ledger) {
      if (answers) bank->glance(ledger);
      ++glances;
    });
    recorder->start();
  }
  spend::AccountNode& payer() { return *bank->account(kKeyless); }
  void begin_hold(PicoUsd amount) { loop.spawn(hold_on(amount)); }
  Held end_hold() {
    while (!held) loop.poll();
    return std::move(*std::exchange(held, std::nullopt));
  }
  Held hold(PicoUsd amount) {
    begin_hold(amount);
    return end_hold();
  }
  Task<void> hold_on(PicoUsd amount) {
    auto answer = co_await bank->hold(loop, payer(), amount);
    held.emplace(std::move(answer));
  }
  void wait_glance_after(int before) {
    while (glances == before) loop.poll();
  }

  Folder folder;
  net::Loop loop;
  std::atomic<bool> answers{true};
  std::atomic<int> glances{0};
  std::optional<Held> held;
  std::unique_ptr<Bank> bank;
  std::unique_ptr<Recorder> recorder;  // its thread uses all of the above
  JournalWriter* journal = nullptr;
};

struct BankReplicas : testing::Test {
  BankReplicas() {
    AccountChange change;
    change.limits[static_cast<std::size_t>(spend::Period::total)] = std::optional(PicoUsd{100});
    EXPECT_TRUE(look->change(kOrganisation, change));
    a.start(), b.start();
  }
  PicoUsd leased() { return look->spent(kOrganisation)->back().leased; }
  // Until every replica has looked at what the others ask.
  void glance() {
    const int of_a = a.glances, of_b = b.glances;
    time.advance(200ms);
    a.wait_glance_after(of_a), b.wait_glance_after(of_b);
  }

  SharedTime time;
  Folder folder;
  std::string where = folder.path("ledger.db");
  std::unique_ptr<Ledger> look = *open(where, time);
  Replica a{where, "a", time}, b{where, "b", time};
};

TEST_F(BankReplicas, what_lies_idle_elsewhere_is_had_before_anybody_is_refused) {
  ASSERT_TRUE(b.hold({80}));  // and released at once
  EXPECT_EQ(leased(), PicoUsd{80});
  a.begin_hold({50});
  while (leased() == PicoUsd{80}) glance();
  while (!a.held) glance();
  auto held = a.end_hold();
  ASSERT_TRUE(held);
  EXPECT_LT(time.mono() - MonoTime{}, Bank::kRecallWait);
  EXPECT_EQ(leased(), PicoUsd{50}) << "and no more than it takes";
}

TEST_F(BankReplicas, what_others_hold_is_refused_as_soon_as_all_have_said_so) {
  auto theirs = b.hold({80});
  ASSERT_TRUE(theirs);
  a.begin_hold({50});
  while (!a.held) glance();
  const auto refused = a.end_hold();
  ASSERT_FALSE(refused);
  EXPECT_EQ(std::get<OverBudget>(refused.error()).held, PicoUsd{80});
  EXPECT_LT(time.mono() - MonoTime{}, Bank::kRecallWait);
  theirs->release();
  a.begin_hold({50});
  while (!a.held) glance();
  EXPECT_TRUE(a.end_hold()) << "what has ended since can be had";
}

TEST_F(BankReplicas, one_that_does_not_answer_is_waited_for_once_and_not_for_ever) {
  b.answers = false;
  ASSERT_TRUE(b.hold({80}));
  a.begin_hold({50});
  for (Duration passed{}; passed < Bank::kRecallWait - 200ms; passed += 200ms) {
    glance();
    a.loop.poll();
    ASSERT_FALSE(a.held) << passed.count();
  }
  while (!a.held) glance();
  ASSERT_FALSE(a.end_hold());
  const auto enough = a.hold({20});
  EXPECT_TRUE(enough) << "what fits waits for nobody";
}

TEST_F(BankReplicas, nothing_is_granted_when_the_leases_time_is_over_until_the_heart_has_beaten) {
  ASSERT_TRUE(a.hold({50}));
  time.advance(kLives - kLives / 5 - 1ns);
  EXPECT_TRUE(a.bank->take(a.payer(), {10}));
  time.advance(1ns);
  const auto late = a.bank->take(a.payer(), {10});
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().lacks().empty());
  auto held = a.hold({10});
  ASSERT_TRUE(held) << "the ledger is there, and took the heartbeat";
  EXPECT_TRUE(a.bank->take(a.payer(), {10}));
}

TEST_F(BankReplicas, one_that_was_not_heard_of_for_long_goes_on_with_what_it_had) {
  auto held = a.hold({50});
  ASSERT_TRUE(held);
  const HolderId before = a.recorder->holder();
  time.advance(kLives * 3);
  EXPECT_FALSE(a.bank->take(a.payer(), {1}));
  EXPECT_FALSE(a.hold({60})) << "50 are held";
  EXPECT_TRUE(a.hold({50}));
  EXPECT_EQ(a.recorder->holder(), before);
  held->release();
  EXPECT_TRUE(a.hold({100}));
}

TEST_F(BankReplicas, one_that_was_ended_goes_on_with_nothing_of_what_it_had) {
  auto held = a.hold({50});
  ASSERT_TRUE(held);
  const HolderId before = a.recorder->holder();
  time.advance(kLives);
  ASSERT_TRUE(look->end_holder(before));
  EXPECT_TRUE(b.hold({100})) << "what it had came back";
  EXPECT_FALSE(a.bank->take(a.payer(), {1}));
  b.answers = true;
  a.begin_hold({10});
  while (!a.held) glance();
  EXPECT_TRUE(a.end_hold());
  EXPECT_NE(a.recorder->holder(), before);
}

TEST_F(BankReplicas, a_limit_that_was_lowered_below_what_is_leased_refuses) {
  ASSERT_TRUE(a.hold({80}));
  AccountChange lower;
  lower.limits[static_cast<std::size_t>(spend::Period::total)] = std::optional(PicoUsd{50});
  ASSERT_TRUE(look->change(kOrganisation, lower));
  EXPECT_FALSE(a.hold({81}));
  EXPECT_FALSE(a.hold({51}));
  EXPECT_TRUE(a.hold({50}));
}

TEST_F(BankReplicas, a_refusal_tells_what_those_still_own_that_are_gone) {
  ASSERT_TRUE(b.hold({70}));
  b.answers = false;
  time.advance(kLives);
  const auto refused = a.hold({50});
  ASSERT_FALSE(refused);
  EXPECT_EQ(std::get<OverBudget>(refused.error()).held, PicoUsd{70});
  EXPECT_EQ(std::get<OverBudget>(refused.error()).lost, PicoUsd{70});
}

TEST_F(BankReplicas, who_has_no_limit_needs_no_lease_and_no_time) {
  AccountChange change;
  change.limits[static_cast<std::size_t>(spend::Period::total)] = std::optional(std::optional<PicoUsd>());
  ASSERT_TRUE(look->change(kOrganisation, change));
  ASSERT_TRUE(a.bank->take_over(*look->directory()));
  time.advance(kLives * 2);
  EXPECT_TRUE(a.bank->take(a.payer(), {1'000}));
}

}  // namespace
}  // namespace gantry::ledger
