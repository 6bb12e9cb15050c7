#pragma once
// What each key has spent and may still spend: totals and UTC day, week (Monday to Sunday) and month windows
// (CONTRACT §7.2). Thread-safe; time is handed in.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/time.hpp"

namespace gantry::sim {

enum class LimitReset : std::uint8_t { never, daily, weekly, monthly };
/// "daily", "weekly", "monthly"; never for anything else.
LimitReset parse_limit_reset(std::string_view text);
std::string_view name(LimitReset reset);

/// What a key may spend.
struct KeyTerms {
  std::optional<PicoUsd> limit;  ///< nullopt = no limit
  LimitReset reset = LimitReset::never;
  bool counts_byok = false;  ///< what the providers bill the key's owner counts against the limit too
};

struct Spending {
  PicoUsd total, daily, weekly, monthly;
  [[nodiscard]] PicoUsd in(LimitReset window) const;
};

struct KeyUsage {
  Spending usage, byok;
  std::optional<PicoUsd> limit;
  std::optional<PicoUsd> remaining;  ///< of the window that the limit resets in; may be negative
};

/// One key's line of the simulator's own bill.
struct KeyBill {
  std::string key;
  PicoUsd cost;                   ///< of its generations
  PicoUsd strangers;              ///< spent by others who share it (POST /sim/spend)
  PicoUsd byok;                   ///< what providers billed its owner
  std::uint64_t generations = 0;  ///< that were charged
};

class Accounts {
 public:
  /// `usual` are the terms of a key that has none of its own.
  explicit Accounts(KeyTerms usual) : usual_(usual) {}

  /// A generation's cost, and what the provider billed the owner (BYOK).
  void charge(std::string_view key, PicoUsd cost, PicoUsd byok, WallTime now);
  /// Usage that no generation of ours stands for.
  void charge_stranger(std::string_view key, PicoUsd cost, WallTime now);
  [[nodiscard]] KeyUsage see(std::string_view key, WallTime now, const KeyTerms& terms) const;
  [[nodiscard]] KeyUsage see(std::string_view key, WallTime now) const { return see(key, now, usual_); }
  /// Everything that all keys have spent.
  [[nodiscard]] PicoUsd total() const;
  /// A line for each key that spent, in order of the keys.
  [[nodiscard]] std::vector<KeyBill> bill() const;
  [[nodiscard]] const KeyTerms& usual() const { return usual_; }
  void clear();

 private:
  // Spent in the window with this number; another number means that the window has turned.
  struct Window {
    std::int64_t number = 0;
    PicoUsd spent;
    void charge(std::int64_t current, PicoUsd cost);
    [[nodiscard]] PicoUsd in(std::int64_t current) const { return current == number ? spent : PicoUsd{}; }
  };
  struct Meter {
    PicoUsd total;
    Window day, week, month;
    void charge(PicoUsd cost, WallTime now);
    [[nodiscard]] Spending see(WallTime now) const;
  };
  struct State {
    Meter usage, byok;
    PicoUsd strangers;
    std::uint64_t generations = 0;
  };
  static constexpr std::size_t kMostKeys = 10'000;  // more share one state
  State& state(std::string_view key);

  mutable std::mutex mutex_;
  std::map<std::string, State, std::less<>> keys_;
  PicoUsd all_;
  KeyTerms usual_;
};

}  // namespace gantry::sim
