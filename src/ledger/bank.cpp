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
  const auto alive = stay_alive(recorder.ledger());
  (void)alive;  // the first call asks again
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
  for (Ask ask = Ask::others;;) {
    auto taken = take(leaf, amount);
    if (taken) co_return std::move(*taken);
    auto leased = co_await lease(loop, taken.error(), ask);
    if (!leased) co_return std::unexpected(std::move(leased.error()));
  }
}

Task<std::expected<void, NoHold>> Bank::extend(net::Loop& loop, Hold& hold, PicoUsd by) {
  // The pot of a window that is over gets no lease any more.
  constexpr int kTries = 4;
  Ask ask = Ask::others;
  for (int tried = 0;; ++tried) {
    const bool late = !hold.empty() && is_late();
    const auto more = late ? std::unexpected(Shortage{}) : hold.extend(by);
    if (more) co_return std::expected<void, NoHold>{};
    if (tried == kTries)
      co_return std::unexpected(NoHold(Failure{Fault::overloaded, "nothing more can be leased"}));
    auto leased = co_await lease(loop, more.error(), ask);
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

Task<Bank::Verdict> Bank::lease(net::Loop& loop, Shortage shortage, Ask& ask) {
  const auto waiting = std::make_shared<Waiting>(loop, shortage, ask);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(waiting);
  }
  if (first) recorder_.post([this](Ledger& ledger) { lease_all(ledger); });
  co_await waiting->done;
  ask = waiting->ask;
  co_return std::move(waiting->answer);
}

// All that wait by now with one write.
void Bank::lease_all(Ledger& ledger) {
  AllWaiting all;
  {
    const std::lock_guard lock(mutex_);
    all = std::exchange(waiting_, {});
  }
  answer_all(all, lease_for(ledger, all));
}

// Of several that lack in one pot the ledger must grant what the most modest one needs, and should grant what
// all of them do; whoever still lacks comes again, and is turned down when nothing is left.
Result<std::vector<Lease>> Bank::lease_for(Ledger& ledger, const AllWaiting& all) {
  if (auto in_time = stay_in_time(ledger); !in_time) return std::unexpected(in_time.error());
  std::map<spend::PotId, LeaseWish> wishes;
  for (const auto& each : all) {
    for (const Lack& lack : each->shortage.lacks()) {
      const auto wish = accounts_.lease_wish(lack, now());
      const auto [at, fresh] =
          wishes.try_emplace(lack.pot, LeaseWish{.pot = lack.pot, .least = wish.least, .most = wish.most});
      if (each->ask == Ask::others) at->second.recall = true;
      if (fresh) continue;
      at->second.least = std::min(at->second.least, wish.least);
      at->second.most = std::max(sum(at->second.most, lack.amount), wish.most);
    }
  }
  std::vector<LeaseWish> asked;
  for (const auto& [pot, wish] : wishes) asked.push_back(wish);
  return lease_pots(ledger, asked);
}

void Bank::answer_all(const AllWaiting& all, const Result<std::vector<Lease>>& leases) {
  for (const auto& each : all) {
    auto answer = verdict(*each, leases);
    if (!answer) {
      recalled_.push_back(each);
      continue;
    }
    each->answer = std::move(*answer);
    each->loop.post([each] { each->done.notify(); });
  }
}

Result<std::vector<Lease>> Bank::lease_pots(Ledger& ledger, const std::vector<LeaseWish>& wishes) {
  auto leases = ledger.lease(recorder_.holder(), wishes);
  if (!leases && leases.error().fault == Fault::not_found) {
    if (const auto alive = stay_alive(ledger); !alive) return std::unexpected(alive.error());
    leases = ledger.lease(recorder_.holder(), wishes);
  }
  if (!leases) return leases;
  for (const Lease& lease : *leases) accounts_.granted(lease.pot, granted_of(lease));
  return leases;
}

// An operator has ended this process's holder: what was leased is another's by now, and it goes on under
// another name.
Result<void> Bank::begin_anew() {
  accounts_.lose_leases();
  const MonoTime asked = time_.mono();
  auto begun = recorder_.begin_anew();
  if (begun) alive_since(asked);
  return begun;
}

// The recall of this pot that the call has to wait for; nullopt when it has to wait for nobody any more.
std::optional<std::int64_t> Bank::waits_for(const Waiting& waiting, const Lease& lease) const {
  if (waiting.ask == Ask::others) return lease.recall != 0 ? std::optional(lease.recall) : std::nullopt;
  for (const auto& [pot, recall] : waiting.asked)
    if (pot == lease.pot && lease.answered < recall && time_.mono() < waiting.until) return recall;
  return std::nullopt;
}

// nullopt: not yet.
std::optional<Bank::Verdict> Bank::verdict(Waiting& waiting, const Result<std::vector<Lease>>& leases) {
  if (!leases) return std::unexpected(NoHold(leases.error()));
  std::vector<std::pair<spend::PotId, std::int64_t>> asked;
  for (const Lack& lack : waiting.shortage.lacks()) {
    const auto lease = std::ranges::find(*leases, lack.pot, &Lease::pot);
    if (lease == leases->end() || lease->enough || !lease->limit) continue;
    const auto recall = waits_for(waiting, *lease);
    if (!recall) return std::unexpected(NoHold(over_budget(lack, *lease)));
    asked.emplace_back(lack.pot, *recall);
  }
  if (asked.empty()) return Verdict{};
  if (std::exchange(waiting.ask, Ask::nobody) == Ask::others)
    waiting.asked = std::move(asked), waiting.until = time_.mono() + kRecallWait;
  return std::nullopt;
}

// What this process has leased and nobody committed is not held: a smaller call could have it.
OverBudget Bank::over_budget(const Lack& lack, const Lease& lease) {
  const auto own = accounts_.look(lack.pot).value_or(spend::PotState{});
  const std::int64_t idle =
      std::clamp<std::int64_t>(own.granted.value - own.committed.value, 0, lease.leased.value);
  return {.pot = lack.pot,
          .limit = *lease.limit,
          .settled = lease.settled,
          .held = sum(lease.pending, {lease.leased.value - idle}),
          .lost = lease.lost,
          .amount = lack.amount};
}

// ---- the tick

void Bank::tick(Ledger& ledger) {
  const auto alive = stay_alive(ledger);
  (void)alive;  // the next tick tries again, and so does a call that is late
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

void Bank::glance(Ledger& ledger) {
  answer_recalls(ledger);
  if (recalled_.empty()) return;
  const auto all = std::exchange(recalled_, {});
  answer_all(all, lease_for(ledger, all));
}

// All that is not committed: who needs it here asks again, and stands behind nobody.
void Bank::answer_recalls(Ledger& ledger) {
  const auto recalls = ledger.recalls(recorder_.holder());
  if (!recalls || recalls->empty()) return;
  std::vector<Return> returns;
  for (const auto& each : *recalls)
    returns.push_back({.pot = each.pot, .granted = accounts_.keep(each.pot, {}), .recall = each.number});
  const auto given = ledger.give_back(recorder_.holder(), returns);
  (void)given;  // the next glance finds it unanswered
}

// ---- the heart

// Counted from before it was asked: the ledger counts from later, and knows the holder for alive at least so
// long. A fifth is left for clocks that run apart, and for who was stopped between the look and the hold.
void Bank::alive_since(MonoTime asked) {
  const Duration lives = recorder_.lives();
  good_until_.store((asked + lives - lives / 5).time_since_epoch().count(), std::memory_order_relaxed);
}

Result<void> Bank::stay_alive(Ledger& ledger) {
  const MonoTime asked = time_.mono();
  const auto theirs = ledger.now();
  if (!theirs) return std::unexpected(theirs.error());
  ahead_ = (*theirs - time_.wall()).count();
  auto beat = ledger.heartbeat(recorder_.holder(), recorder_.lives());
  if (beat) alive_since(asked);
  if (beat || beat.error().fault != Fault::not_found) return beat;
  return begin_anew();
}

Result<void> Bank::stay_in_time(Ledger& ledger) {
  if (!is_late()) return {};
  if (auto alive = stay_alive(ledger); !alive) return alive;
  if (!is_late()) return {};
  return fail(Fault::overloaded, "the ledger answers too slowly to keep this process's leases alive");
}

// ---- what is not needed

// What is kept is lowered first, so that nothing is granted out of what the ledger may give to another.
void Bank::give_back(Ledger& ledger, const std::vector<spend::Idle>& idle) {
  std::vector<Return> returns;
  for (const auto& each : idle)
    returns.push_back({.pot = each.pot, .granted = accounts_.keep(each.pot, each.keep)});
  const auto given = ledger.give_back(recorder_.holder(), returns);
  (void)given;  // told too late is told with the next lease
}

}  // namespace gantry::ledger
