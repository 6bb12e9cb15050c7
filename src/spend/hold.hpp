#pragma once
// Money set aside before an attempt (DESIGN §5). A hold belongs to the pots that granted it, and ends there,
// also after their windows did. It ends exactly once: settled, released or kept as pending; whoever forgets
// it releases it. Made by Accounts, which must outlive it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "base/money.hpp"
#include "base/time.hpp"
#include "spend/gate.hpp"
#include "spend/pot.hpp"

namespace gantry::spend {

/// Organisation, project, key.
inline constexpr std::size_t kLevels = 3;
inline constexpr std::size_t kMostPots = kLevels * kPeriodCount;

/// What a pot lacked when it was asked.
struct Lack {
  PotId pot;
  PicoUsd amount;     ///< what was to be taken
  PicoUsd needed;     ///< what would have to be granted, in all
  PicoUsd committed;  ///< of it what was committed already
  PicoUsd granted;
  std::optional<PicoUsd> limit;  ///< as far as this process knows
};

/// Why money was not set aside: each pot that lacks something, so that one request to the ledger can mend
/// all. At least one.
class Shortage {
 public:
  void add(const Lack& lack) { lacks_[count_++] = lack; }
  [[nodiscard]] std::span<const Lack> lacks() const { return {lacks_.data(), count_}; }

 private:
  std::array<Lack, kMostPots> lacks_{};
  std::size_t count_ = 0;
};

/// The pots of one path, leaf first.
class Pots {
 public:
  /// `place`: level above the leaf × kPeriodCount + period.
  void add(Pot& pot, std::size_t place) {
    pots_[count_++] = &pot;
    places_ = static_cast<std::uint16_t>(places_ | 1U << place);
  }
  [[nodiscard]] std::span<Pot* const> all() const { return {pots_.data(), count_}; }
  [[nodiscard]] std::uint16_t places() const { return places_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }

  /// From all of them, or from none.
  [[nodiscard]] bool take(PicoUsd amount) const;
  void change(PicoUsd by) const;
  void enter() const;
  void leave() const;

 private:
  std::array<Pot*, kMostPots> pots_{};
  std::uint8_t count_ = 0;
  std::uint16_t places_ = 0;
};

/// The same under the gate: what is said not to fit did not fit while nothing was about to be undone.
std::expected<void, Shortage> take_alone(const Pots& pots, PicoUsd amount);

/// An attempt's estimate that counts until its cost is known. One that is dropped unresolved counts to the
/// end of its windows: nothing is free because it was forgotten.
class PendingHold {
 public:
  PendingHold() = default;
  PendingHold(const Pots& pots, PicoUsd estimate) : pots_(pots), estimate_(estimate) {}
  PendingHold(PendingHold&& other) noexcept;
  PendingHold& operator=(PendingHold&& other) noexcept;
  ~PendingHold() { pots_.leave(); }

  [[nodiscard]] PicoUsd estimate() const { return estimate_; }
  /// The cost takes the estimate's place. Once; after that it is empty.
  void resolve(PicoUsd cost);

 private:
  Pots pots_;
  PicoUsd estimate_;
};

class Hold {
 public:
  Hold() = default;
  /// `pots` granted `amount` and were entered.
  Hold(Gate& gate, const Pots& pots, PicoUsd amount, WallTime at)
      : gate_(&gate), pots_(pots), amount_(amount), at_(at) {}
  Hold(Hold&& other) noexcept;
  Hold& operator=(Hold&& other) noexcept;
  ~Hold() { release(); }

  [[nodiscard]] PicoUsd amount() const { return amount_; }
  /// The moment whose windows it is charged to.
  [[nodiscard]] WallTime at() const { return at_; }
  /// In which pots it is: bit level × kPeriodCount + period, level 0 the leaf. An account that gets a limit
  /// later does not know of it.
  [[nodiscard]] std::uint16_t places() const { return pots_.places(); }
  /// No account on its path had a limit: nothing is held, and there is no overshoot.
  [[nodiscard]] bool empty() const { return pots_.empty(); }

  /// Sets more aside, in all pots or in none. Errors: what is lacking; the hold is as it was.
  [[nodiscard]] std::expected<void, Shortage> extend(PicoUsd by);

  /// The cost takes the hold's place. Returns the overshoot, what the cost exceeded the hold by.
  PicoUsd settle(PicoUsd cost);
  void release();
  /// The estimate takes the hold's place until the cost is known.
  [[nodiscard]] PendingHold keep_pending(PicoUsd estimate);

 private:
  Gate* gate_ = nullptr;
  Pots pots_;
  PicoUsd amount_;
  WallTime at_{};
};

}  // namespace gantry::spend
