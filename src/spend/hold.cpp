#include "spend/hold.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace gantry::spend {
namespace {

// Nobody pays less than nothing.
PicoUsd at_least_zero(PicoUsd amount) { return std::max(amount, PicoUsd{}); }

PicoUsd sum(PicoUsd a, PicoUsd b) {
  constexpr PicoUsd kMost{std::numeric_limits<std::int64_t>::max()};
  return add(a, b).value_or(kMost);
}

Lack lack_of(const Pot& pot, PicoUsd amount) {
  const PicoUsd committed = pot.committed();
  return {.pot = pot.id(),
          .amount = amount,
          .needed = sum(committed, amount),
          .committed = committed,
          .granted = pot.granted(),
          .limit = {}};
}

}  // namespace

// ---- Pots

bool Pots::take(PicoUsd amount) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (pots_[i]->take(amount)) continue;
    while (i-- > 0) pots_[i]->change({-amount.value});
    return false;
  }
  return true;
}

void Pots::change(PicoUsd by) const {
  for (Pot* pot : all()) pot->change(by);
}

void Pots::enter() const {
  for (Pot* pot : all()) pot->enter();
}

void Pots::leave() const {
  for (Pot* pot : all()) pot->leave();
}

// Bills come in while somebody is alone. Each that takes away what was seen to be there a moment ago makes
// one more round; what is lacking then is truly gone.
std::expected<void, Shortage> take_alone(const Pots& pots, PicoUsd amount) {
  for (;;) {
    if (pots.take(amount)) return {};
    Shortage shortage;
    for (const Pot* pot : pots.all())
      if (!pot->fits(amount)) shortage.add(lack_of(*pot, amount));
    if (!shortage.lacks().empty()) return std::unexpected(shortage);
  }
}

// ---- PendingHold

PendingHold::PendingHold(PendingHold&& other) noexcept
    : pots_(std::exchange(other.pots_, {})), estimate_(std::exchange(other.estimate_, {})) {}

PendingHold& PendingHold::operator=(PendingHold&& other) noexcept {
  if (this == &other) return *this;
  pots_.leave();
  pots_ = std::exchange(other.pots_, {});
  estimate_ = std::exchange(other.estimate_, {});
  return *this;
}

void PendingHold::resolve(PicoUsd cost) {
  const Pots pots = std::exchange(pots_, {});
  pots.change({at_least_zero(cost).value - std::exchange(estimate_, {}).value});
  pots.leave();
}

// ---- Hold

Hold::Hold(Hold&& other) noexcept
    : gate_(other.gate_),
      pots_(std::exchange(other.pots_, {})),
      amount_(std::exchange(other.amount_, {})),
      at_(other.at_) {}

Hold& Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  release();
  gate_ = other.gate_;
  pots_ = std::exchange(other.pots_, {});
  amount_ = std::exchange(other.amount_, {});
  at_ = other.at_;
  return *this;
}

std::expected<void, Shortage> Hold::extend(PicoUsd by) {
  by = at_least_zero(by);
  const auto taken = [&]() -> std::expected<void, Shortage> {
    if (empty()) return {};
    {
      const Gate::Together inside(*gate_);
      if (pots_.take(by)) return {};
    }
    const Gate::Alone inside(*gate_);
    return take_alone(pots_, by);
  }();
  if (taken) amount_ = sum(amount_, by);
  return taken;
}

PicoUsd Hold::settle(PicoUsd cost) {
  cost = at_least_zero(cost);
  const PicoUsd held = std::exchange(amount_, {});
  const Pots pots = std::exchange(pots_, {});
  pots.change({cost.value - held.value});
  pots.leave();
  return pots.empty() ? PicoUsd{} : at_least_zero({cost.value - held.value});
}

void Hold::release() { (void)settle({}); }

PendingHold Hold::keep_pending(PicoUsd estimate) {
  estimate = at_least_zero(estimate);
  const PicoUsd held = std::exchange(amount_, {});
  const Pots pots = std::exchange(pots_, {});
  pots.change({estimate.value - held.value});
  return {pots, estimate};
}

}  // namespace gantry::spend
