#pragma once
// What one account may spend in one window, in this process (docs/decisions/0011). Two numbers, both counted
// from the window's beginning, so that they say the same to whoever hears them twice:
//
//     granted    what this process may have committed, in all; leased from the ledger
//     committed  what it has: settled, held and pending
//
// No take succeeds unless committed ≤ granted after it. Only a bill above its hold (overshoot) brings
// committed above granted, and then nothing is taken until it is back under.
//
// Any thread may take and change. grant() and keep() are called by one thread at a time.

#include <atomic>
#include <cstdint>

#include "base/money.hpp"
#include "base/time.hpp"
#include "spend/account.hpp"
#include "spend/recent.hpp"

namespace gantry::spend {

class alignas(64) Pot {
 public:
  explicit Pot(PotId id) : id_(id), end_(end_of(id.window)) {}
  Pot(const Pot&) = delete;

  [[nodiscard]] const PotId& id() const { return id_; }
  /// The first moment behind its window.
  [[nodiscard]] WallTime end() const { return end_; }

  [[nodiscard]] PicoUsd committed() const { return {committed_.load()}; }
  [[nodiscard]] PicoUsd granted() const { return {granted_.load()}; }
  /// Whether `amount` ≥ 0 could be taken now.
  [[nodiscard]] bool fits(PicoUsd amount) const;

  /// Adds `amount` ≥ 0 to what is committed, if it fits. False says only that it did not fit at one moment:
  /// another take that is about to be undone, or a keep() in between, may have been in its way.
  [[nodiscard]] bool take(PicoUsd amount);
  /// What became of something that was taken: cost − hold when it is settled, −hold when it is released.
  /// Stays within what an amount can say.
  void change(PicoUsd by);

  /// Only ever raises.
  void grant(PicoUsd total);
  /// Lowers what is granted to `wanted`, but not below what is committed; returns what is granted then.
  PicoUsd keep(PicoUsd wanted);

  /// Holds and pending costs that end here. While there is one, the pot must stay.
  void enter() { open_.fetch_add(1, std::memory_order_relaxed); }
  void leave() { open_.fetch_sub(1, std::memory_order_release); }
  [[nodiscard]] std::uint32_t open() const { return open_.load(std::memory_order_acquire); }

  /// For whoever leases, one thread at a time.
  RecentSpend& recent() { return recent_; }

 private:
  const PotId id_;
  const WallTime end_;
  std::atomic<std::int64_t> committed_{0};
  std::atomic<std::int64_t> granted_{0};
  std::atomic<std::uint32_t> open_{0};
  RecentSpend recent_;
};

}  // namespace gantry::spend
