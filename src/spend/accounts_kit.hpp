#pragma once
// A book with one organisation, a project and a key, and short words for tests.

#include <gmock/gmock.h>

#include "spend/accounts.hpp"

namespace gantry::spend {

inline const WallTime kNoon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} +
                            std::chrono::hours{12}};

inline Limits limits_of(std::optional<std::int64_t> daily, std::optional<std::int64_t> total = {}) {
  Limits limits;
  if (daily) limits[static_cast<std::size_t>(Period::daily)] = PicoUsd{*daily};
  if (total) limits[static_cast<std::size_t>(Period::total)] = PicoUsd{*total};
  return limits;
}

struct Book {
  explicit Book(const Limits& of_key = {}, const Limits& of_project = {}, const Limits& of_organisation = {})
      : organisation(*accounts.set({1}, nullptr, of_organisation).value()),
        project(*accounts.set({2}, &organisation, of_project).value()),
        key(*accounts.set({3}, &project, of_key).value()) {}

  PotId pot(const AccountNode& node, Period period, WallTime at = kNoon) const {
    return {node.id(), window_of(period, at)};
  }
  /// As if one process leased from an empty ledger.
  bool grant(PotId id, std::int64_t total, std::optional<std::int64_t> limit) {
    return accounts.granted(
        id, {.total = {total}, .limit = limit ? std::optional(PicoUsd{*limit}) : std::nullopt});
  }
  /// Leases what is lacking until it fits, or the limit is in the way.
  std::expected<Hold, Shortage> take(std::int64_t amount, WallTime now = kNoon) {
    for (;;) {
      auto taken = accounts.take(key, {amount}, now);
      if (taken) return taken;
      for (const Lack& lack : taken.error().lacks()) {
        if (lack.limit && lack.needed > *lack.limit) return taken;
        accounts.granted(lack.pot, {.total = lack.needed, .limit = lack.limit});
      }
    }
  }
  std::int64_t committed(PotId id) { return accounts.look(id).value().committed.value; }
  std::int64_t granted(PotId id) { return accounts.look(id).value().granted.value; }
  std::uint32_t open(PotId id) { return accounts.look(id).value().open; }

  Accounts accounts;
  AccountNode& organisation;
  AccountNode& project;
  AccountNode& key;
};

}  // namespace gantry::spend
