#pragma once
// Tells of hours in which an account spends like in no other (spend/alerts.hpp): once an hour and account,
// whichever process sees it first. On the recorder's thread.

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ledger/ledger.hpp"

namespace gantry::gateway {

class BurnWatch {
 public:
  struct Burn {
    spend::AccountId account;
    PicoUsd cost, usual;
    WallTime hour{};  ///< its beginning
  };
  using Tell = std::function<void(const Burn&)>;
  explicit BurnWatch(Tell tell) : tell_(std::move(tell)) {}

  /// Judges the present hour of accounts that have spent. What the ledger does not tell just now is judged
  /// when they spend again.
  void look(ledger::Ledger& ledger, const std::unordered_set<std::int64_t>& spent, WallTime now);

 private:
  void begin(ledger::Ledger& ledger, WallTime hour);
  void judge(ledger::Ledger& ledger, const ledger::HourCost& cost);

  const Tell tell_;
  WallTime hour_{};
  // Of this hour.
  std::unordered_map<std::int64_t, std::vector<PicoUsd>> weeks_;  // by account, which many looks need
  std::unordered_set<std::int64_t> told_;
};

}  // namespace gantry::gateway
