// What the one who speaks with the ledger asks of the book and tells it.
#include <algorithm>
#include <limits>
#include <utility>

#include "spend/accounts.hpp"

namespace gantry::spend {
namespace {

PicoUsd sum(PicoUsd a, PicoUsd b) {
  constexpr PicoUsd kMost{std::numeric_limits<std::int64_t>::max()};
  return add(a, b).value_or(kMost);
}

// A wish beyond the limit is cut to it; what is needed stays, so that the ledger says no.
PicoUsd within(std::optional<PicoUsd> limit, PicoUsd least, PicoUsd most) {
  return limit ? std::max(least, std::min(most, *limit)) : most;
}

// What of a lease may be used. When the limit was lowered below what is spent and leased already, the excess
// is taken off here: whoever asks first pays for all, and no hold is granted beyond the limit.
PicoUsd usable(const Granted& lease, PicoUsd limit) {
  const __int128 claimed =
      static_cast<__int128>(lease.settled.value) + lease.pending.value + lease.leased.value;
  const __int128 excess = std::max<__int128>(0, claimed - limit.value);
  const __int128 usable = std::min<__int128>(lease.total.value - excess, limit.value);
  return {static_cast<std::int64_t>(std::max<__int128>(0, usable))};
}

}  // namespace

Wish Accounts::lease_wish(const Lack& lack, WallTime now) {
  const Gate::Together inside(gate_);
  Pot* of = pot(lack.pot);
  if (of == nullptr) return {lack.pot, lack.needed, lack.needed};
  const PicoUsd committed = of->committed();
  const PicoUsd least = sum(committed, lack.amount);
  const PicoUsd slice = std::max(lack.amount, of->recent().spent(now, committed));
  return {lack.pot, least, within(budget(lack.pot)->limit, least, sum(committed, slice))};
}

bool Accounts::granted(PotId id, const Granted& lease) {
  const auto news = [&] {
    const Gate::Together inside(gate_);
    const Budget* in = budget(id);
    return in != nullptr && in->limit != lease.limit;
  }();
  if (news) {
    const Gate::Alone inside(gate_);
    limit(*node(id.account), id.window.period, lease.limit);
  }
  const Gate::Together inside(gate_);
  Pot* of = pot(id);
  if (of == nullptr) return false;
  if (!lease.limit) return true;
  const PicoUsd total = usable(lease, *lease.limit);
  (void)of->keep(total);
  of->grant(total);
  return true;
}

std::optional<PicoUsd> Accounts::idle(PotId id, WallTime now) {
  const Gate::Together inside(gate_);
  Pot* of = pot(id);
  if (of == nullptr) return std::nullopt;
  const PicoUsd committed = of->committed();
  const PicoUsd needed = sum(committed, of->recent().spent(now, committed));
  return needed < of->granted() ? std::optional(needed) : std::nullopt;
}

PicoUsd Accounts::keep(PotId id, PicoUsd wanted) {
  const Gate::Together inside(gate_);
  Pot* of = pot(id);
  return of == nullptr ? PicoUsd{} : of->keep(wanted);
}

std::optional<PotId> Accounts::next_pot(PotId id) {
  if (id.window.period == Period::total) return std::nullopt;
  const Gate::Alone inside(gate_);
  Budget* in = budget(id);
  if (in == nullptr || !in->pot || in->pot->id() != id) return std::nullopt;
  const PotId next_id{id.account, next(id.window)};
  if (!in->ahead) in->ahead = std::make_unique<Pot>(next_id);
  return next_id;
}

// ---- the tick

// What a survey has to do alone, after it looked at an account.
struct Accounts::Due {
  struct Lead {
    PotId pot;
    PicoUsd recent;
  };
  std::vector<Lead> ahead;
  bool passed = false;
};

// One account at a time, so that nobody waits for long.
Survey Accounts::survey(WallTime now) {
  Survey found;
  for (std::size_t i = 0;; ++i) {
    Due due;
    AccountNode* of = nullptr;
    {
      const Gate::Together inside(gate_);
      if (i >= listed_.size()) return found;
      of = listed_[i];
      sample(*of, reached(now), found, due);
    }
    for (const Due::Lead& lead : due.ahead) {
      const auto ahead = next_pot(lead.pot);
      const PicoUsd has = ahead ? look(*ahead).value_or(PotState{}).granted : PicoUsd{};
      if (ahead && has < lead.recent) found.wishes.push_back({*ahead, has, lead.recent});
    }
    if (!due.passed) continue;
    const Gate::Alone inside(gate_);
    const WallTime at = reached(now);
    for (const Period period : kPeriods) {
      Budget& budget = of->budgets_[static_cast<std::size_t>(period)];
      if (budget.pot && at >= budget.pot->end()) roll(budget, {of->id_, window_of(period, at)});
      drop_passed(budget, found.passed);
    }
  }
}

void Accounts::sample(AccountNode& node, WallTime now, Survey& found, Due& due) {
  for (Budget& budget : node.budgets_) {
    due.passed |= std::ranges::any_of(budget.passed, [](const auto& pot) { return pot->open() == 0; });
    if (!budget.pot) continue;
    Pot& pot = *budget.pot;
    due.passed |= now >= pot.end();
    if (!budget.limit || now >= pot.end()) continue;
    const PicoUsd committed = pot.committed(), granted = pot.granted();
    pot.recent().note(now, committed);
    const PicoUsd recent = pot.recent().spent(now, committed);
    const std::int64_t spare = granted.value - committed.value;
    const PicoUsd most = within(budget.limit, granted, sum(committed, recent));
    if (spare < recent.value / 2 && granted < most) found.wishes.push_back({pot.id(), granted, most});
    if (spare / 2 > recent.value && pot.recent().long_enough(now))
      found.idle.push_back({pot.id(), sum(committed, recent)});
    const bool ending = pot.id().window.period != Period::total && now >= pot.end() - kAhead;
    if (ending && recent > PicoUsd{}) due.ahead.push_back({pot.id(), recent});
  }
}

void Accounts::drop_passed(Budget& budget, std::vector<Passed>& gone) {
  std::erase_if(budget.passed, [&](const auto& pot) {
    if (pot->open() > 0) return false;
    gone.push_back({pot->id(), pot->committed()});
    return true;
  });
}

void Accounts::lose_leases() {
  const Gate::Alone inside(gate_);
  for (AccountNode* of : listed_)
    for (Budget& budget : of->budgets_) {
      budget.ahead.reset();
      if (!budget.pot) continue;
      const PotId id = budget.pot->id();
      (void)budget.pot->keep({});
      roll(budget, id);
    }
}

std::optional<PotState> Accounts::look(PotId id) {
  const Gate::Together inside(gate_);
  const Pot* of = pot(id);
  if (of == nullptr) return std::nullopt;
  return PotState{.committed = of->committed(), .granted = of->granted(), .open = of->open()};
}

}  // namespace gantry::spend
