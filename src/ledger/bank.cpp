#include "ledger/bank.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace gantry::ledger {
namespace {

using spend::Hold;
using spend::Lack;
using spend::Shortage;

PicoUsd sum(PicoUsd a, PicoUsd b) {
  return add(a, b).value_or(PicoUsd{std::numeric_limits<std::int64_t>::max()});
}

std::string in_words(const Account& account) {
  if (account.kind == spend::AccountKind::organisation) return "the organisation";
  return "the " + std::string(spend::name(account.kind)) + " \"" + account.name + "\"";
}

spend::Granted granted_of(const Lease& lease) {
  return {.total = lease.granted,
          .limit = lease.limit,
          .settled = lease.settled,
          .pending = lease.pending,
          .leased = lease.leased};
}

}  // namespace

Bank::Bank(Recorder& recorder, const TimeSource& time) : recorder_(recorder), time_(time) {
  if (const auto theirs = recorder.ledger().now()) ahead_ = (*theirs - time.wall()).count();
}

WallTime Bank::now() const { return time_.wall() + Duration{ahead_.load(std::memory_order_relaxed)}; }

Result<void> Bank::take_over(const Directory& directory) {
  std::unordered_map<std::int64_t, std::string> names;
  for (const auto kind : {spend::AccountKind::organisation, spend::AccountKind::project}) {
    for (const Account& each : directory.accounts) {
      if (each.kind != kind) continue;
      const auto set = accounts_.set(each.id, accounts_.find(each.parent), each.limits);
      if (!set) return std::unexpected(set.error());
      names[each.id.value] = in_words(each);
    }
  }
  for (const ClientKey& key : directory.keys) {
    const Account& each = key.account;
    const auto set = accounts_.set(each.id, accounts_.find(each.parent), each.limits);
    if (!set) return std::unexpected(set.error());
    names[each.id.value] = in_words(each);
  }
  const std::lock_guard lock(mutex_);
  names_ = std::move(names);
  return {};
}

std::string Bank::name_of(AccountId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(id.value);
  return found == names_.end() ? "an account" : found->second;
}

// ---- calls

Task<std::expected<Hold, NoHold>> Bank::hold(net::Loop& loop, spend::AccountNode& leaf, PicoUsd amount) {
  for (;;) {
    auto taken = take(leaf, amount);
    if (taken) co_return std::move(*taken);
    auto leased = co_await lease(loop, taken.error());
    if (!leased) co_return std::unexpected(std::move(leased.error()));
  }
}

Task<std::expected<void, NoHold>> Bank::extend(net::Loop& loop, Hold& hold, PicoUsd by) {
  // The pot of a window that is over gets no lease any more.
  constexpr int kTries = 4;
  for (int tried = 0;; ++tried) {
    const auto more = hold.extend(by);
    if (more) co_return std::expected<void, NoHold>{};
    if (tried == kTries)
      co_return std::unexpected(NoHold(Failure{Fault::overloaded, "nothing more can be leased"}));
    auto leased = co_await lease(loop, more.error());
    if (!leased) co_return std::unexpected(std::move(leased.error()));
  }
}

void Bank::keep(AttemptId attempt, spend::PendingHold pending) {
  const std::lock_guard lock(mutex_);
  pending_.insert_or_assign(attempt.value, std::move(pending));
}

std::size_t Bank::pending() const {
  const std::lock_guard lock(mutex_);
  return pending_.size();
}

Result<std::optional<Pending>> Bank::resolve(Ledger& ledger, const Resolution& resolution) {
  auto resolved = ledger.resolve(recorder_.holder(), resolution);
  if (!resolved) return resolved;
  const std::lock_guard lock(mutex_);
  const auto known = pending_.find(resolution.attempt.value);
  if (known == pending_.end()) return resolved;
  known->second.resolve(resolution.cost);
  pending_.erase(known);
  return resolved;
}

// ---- leases

Task<std::expected<void, NoHold>> Bank::lease(net::Loop& loop, Shortage shortage) {
  const auto waiting = std::make_shared<Waiting>(loop, shortage);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(waiting);
  }
  if (first) recorder_.post([this](Ledger& ledger) { lease_all(ledger); });
  co_await waiting->done;
  co_return std::move(waiting->answer);
}

// All that wait by now with one write. Of several that lack in one pot the ledger must grant what the most
// modest one needs, and should grant what all of them do; whoever still lacks comes again, and is turned down
// when nothing is left.
void Bank::lease_all(Ledger& ledger) {
  std::vector<std::shared_ptr<Waiting>> all;
  {
    const std::lock_guard lock(mutex_);
    all = std::exchange(waiting_, {});
  }
  std::map<spend::PotId, LeaseWish> wishes;
  for (const auto& each : all) {
    for (const Lack& lack : each->shortage.lacks()) {
      const auto wish = accounts_.lease_wish(lack, now());
      const auto [at, fresh] =
          wishes.try_emplace(lack.pot, LeaseWish{.pot = lack.pot, .least = wish.least, .most = wish.most});
      if (fresh) continue;
      at->second.least = std::min(at->second.least, wish.least);
      at->second.most = std::max(sum(at->second.most, lack.amount), wish.most);
    }
  }
  std::vector<LeaseWish> asked;
  for (const auto& [pot, wish] : wishes) asked.push_back(wish);
  const auto leases = lease_pots(ledger, asked);
  for (const auto& each : all) {
    each->answer = verdict(each->shortage, leases);
    each->loop.post([each] { each->done.notify(); });
  }
}

Result<std::vector<Lease>> Bank::lease_pots(Ledger& ledger, const std::vector<LeaseWish>& wishes) {
  auto leases = ledger.lease(recorder_.holder(), wishes);
  if (!leases && leases.error().fault == Fault::not_found) {
    // Taken for dead: what was leased is lost, and this process goes on under another name.
    if (const auto anew = begin_anew(); !anew) return std::unexpected(anew.error());
    leases = ledger.lease(recorder_.holder(), wishes);
  }
  if (!leases) return leases;
  for (const Lease& lease : *leases) accounts_.granted(lease.pot, granted_of(lease));
  return leases;
}

Result<void> Bank::begin_anew() {
  accounts_.lose_leases();
  return recorder_.begin_anew();
}

// Leased before the limit was lowered below it: the ledger has it in this holder's name, and nothing is
// granted out of it (spend/accounts_leases.cpp). Asking again would change nothing.
bool Bank::held_back(const Lease& lease, const Lack& lack) {
  const PicoUsd claimed = sum(sum(lease.settled, lease.pending), lease.leased);
  const auto pot = accounts_.look(lack.pot);
  return claimed > *lease.limit && pot && sum(pot->committed, lack.amount) > pot->granted;
}

std::expected<void, NoHold> Bank::verdict(const Shortage& shortage,
                                          const Result<std::vector<Lease>>& leases) {
  if (!leases) return std::unexpected(NoHold(leases.error()));
  for (const Lack& lack : shortage.lacks()) {
    const auto lease = std::ranges::find(*leases, lack.pot, &Lease::pot);
    if (lease == leases->end() || !lease->limit) continue;
    if (lease->enough && !held_back(*lease, lack)) continue;
    return std::unexpected(NoHold(OverBudget{.pot = lack.pot,
                                             .limit = *lease->limit,
                                             .settled = lease->settled,
                                             .held = sum(lease->pending, lease->leased),
                                             .amount = lack.amount}));
  }
  return {};
}

// ---- the tick

void Bank::tick(Ledger& ledger) {
  stay_alive(ledger);
  const auto found = accounts_.survey(now());
  if (!found.wishes.empty()) {
    std::vector<LeaseWish> wishes;
    for (const auto& wish : found.wishes)
      wishes.push_back({.pot = wish.pot, .least = wish.least, .most = wish.most});
    const auto ahead = lease_pots(ledger, wishes);
    (void)ahead;  // who needs it asks again
  }
  if (!found.idle.empty()) give_back(ledger, found.idle);
}

void Bank::stay_alive(Ledger& ledger) {
  const auto theirs = ledger.now();
  if (!theirs) return;
  ahead_ = (*theirs - time_.wall()).count();
  const auto beat = ledger.heartbeat(recorder_.holder(), recorder_.lives());
  if (beat || beat.error().fault != Fault::not_found) return;
  const auto anew = begin_anew();
  (void)anew;  // the next lease tries again
}

// What is kept is lowered first, so that nothing is granted out of what the ledger may give to another.
void Bank::give_back(Ledger& ledger, const std::vector<spend::Idle>& idle) {
  std::vector<Return> returns;
  for (const auto& each : idle)
    returns.push_back({.pot = each.pot, .granted = accounts_.keep(each.pot, each.keep)});
  const auto given = ledger.give_back(recorder_.holder(), returns);
  (void)given;  // told too late is told with the next lease
}

}  // namespace gantry::ledger
