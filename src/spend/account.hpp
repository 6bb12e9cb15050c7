#pragma once
// Who money is charged to (DESIGN §1): organisation → project → client key. Plain values, shared by the
// accounts in memory, the ledger and the admin API. Pure.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/money.hpp"
#include "spend/window.hpp"

namespace gantry::spend {

/// A node's number in the ledger, the same for its whole life. 0 is none.
struct AccountId {
  std::int64_t value = 0;
  auto operator<=>(const AccountId&) const = default;
};

enum class AccountKind : std::uint8_t { organisation, project, key };
std::string_view name(AccountKind kind);

/// By Period; nullopt is no limit.
using Limits = std::array<std::optional<PicoUsd>, kPeriodCount>;

/// The accounts a call is charged to, leaf first. Calls without a client key are charged to a key of that
/// name
/// ("-") in the default project.
struct Path {
  AccountId key, project, organisation;
  auto operator<=>(const Path&) const = default;
};

/// What one account may spend in one window.
struct PotId {
  AccountId account;
  Window window;
  auto operator<=>(const PotId&) const = default;
};

/// Where a cost comes from.
enum class CostSource : std::uint8_t {
  told,      ///< usage.cost of the reply, or /generation
  computed,  ///< tokens × prices, because the reply told none
  assumed,   ///< nobody told within pending_for: the estimate stands
  free,      ///< known to cost nothing: nothing was sent, or OpenRouter does not charge such an end
};
std::string_view name(CostSource source);

/// Cost that bought no delivered answer, and why (DESIGN §1).
enum class Waste : std::uint8_t { none, retry, lost_primary, abandoned, probe };
std::string_view name(Waste waste);

}  // namespace gantry::spend
