// How much of each limit every holder owns, by the rule in ledger.hpp.
#include <algorithm>
#include <limits>
#include <utility>

#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {
namespace {

// What the ledger has of a pot, its row locked.
struct Pot {
  std::optional<PicoUsd> limit;
  PicoUsd settled, pending;
  PicoUsd granted, spent;  // of the holder that asks
  PicoUsd elsewhere;       // what others own and have not spent
  bool has_lease = false;
};

PicoUsd unspent(PicoUsd granted, PicoUsd spent) {
  return {std::max<std::int64_t>(0, granted.value - spent.value)};
}

// An account that was removed, or never was, lets nothing pass.
Result<std::optional<PicoUsd>> limit_of(sql::Database& database, PotId pot) {
  std::optional<PicoUsd> limit{PicoUsd{0}};
  auto read = database.query(
      "SELECT daily, weekly, monthly, total FROM accounts WHERE account = $1 AND deleted IS NULL",
      {pot.account},
      [&](const sql::Row& row) { limit = row.some_money(static_cast<int>(pot.window.period)); });
  if (!read) return std::unexpected(read.error());
  return limit;
}

// Makes the row that guards the pot when it is missing, locks it either way, and reads it.
Result<void> lock_pot(sql::Database& database, PotId id, Pot& pot) {
  return database.query(
      "INSERT INTO spend (account, period, number, settled, pending, overshoot) VALUES ($1, $2, $3, 0, 0, 0) "
      "ON CONFLICT (account, period, number) DO UPDATE SET settled = spend.settled RETURNING settled, "
      "pending",
      {id.account, id.window.period, id.window.number},
      [&](const sql::Row& row) { pot.settled = row.money(0), pot.pending = row.money(1); });
}

Result<Pot> load(sql::Database& database, HolderId holder, PotId id) {
  Pot pot;
  const auto limit = limit_of(database, id);
  if (!limit) return std::unexpected(limit.error());
  pot.limit = *limit;
  if (!pot.limit) return pot;
  if (auto locked = lock_pot(database, id, pot); !locked) return std::unexpected(locked.error());
  auto read = database.query(
      "SELECT holder, granted, spent FROM leases WHERE account = $1 AND period = $2 AND number = $3",
      {id.account, id.window.period, id.window.number}, [&](const sql::Row& row) {
        if (row.integer(0) == holder.value)
          pot.granted = row.money(1), pot.spent = row.money(2), pot.has_lease = true;
        else
          pot.elsewhere.value += unspent(row.money(1), row.money(2)).value;
      });
  if (!read) return std::unexpected(read.error());
  return pot;
}

// The most that the holder may have been granted in all. Wider than an amount: a limit may be the largest.
PicoUsd most_granted(const Pot& pot) {
  const __int128 free =
      __int128{pot.limit->value} - pot.settled.value - pot.pending.value - pot.elsewhere.value;
  const __int128 most = pot.spent.value + std::max<__int128>(free, 0);
  return {static_cast<std::int64_t>(std::min<__int128>(most, std::numeric_limits<std::int64_t>::max()))};
}

Result<void> store(sql::Database& database, HolderId holder, PotId id, PicoUsd granted) {
  return done(database.run(
      "INSERT INTO leases (account, period, number, holder, granted, spent) VALUES ($1, $2, $3, $4, $5, 0) "
      "ON CONFLICT (account, period, number, holder) DO UPDATE SET granted = excluded.granted",
      {id.account, id.window.period, id.window.number, holder.value, granted}));
}

Result<Lease> grant(sql::Database& database, HolderId holder, const LeaseWish& wish) {
  auto pot = load(database, holder, wish.pot);
  if (!pot) return std::unexpected(pot.error());
  if (!pot->limit) return Lease{.pot = wish.pot, .enough = true};
  const PicoUsd offered = std::min(wish.most, most_granted(*pot));
  if (offered > pot->granted && offered >= wish.least) {
    if (auto stored = store(database, holder, wish.pot, offered); !stored)
      return std::unexpected(stored.error());
    pot->granted = offered;
  }
  return Lease{.pot = wish.pot,
               .enough = pot->granted >= wish.least,
               .granted = pot->granted,
               .limit = pot->limit,
               .settled = pot->settled,
               .pending = pot->pending,
               .leased = {pot->elsewhere.value + unspent(pot->granted, pot->spent).value},
               .elsewhere = pot->elsewhere};
}

// In the order in which pots are locked, by their places in what was asked.
template <class Asked>
std::vector<std::size_t> in_order(std::span<const Asked> asked) {
  std::vector<std::size_t> places(asked.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::ranges::sort(places, {}, [&](std::size_t i) { return std::pair(asked[i].pot, i); });
  return places;
}

}  // namespace

Result<std::vector<Lease>> SqlLedger::lease(HolderId holder, std::span<const LeaseWish> wishes) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<std::vector<Lease>> {
    const auto row = lock_holder(*database_, holder);
    if (!row) return std::unexpected(row.error());
    if (row->ended || row->lives_until <= *at)
      return fail(Fault::not_found,
                  "holder " + std::to_string(holder.value) + " was taken for dead and is granted nothing");
    std::vector<Lease> leases(wishes.size());
    for (const std::size_t i : in_order(wishes)) {
      const auto lease = grant(*database_, holder, wishes[i]);
      if (!lease) return std::unexpected(lease.error());
      leases[i] = *lease;
    }
    return leases;
  });
}

Result<void> SqlLedger::give_back(HolderId holder, std::span<const Return> returns) {
  return writing([&]() -> Result<void> {
    const auto row = lock_holder(*database_, holder);
    if (!row) return std::unexpected(row.error());
    if (row->ended) return fail(Fault::not_found, "holder " + std::to_string(holder.value) + " has ended");
    for (const std::size_t i : in_order(returns)) {
      const auto& [id, keeps] = returns[i];
      auto lowered = database_->run(
          "UPDATE leases SET granted = $5 "
          "WHERE account = $1 AND period = $2 AND number = $3 AND holder = $4 AND granted > $5",
          {id.account, id.window.period, id.window.number, holder.value,
           PicoUsd{std::max<std::int64_t>(0, keeps.value)}});
      if (!lowered) return std::unexpected(lowered.error());
    }
    return {};
  });
}

}  // namespace gantry::ledger
