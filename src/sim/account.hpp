#pragma once
// What each key has spent and may still spend: totals and UTC day, week (Monday to Sunday) and month windows
// (CONTRACT §7.2). Thread-safe; time is handed in.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/money.hpp"
#include "base/time.hpp"

namespace gantry::sim {

enum class LimitReset : std::uint8_t { never, daily, weekly, monthly };
/// "daily", "weekly", "monthly"; never for anything else.
LimitReset parse_limit_reset(std::string_view text);
std::string_view name(LimitReset reset);

struct KeyUsage {
  PicoUsd total, daily, weekly, monthly;
  std::optional<PicoUsd> limit;      ///< nullopt = no limit
  std::optional<PicoUsd> remaining;  ///< of the window that the limit resets in; may be negative
};

class Accounts {
 public:
  Accounts(std::optional<PicoUsd> limit, LimitReset reset) : limit_(limit), reset_(reset) {}

  void charge(std::string_view key, PicoUsd cost, WallTime now);
  [[nodiscard]] KeyUsage see(std::string_view key, WallTime now) const;
  /// Everything that all keys have spent.
  [[nodiscard]] PicoUsd total() const;
  [[nodiscard]] LimitReset reset() const { return reset_; }
  void clear();

 private:
  // Spent in the window with this number; another number means that the window has turned.
  struct Window {
    std::int64_t number = 0;
    PicoUsd spent;
    void charge(std::int64_t current, PicoUsd cost);
    [[nodiscard]] PicoUsd in(std::int64_t current) const { return current == number ? spent : PicoUsd{}; }
  };
  struct State {
    PicoUsd total;
    Window day, week, month;
  };
  static constexpr std::size_t kMostKeys = 10'000;  // more share one state

  mutable std::mutex mutex_;
  std::unordered_map<std::string, State> keys_;
  PicoUsd all_;
  std::optional<PicoUsd> limit_;
  LimitReset reset_;
};

}  // namespace gantry::sim
