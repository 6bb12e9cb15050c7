// Shards on threads of their own at the cap of one tree, with somebody who leases, takes back and rolls over;
// also run under ThreadSanitizer.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "spend/accounts.hpp"
#include "spend/accounts_test_kit.hpp"

namespace gantry::spend {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::size_t kThreads = 4;

TEST(AccountsThreads, a_gate_lets_many_in_or_one) {
  Gate gate;
  std::int64_t alone = 0;
  std::atomic<std::int64_t> together{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        Random random(t);
        for (int i = 0; i < 3000; ++i) {
          if (random.below(8) == 0) {
            const Gate::Alone inside(gate);
            EXPECT_EQ(together, 0);
            ++alone;
          } else {
            const Gate::Together inside(gate);
            ++together;
            EXPECT_GE(alone, 0);
            --together;
          }
        }
      });
  }
  EXPECT_GT(alone, 0);
}

// Who cannot fit at the root fills the leaf again and again for a moment. Those for whom there is room must
// not notice.
TEST(AccountsThreads, nobody_is_refused_for_what_is_about_to_be_undone) {
  constexpr std::int64_t kHold = 10, kRoom = kHold * kThreads;
  Limits wide;
  wide.fill(PicoUsd{10 * kRoom});
  Book book(wide, wide, limits_of(kRoom));
  ASSERT_TRUE(book.take(kRoom).has_value());
  for (const AccountNode* node : {&book.key, &book.project})
    for (const Period period : kPeriods) book.grant(book.pot(*node, period), 10 * kRoom, 10 * kRoom);
  std::atomic<std::size_t> working{kThreads};
  std::atomic<int> refused{0}, greedy{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) {
          auto hold = book.accounts.take(book.key, {kHold / 2}, kNoon);
          if (!hold || !hold->extend({kHold / 2})) ++refused;
        }
        --working;
      });
    for (std::size_t t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        Random random(t);
        while (working > 0) {
          const auto left = static_cast<std::int64_t>(random.below(kRoom));
          if (book.accounts.take(book.key, {10 * kRoom - left}, kNoon)) ++greedy;
        }
      });
  }
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(greedy, 0);
  EXPECT_EQ(book.committed(book.pot(book.key, Period::daily)), 0);
  EXPECT_EQ(book.committed(book.pot(book.organisation, Period::daily)), 0);
}

// The same, held still: one is inside with what he is about to undo until the other has made up his mind or
// was given much time for it.
TEST(AccountsThreads, who_was_turned_down_waits_for_those_who_are_inside) {
  Gate gate;
  Pot pot({{1}, {Period::total, 0}});
  pot.grant({10});
  Pots pots;
  pots.add(pot, 3);
  pots.enter();
  Hold hold(gate, pots, {}, kNoon);
  std::atomic<bool> begun{false}, decided{false};
  std::jthread other;
  {
    const Gate::Together inside(gate);
    ASSERT_TRUE(pot.take({10}));
    other = std::jthread([&] {
      begun = true;
      EXPECT_TRUE(hold.extend({4}).has_value());
      decided = true;
    });
    for (int i = 0; i < 1000 || !begun; ++i) std::this_thread::yield();
    EXPECT_FALSE(decided);
    pot.change({-10});
  }
  other.join();
  EXPECT_EQ(pot.committed(), PicoUsd{4});
}

// keep() lowers what is granted while others take: none of them stands beyond what was kept.
TEST(AccountsThreads, what_is_kept_covers_all_that_was_taken) {
  Pot pot({{1}, {Period::total, 0}});
  std::atomic<std::size_t> working{kThreads};
  constexpr int kTakes = 300;
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int taken = 0; taken < kTakes;)
        if (pot.take({3})) pot.change({-2}), ++taken;
      --working;
    });
  std::int64_t owned = 0;
  while (working > 0) {
    pot.grant({owned + 40});
    std::this_thread::yield();
    owned = pot.keep({0}).value;
    // Nobody may add to what stands now, but those who have not looked yet whether they stand.
    EXPECT_LE(pot.committed(), PicoUsd{owned + 3 * static_cast<std::int64_t>(kThreads)});
  }
  threads.clear();
  EXPECT_EQ(pot.committed(), PicoUsd{kTakes * static_cast<std::int64_t>(kThreads)});
  EXPECT_LE(pot.committed(), PicoUsd{owned});
}

// ---- all together

// What a test may know of a pot from outside: it adds after a hold was taken and takes off before it ends, so
// that it never says more than the pot has.
struct Seen {
  std::map<PotId, std::int64_t> settled;  // of one thread
};

class Turmoil {
 public:
  static constexpr std::int64_t kLimit = 400;  // of each pot; the work of all threads comes to much more
  static constexpr int kDays = 64;
  static constexpr std::int64_t kFirstNew = 1000, kNewKeys = 64;

  Turmoil() {
    for (std::int64_t key = 10; key < 13; ++key)
      keys_.push_back(book_.accounts.set({key}, &book_.project, limits_of(kLimit, 50 * kLimit)).value());
  }

  void run() {
    std::atomic<std::size_t> working{kThreads};
    std::vector<Seen> seen(kThreads);
    {
      std::vector<std::jthread> threads;
      for (std::size_t t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
          work(t, seen[t]);
          --working;
        });
      Random random(99);
      while (working > 0) tend(random);
    }
    for (const Seen& by : seen)
      for (const auto& [pot, cost] : by.settled) settled_[pot] += cost;
  }

  void expect_all_drained() {
    note(book_.accounts.survey(now()));
    ASSERT_FALSE(settled_.empty());
    for (const auto& [pot, cost] : settled_) {
      const auto state = book_.accounts.look(pot);
      EXPECT_EQ(state ? state->committed.value : passed_.at(pot), cost);
      if (state) EXPECT_EQ(state->open, 0u);
    }
  }

  // Of a new day's limit all can be spent, and not one more.
  void expect_the_rest_fits_exactly() {
    hours_ += 24;
    const PotId today = {book_.organisation.id(), window_of(Period::daily, now())};
    for (const std::int64_t part : {100, 250, 50}) {
      auto hold = take(*keys_[0], {part});
      ASSERT_TRUE(hold.has_value()) << part;
      hold->settle({part});
    }
    EXPECT_EQ(book_.committed(today), kLimit);
    EXPECT_FALSE(take(*keys_[0], {1}).has_value());
  }

 private:
  WallTime now() const { return kNoon + hours{hours_}; }

  std::atomic<std::int64_t>& held(WallTime at) {
    const auto day = window_of(Period::daily, at).number - window_of(Period::daily, kNoon).number;
    return held_.at(static_cast<std::size_t>(day));
  }

  // A ledger with one process: all of the limit is its own.
  void lease(const Lack& lack) {
    const std::lock_guard lock(ledger_);
    const Wish wish = book_.accounts.lease_wish(lack, now());
    const std::int64_t limit = lack.pot.window.period == Period::total ? 50 * kLimit : kLimit;
    if (wish.least.value > limit) return;
    book_.accounts.granted(wish.pot, {.total = wish.most, .limit = PicoUsd{limit}});
  }

  std::expected<Hold, Shortage> take(AccountNode& key, PicoUsd amount, Duration early = {}) {
    auto taken = book_.accounts.take(key, amount, now() - early);
    for (int i = 0; i < 3 && !taken; ++i) {
      for (const Lack& lack : taken.error().lacks()) lease(lack);
      taken = book_.accounts.take(key, amount, now() - early);
    }
    return taken;
  }

  void add(const Hold& hold, std::int64_t amount) {
    EXPECT_LE(held(hold.at()).fetch_add(amount) + amount, kLimit);
  }

  void work(std::size_t thread, Seen& seen) {
    Random random(thread);
    std::vector<std::pair<PendingHold, std::pair<AccountId, WallTime>>> pending;
    for (int i = 0; i < 2000; ++i) {
      AccountNode& key = *keys_[random.below(keys_.size())];
      auto hold = take(key, {static_cast<std::int64_t>(random.below(60))}, minutes{random.below(90)});
      if (!hold) continue;
      add(*hold, hold->amount().value);
      if (random.below(3) == 0 && hold->extend({5})) add(*hold, 5);
      const auto cost =
          static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(hold->amount().value + 1)));
      held(hold->at()) -= hold->amount().value - cost;
      if (const auto how = random.below(4); how == 0) {
        held(hold->at()) -= cost;
        hold->release();
      } else if (how == 1) {
        pending.emplace_back(hold->keep_pending({cost}), std::pair(key.id(), hold->at()));
      } else {
        hold->settle({cost});
        book(seen, key.id(), hold->at(), cost);
      }
      if (pending.size() > 5 || i == 1999) resolve(pending, seen);
    }
    resolve(pending, seen);
  }

  static void resolve(std::vector<std::pair<PendingHold, std::pair<AccountId, WallTime>>>& pending,
                      Seen& seen) {
    for (auto& [hold, of] : pending) {
      const auto cost = hold.estimate().value;
      hold.resolve({cost});
      book(seen, of.first, of.second, cost);
    }
    pending.clear();
  }

  static void book(Seen& seen, AccountId key, WallTime at, std::int64_t cost) {
    seen.settled[{key, window_of(Period::daily, at)}] += cost;
    seen.settled[{key, window_of(Period::total, at)}] += cost;
    seen.settled[{{1}, window_of(Period::daily, at)}] += cost;
  }

  void tend(Random& random) {
    const std::lock_guard lock(ledger_);
    note(book_.accounts.survey(now()));
    const PotId today{book_.organisation.id(), window_of(Period::daily, now())};
    switch (random.below(4)) {
      case 0:
        (void)book_.accounts.keep(today, {static_cast<std::int64_t>(random.below(kLimit))});
        break;
      case 1:
        (void)book_.accounts.next_pot(today);
        break;
      case 2:  // the same limits, and a key that is new until there are many: each makes all surveys longer
        EXPECT_TRUE(book_.accounts.set({1}, nullptr, limits_of(kLimit)).has_value());
        EXPECT_TRUE(book_.accounts.set({kFirstNew + new_keys_++ % kNewKeys}, &book_.project, {}).has_value());
        break;
      default:
        if (hours_ < (kDays - 3) * 24) hours_ += static_cast<int>(random.below(12));
    }
    if (const auto state = book_.accounts.look(today)) EXPECT_LE(state->committed.value, kLimit);
  }

  void note(const Survey& survey) {
    for (const Passed& passed : survey.passed)
      EXPECT_TRUE(passed_.emplace(passed.pot, passed.committed.value).second);
  }

  Book book_{{}, {}, limits_of(kLimit)};
  std::vector<AccountNode*> keys_;
  std::atomic<int> hours_{0};
  std::array<std::atomic<std::int64_t>, kDays> held_{};
  std::mutex ledger_;
  std::int64_t new_keys_ = 0;
  std::map<PotId, std::int64_t> passed_, settled_;
};

TEST(AccountsThreads, money_is_exact_while_leases_limits_and_windows_change) {
  Turmoil turmoil;
  turmoil.run();
  turmoil.expect_all_drained();
  turmoil.expect_the_rest_fits_exactly();
}

}  // namespace
}  // namespace gantry::spend
