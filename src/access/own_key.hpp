#pragma once
// GET /api/v1/key for a client key, in OpenRouter's shape (CONTRACT §7.2).

#include <array>
#include <string>

#include "access/key_ring.hpp"
#include "ledger/ledger.hpp"

namespace gantry::access {

/// By Period: days, weeks and months are the present ones.
struct OwnSpending {
  std::array<ledger::Spent, spend::kPeriodCount> spent{};
  std::array<PicoUsd, spend::kPeriodCount> upstream_cost{};  ///< BYOK: what providers bill besides
};
/// Blocking.
Result<OwnSpending> own_spending(ledger::Ledger& ledger, spend::AccountId key, WallTime now);

/// A key has four limits here and one there: told is the one with the least left, of equal ones the shorter.
/// Numbers are exact decimals.
std::string own_key_json(const KeyEntry& entry, const OwnSpending& spending);

}  // namespace gantry::access
