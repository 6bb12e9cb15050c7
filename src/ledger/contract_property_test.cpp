// Several holders do whatever holders do, in any order, and die in the midst of it. After every step the rule
// of leases holds, in the ledger and in what the holders may really spend; at the end all sums are those of
// an oracle that knows what happened.
#include <rapidcheck.h>

#include <algorithm>
#include <map>

#include "base/random.hpp"
#include "ledger/contract_kit.hpp"

namespace gantry::ledger {
namespace {

// An attempt as the one who made it knows it.
struct Made {
  AccountId key;
  std::uint64_t holder = 0;
  PicoUsd hold, estimate;
  bool open = true, pending = false;
};
// A process, with what it holds in memory of one pot an account, and its journal.
struct Process {
  HolderId id;
  std::map<AccountId, PicoUsd> granted, committed;
  std::vector<Entry> journal;
  std::uint64_t applied = 0;
  bool dead = false;
};
struct Sums {
  std::int64_t settled = 0, pending = 0, overshoot = 0;
};

class Rehearsal {
 public:
  Rehearsal(Ledger& ledger, WallTime now, std::uint64_t seed) : ledger_(ledger), now_(now), random_(seed) {
    set_up();
    for (int i = 0; i < 3; ++i) join();
  }

  void step() {
    const auto steps = {&Rehearsal::lease,     &Rehearsal::begin, &Rehearsal::begin,   &Rehearsal::begin,
                        &Rehearsal::end,       &Rehearsal::end,   &Rehearsal::apply,   &Rehearsal::apply,
                        &Rehearsal::give_back, &Rehearsal::lease, &Rehearsal::resolve, &Rehearsal::die};
    (this->*std::data(steps)[random_.below(steps.size())])();
    hold_the_rule();
  }

  void finish() {
    for (auto& process : processes_) apply_to_the_end(process);
    for (const AccountId account : accounts_) {
      const Spent spent = ledger_.spent(account).value().back();
      const Sums& sums = sums_[account];
      RC_ASSERT(spent.settled.value == sums.settled);
      RC_ASSERT(spent.pending.value == sums.pending);
      RC_ASSERT(spent.overshoot.value == sums.overshoot);
    }
    RC_ASSERT(ledger_.check().value() == std::vector<std::string>{});
  }

 private:
  static constexpr std::int64_t kLimit = 1000;
  static PotId pot(AccountId account) { return {account, {spend::Period::total, 0}}; }
  // Every account has a limit in all time, and no other.
  static constexpr std::uint16_t kPlaces = 1U << 3 | 1U << 7 | 1U << 11;
  [[nodiscard]] std::array<AccountId, 3> path(AccountId key) const {
    return {key, kDefaultProject, kOrganisation};
  }
  std::int64_t any(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
  }

  void set_up() {
    const auto limit = [](std::int64_t of) {
      return spend::Limits{{std::nullopt, std::nullopt, std::nullopt, PicoUsd{of}}};
    };
    for (const char* name : {"one", "two"}) {
      ClientKey key;
      key.account.name = name;
      key.account.limits = limit(kLimit);
      keys_.push_back(ledger_.add_key(kDefaultProject, key).value());
    }
    AccountChange change;
    change.limits.back() = PicoUsd{kLimit + kLimit / 2};
    RC_ASSERT(ledger_.change(kDefaultProject, change).has_value());
    RC_ASSERT(ledger_.change(kOrganisation, change).has_value());
    accounts_ = {keys_[0], keys_[1], kDefaultProject, kOrganisation};
  }

  void join() { processes_.emplace_back().id = ledger_.begin_holder("p", std::chrono::hours{1}).value(); }
  std::size_t anyone() {
    for (;;)
      if (const auto i = random_.below(processes_.size()); !processes_[i].dead) return i;
  }

  void lease() {
    Process& process = processes_[anyone()];
    std::vector<LeaseWish> wishes;
    for (const AccountId account : path(keys_[random_.below(keys_.size())])) {
      const std::int64_t least = process.committed[account].value + any(100);
      wishes.push_back({pot(account), {least}, {least + any(200)}});
    }
    const auto leases = ledger_.lease(process.id, wishes).value();
    for (const Lease& lease : leases) process.granted[lease.pot.account] = lease.granted;
  }

  void begin() {
    const auto who = anyone();
    Process& process = processes_[who];
    const AccountId key = keys_[random_.below(keys_.size())];
    const PicoUsd hold{1 + any(60)};
    for (const AccountId account : path(key))
      if (process.committed[account].value + hold.value > process.granted[account].value) return;
    for (const AccountId account : path(key)) process.committed[account].value += hold.value;
    made_.push_back({.key = key, .holder = who, .hold = hold, .estimate = {}});
    process.journal.push_back(AttemptBegun{.attempt = {made_.size()},
                                           .payer = {key, kDefaultProject, kOrganisation},
                                           .at = now_,
                                           .hold = hold,
                                           .estimate = hold,
                                           .model = "m",
                                           .route = "r",
                                           .upstream = "u",
                                           .upstream_key = "k",
                                           .places = kPlaces});
  }

  // An attempt ends, mostly for less than was set aside.
  void end() {
    if (made_.empty()) return;
    const std::size_t at = random_.below(made_.size());
    Made& made = made_[at];
    Process& process = processes_[made.holder];
    if (!made.open || process.dead) return;
    made.open = false;
    if (any(4) == 0) {
      made.pending = true;
      made.estimate = {any(made.hold.value + 1)};
      process.journal.push_back(AttemptPending{.attempt = {at + 1}, .at = now_, .estimate = made.estimate});
      add(made, {0, made.estimate.value, 0});
      for (const AccountId account : path(made.key))
        process.committed[account].value += made.estimate.value - made.hold.value;
      return;
    }
    const PicoUsd cost{any(made.hold.value + (any(10) == 0 ? 40 : 1))};
    process.journal.push_back(AttemptSettled{.attempt = {at + 1}, .at = now_, .cost = cost});
    book(made, cost, 0);
    for (const AccountId account : path(made.key))
      process.committed[account].value += cost.value - made.hold.value;
  }

  void add(const Made& made, Sums sums) {
    for (const AccountId account : path(made.key)) {
      sums_[account].settled += sums.settled;
      sums_[account].pending += sums.pending;
      sums_[account].overshoot += sums.overshoot;
    }
  }
  void book(const Made& made, PicoUsd cost, std::int64_t estimate) {
    add(made, {cost.value, -estimate, std::max<std::int64_t>(0, cost.value - made.hold.value)});
    // What a pending cost was more than its estimate, nobody could know: like overshoot, it may pass the
    // limit.
    const std::int64_t counted = made.pending ? estimate : made.hold.value;
    for (const AccountId account : path(made.key))
      excess_[account] += std::max<std::int64_t>(0, cost.value - counted);
  }

  // Some of the journal, again from a place that was applied before.
  void apply() {
    Process& process = processes_[random_.below(processes_.size())];
    if (process.journal.empty()) return;
    const auto from = random_.below(process.applied + 1);
    if (from == process.journal.size()) return;
    const auto to = from + random_.below(process.journal.size() - from) + 1;
    RC_ASSERT(ledger_.apply(process.id, 0, from + 1, std::span(process.journal).subspan(from, to - from))
                  .has_value());
    process.applied = std::max(process.applied, to);
  }
  void apply_to_the_end(Process& process) {
    RC_ASSERT(ledger_.apply(process.id, 0, 1, process.journal).has_value());
    process.applied = process.journal.size();
  }

  void give_back() {
    Process& process = processes_[anyone()];
    for (const AccountId account : accounts_) {
      const std::int64_t spare = process.granted[account].value - process.committed[account].value;
      if (spare <= 0) continue;
      const Return some{pot(account), {process.committed[account].value + any(spare + 1)}};
      RC_ASSERT(ledger_.give_back(process.id, {&some, 1}).has_value());
      process.granted[account] = some.granted;
    }
  }

  void resolve() {
    const auto pending = ledger_.pending(20).value();
    if (pending.empty()) return;
    const Pending& one = pending[random_.below(pending.size())];
    Made& made = made_[one.attempt.value - 1];
    RC_ASSERT(one.estimate == made.estimate);
    Process& by = processes_[anyone()];
    const PicoUsd cost{any(one.estimate.value + (any(3) == 0 ? 20 : 1))};
    RC_ASSERT(ledger_.resolve(by.id, {.attempt = one.attempt, .cost = cost}).value() == one);
    book(made, cost, one.estimate.value);
    made.pending = false;
    if (&by != &processes_[made.holder]) return;
    for (const AccountId account : path(made.key))
      by.committed[account].value += cost.value - one.estimate.value;
  }

  // kill -9: its memory is gone, its journal is replayed, and only then its lease comes back.
  void die() {
    const auto who = anyone();
    processes_[who].dead = true;
    join();
    if (any(3) == 0) hold_the_rule();
    Process& process = processes_[who];
    apply_to_the_end(process);
    RC_ASSERT(ledger_.end_holder(process.id).has_value());
    for (Made& made : made_) {
      if (made.holder != who || !made.open) continue;
      made.open = false, made.pending = true, made.estimate = made.hold;
      add(made, {0, made.hold.value, 0});
    }
  }

  // What may still be spent never passes the limit, but for what nobody could know.
  void hold_the_rule() {
    Process& one = processes_[anyone()];
    for (const AccountId account : accounts_) {
      const LeaseWish look{pot(account), {0}, {0}};
      const Lease lease = ledger_.lease(one.id, {&look, 1}).value().front();
      const std::int64_t most = lease.limit->value + excess_[account];
      RC_ASSERT(lease.settled.value + lease.pending.value + lease.leased.value <= most);
      std::int64_t may = sums_[account].settled + sums_[account].pending;
      for (const Made& made : made_)
        if (made.open && (account == made.key || account <= kDefaultProject)) may += made.hold.value;
      for (Process& process : processes_)
        if (!process.dead)
          may += std::max<std::int64_t>(0, process.granted[account].value - process.committed[account].value);
      RC_ASSERT(may <= most);
    }
  }

  Ledger& ledger_;
  const WallTime now_;
  Random random_;
  std::vector<AccountId> keys_, accounts_;
  std::vector<Process> processes_;
  std::vector<Made> made_;
  std::map<AccountId, Sums> sums_;
  std::map<AccountId, std::int64_t> excess_;
};

class LedgerProperty : public LedgerContract {};
INSTANTIATE_TEST_SUITE_P(Drivers, LedgerProperty, testing::ValuesIn(drivers()), driver_name);

TEST_P(LedgerProperty, whatever_holders_do_the_rule_of_leases_holds_and_the_sums_agree) {
  EXPECT_TRUE(rc::check([&] {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    store_ = GetParam().make();
    reopen();
    Rehearsal rehearsal(*ledger_, now_, seed);
    for (int i = 0; i < 60; ++i) rehearsal.step();
    rehearsal.finish();
  }));
}

}  // namespace
}  // namespace gantry::ledger
