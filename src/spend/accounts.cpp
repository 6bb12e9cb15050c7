#include "spend/accounts.hpp"

#include <algorithm>
#include <utility>

namespace gantry::spend {
namespace {

constexpr std::uint8_t bit(std::size_t period) { return static_cast<std::uint8_t>(1U << period); }

std::size_t levels(const AccountNode* node) {
  std::size_t count = 0;
  for (; node != nullptr; node = node->parent()) ++count;
  return count;
}

}  // namespace

// ---- accounts

Result<AccountNode*> Accounts::set(AccountId id, AccountNode* parent, const Limits& limits) {
  if (levels(parent) >= kLevels)
    return fail(Fault::internal, "account " + std::to_string(id.value) + " would lie below a client key");
  const Gate::Alone inside(gate_);
  auto& known = nodes_[id.value];
  if (!known) {
    known = std::make_unique<AccountNode>(id, parent);
    listed_.push_back(known.get());
  }
  for (const Period period : kPeriods) limit(*known, period, limits[static_cast<std::size_t>(period)]);
  return known.get();
}

AccountNode* Accounts::find(AccountId id) {
  const Gate::Together inside(gate_);
  return node(id);
}

// Under a limit that is new or lower than before, what was leased may be too much. So nothing is left of it,
// and the next call asks the ledger, which knows what everybody spent.
void Accounts::limit(AccountNode& node, Period period, std::optional<PicoUsd> limit) {
  const auto place = static_cast<std::size_t>(period);
  Budget& budget = node.budgets_[place];
  const auto before = std::exchange(budget.limit, limit);
  if (limit && (!before || *limit < *before))
    for (Pot* pot : {budget.pot.get(), budget.ahead.get()})
      if (pot != nullptr) (void)pot->keep({});
  const std::uint8_t others = node.limited_.load() & static_cast<std::uint8_t>(~bit(place));
  node.limited_.store(limit ? others | bit(place) : others);
}

AccountNode* Accounts::node(AccountId id) const {
  const auto found = nodes_.find(id.value);
  return found == nodes_.end() ? nullptr : found->second.get();
}

Accounts::Budget* Accounts::budget(PotId id) const {
  AccountNode* of = node(id.account);
  return of == nullptr ? nullptr : &of->budgets_[static_cast<std::size_t>(id.window.period)];
}

Pot* Accounts::pot(PotId id) const {
  const Budget* in = budget(id);
  if (in == nullptr) return nullptr;
  for (Pot* pot : {in->pot.get(), in->ahead.get()})
    if (pot != nullptr && pot->id() == id) return pot;
  for (const auto& pot : in->passed)
    if (pot->id() == id) return pot.get();
  return nullptr;
}

// ---- calls

std::expected<Hold, Shortage> Accounts::take(AccountNode& leaf, PicoUsd amount, WallTime now) {
  amount = std::max(amount, PicoUsd{});
  std::uint8_t limited = 0;
  for (const AccountNode* node = &leaf; node != nullptr; node = node->parent_)
    limited |= node->limited_.load(std::memory_order_relaxed);
  if (limited == 0) return Hold(gate_, {}, amount, reached(now));
  {
    const Gate::Together inside(gate_);
    const WallTime at = reached(now);
    Pots pots;
    if (collect(leaf, at, pots) && pots.take(amount)) {
      pots.enter();
      return Hold(gate_, pots, amount, at);
    }
  }
  return take_alone(leaf, amount, now);
}

// False when a pot has to be made, or to be followed by the next.
bool Accounts::collect(const AccountNode& leaf, WallTime at, Pots& pots) {
  std::size_t place = 0;
  for (const AccountNode* node = &leaf; node != nullptr; node = node->parent_, place += kPeriodCount) {
    const std::uint8_t limited = node->limited_.load(std::memory_order_relaxed);
    for (std::size_t period = 0; limited >> period != 0; ++period) {
      if ((limited & bit(period)) == 0) continue;
      Pot* pot = node->budgets_[period].pot.get();
      if (pot == nullptr || at >= pot->end()) return false;
      pots.add(*pot, place + period);
    }
  }
  return true;
}

std::expected<Hold, Shortage> Accounts::take_alone(AccountNode& leaf, PicoUsd amount, WallTime now) {
  const Gate::Alone inside(gate_);
  const WallTime at = reached(now);
  roll(leaf, at);
  Pots pots;
  (void)collect(leaf, at, pots);
  if (const auto taken = spend::take_alone(pots, amount); !taken) {
    Shortage shortage;
    for (Lack lack : taken.error().lacks()) {
      lack.limit = budget(lack.pot)->limit;
      shortage.add(lack);
    }
    return std::unexpected(shortage);
  }
  pots.enter();
  return Hold(gate_, pots, amount, at);
}

// ---- windows

// One moment for all accounts, so that all pots of a call hold the moment that it is charged at.
WallTime Accounts::reached(WallTime now) const {
  return std::max(now, WallTime{Duration{reached_.load(std::memory_order_relaxed)}});
}

void Accounts::roll(AccountNode& leaf, WallTime at) {
  for (AccountNode* node = &leaf; node != nullptr; node = node->parent_)
    for (const Period period : kPeriods) {
      Budget& budget = node->budgets_[static_cast<std::size_t>(period)];
      if (!budget.limit || (budget.pot && at < budget.pot->end())) continue;
      roll(budget, {node->id_, window_of(period, at)});
      budget.pot->recent().note(at, {});
    }
}

void Accounts::roll(Budget& budget, PotId to) {
  const auto begin = begin_of(to.window).time_since_epoch().count();
  if (begin > reached_.load()) reached_.store(begin);
  if (budget.pot) budget.passed.push_back(std::move(budget.pot));
  const bool prepared = budget.ahead && budget.ahead->id() == to;
  budget.pot = prepared ? std::move(budget.ahead) : std::make_unique<Pot>(to);
  budget.ahead.reset();
}

}  // namespace gantry::spend
