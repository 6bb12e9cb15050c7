// How much of each limit every holder owns, by the rule in ledger.hpp.
#include <algorithm>
#include <limits>
#include <utility>

#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {
namespace {

constexpr std::int64_t kNobodyOwes = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kNewRecall = -1;

// What the ledger has of a pot, its row locked.
struct Pot {
  std::optional<PicoUsd> limit;
  PicoUsd settled, pending;
  PicoUsd granted, spent;               // of the holder that asks
  PicoUsd elsewhere, lost;              // what others own and have not spent; of it, of the dead
  std::int64_t recall = 0;              // the latest; 0 = none lately
  std::int64_t answered = kNobodyOwes;  // by all others that are alive and own something
  std::int64_t heard = 0;               // by one of them
};

// Who asks, and when.
struct Asking {
  HolderId holder;
  WallTime at;
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

// The leases of a pot, and in the same answer the recall of it, as one of nobody.
constexpr std::string_view kOwners =
    "SELECT l.holder, l.granted, l.spent, l.answered, h.lives_until FROM leases l "
    "JOIN holders h ON h.holder = l.holder WHERE l.account = $1 AND l.period = $2 AND l.number = $3 "
    "UNION ALL SELECT 0, recall, 0, 0, 0 FROM recalls WHERE account = $1 AND period = $2 AND number = $3";

void add_owner(Pot& pot, const Asking& asking, const sql::Row& row) {
  const std::int64_t owner = row.integer(0);
  if (owner == 0) {
    pot.recall = row.integer(1);
  } else if (owner == asking.holder.value) {
    pot.granted = row.money(1), pot.spent = row.money(2);
  } else if (const PicoUsd own = unspent(row.money(1), row.money(2)); own > PicoUsd{}) {
    pot.elsewhere.value += own.value;
    if (row.time(4) <= asking.at)
      pot.lost.value += own.value;
    else
      pot.answered = std::min(pot.answered, row.integer(3)), pot.heard = std::max(pot.heard, row.integer(3));
  }
}

Result<Pot> load(sql::Database& database, const Asking& asking, PotId id) {
  Pot pot;
  const auto limit = limit_of(database, id);
  if (!limit) return std::unexpected(limit.error());
  pot.limit = *limit;
  if (!pot.limit) return pot;
  if (auto locked = lock_pot(database, id, pot); !locked) return std::unexpected(locked.error());
  auto read = database.query(kOwners, {id.account, id.window.period, id.window.number},
                             [&](const sql::Row& row) { add_owner(pot, asking, row); });
  if (!read) return std::unexpected(read.error());
  return pot;
}

// The most that the holder may have been granted in all, when so much of what others own came back. Wider
// than an amount: a limit may be the largest.
PicoUsd most_granted(const Pot& pot, PicoUsd back = {}) {
  const __int128 free =
      __int128{pot.limit->value} - pot.settled.value - pot.pending.value - pot.elsewhere.value + back.value;
  const __int128 most = pot.spent.value + std::max<__int128>(free, 0);
  return {static_cast<std::int64_t>(std::min<__int128>(most, std::numeric_limits<std::int64_t>::max()))};
}

// Whether others can make it fit that are alive.
bool worth_a_recall(const Pot& pot, PicoUsd least) {
  return pot.answered != kNobodyOwes && most_granted(pot, {pot.elsewhere.value - pot.lost.value}) >= least;
}

Result<void> store(sql::Database& database, HolderId holder, PotId id, PicoUsd granted) {
  return done(database.run(
      "INSERT INTO leases (account, period, number, holder, granted, spent) VALUES ($1, $2, $3, $4, $5, 0) "
      "ON CONFLICT (account, period, number, holder) DO UPDATE SET granted = excluded.granted",
      {id.account, id.window.period, id.window.number, holder.value, granted}));
}

Result<Lease> grant(sql::Database& database, const Asking& asking, const LeaseWish& wish) {
  auto pot = load(database, asking, wish.pot);
  if (!pot) return std::unexpected(pot.error());
  if (!pot->limit) return Lease{.pot = wish.pot, .enough = true};
  // What is scarce is nobody's reserve.
  const PicoUsd fits = most_granted(*pot),
                offered = std::min(pot->recall != 0 ? wish.least : wish.most, fits);
  if (offered > pot->granted && offered >= wish.least) {
    if (auto stored = store(database, asking.holder, wish.pot, offered); !stored)
      return std::unexpected(stored.error());
    pot->granted = offered;
  }
  // What was granted under a higher limit does not count.
  Lease lease{.pot = wish.pot,
              .enough = std::min(pot->granted, fits) >= wish.least,
              .granted = pot->granted,
              .limit = pot->limit,
              .settled = pot->settled,
              .pending = pot->pending,
              .leased = {pot->elsewhere.value + unspent(pot->granted, pot->spent).value},
              .elsewhere = pot->elsewhere,
              .lost = pot->lost,
              .answered = pot->answered};
  // The number is given once all pots are locked (ask_back).
  if (!lease.enough && wish.recall && worth_a_recall(*pot, wish.least))
    lease.recall = pot->recall > pot->heard ? pot->recall : kNewRecall;
  return lease;
}

// In the order in which pots are locked, by their places in what was asked.
template <class Asked>
std::vector<std::size_t> in_order(std::span<const Asked> asked) {
  std::vector<std::size_t> places(asked.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::ranges::sort(places, {}, [&](std::size_t i) { return std::pair(asked[i].pot, i); });
  return places;
}

// One that nobody has answered asks for the same as a new one would.
Result<void> ask_back(sql::Database& database, WallTime at, Lease& lease) {
  if (lease.recall != kNewRecall) return {};
  const auto number = next_number(database, "last_recall");
  if (!number) return std::unexpected(number.error());
  lease.recall = *number;
  const auto& [account, window] = lease.pot;
  return done(database.run(
      "INSERT INTO recalls (account, period, number, recall, asked) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (account, period, number) DO UPDATE SET recall = excluded.recall, asked = excluded.asked",
      {account, window.period, window.number, *number, at}));
}

}  // namespace

Result<std::vector<Lease>> SqlLedger::lease(HolderId holder, std::span<const LeaseWish> wishes) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<std::vector<Lease>> {
    const auto row = lock_holder(*database_, holder);
    if (!row) return std::unexpected(row.error());
    if (row->ended || row->lives_until <= *at)
      return fail(Fault::not_found, "holder " + std::to_string(holder.value) +
                                        " has ended, or its heart stopped: it is granted nothing");
    std::vector<Lease> leases(wishes.size());
    const auto places = in_order(wishes);
    for (const std::size_t i : places) {
      const auto lease = grant(*database_, {holder, *at}, wishes[i]);
      if (!lease) return std::unexpected(lease.error());
      leases[i] = *lease;
    }
    for (const std::size_t i : places)
      if (auto asked = ask_back(*database_, *at, leases[i]); !asked) return std::unexpected(asked.error());
    return leases;
  });
}

Result<void> SqlLedger::give_back(HolderId holder, std::span<const Return> returns) {
  return writing([&]() -> Result<void> {
    const auto row = lock_holder(*database_, holder);
    if (!row) return std::unexpected(row.error());
    if (row->ended) return fail(Fault::not_found, "holder " + std::to_string(holder.value) + " has ended");
    for (const std::size_t i : in_order(returns)) {
      const auto& [id, keeps, recall] = returns[i];
      auto lowered = database_->run(
          "UPDATE leases SET granted = CASE WHEN granted > $5 THEN $5 ELSE granted END, "
          "answered = CASE WHEN answered < $6 THEN $6 ELSE answered END "
          "WHERE account = $1 AND period = $2 AND number = $3 AND holder = $4 "
          "AND (granted > $5 OR answered < $6)",
          {id.account, id.window.period, id.window.number, holder.value,
           PicoUsd{std::max<std::int64_t>(0, keeps.value)}, recall});
      if (!lowered) return std::unexpected(lowered.error());
    }
    return {};
  });
}

Result<std::vector<Recall>> SqlLedger::recalls(HolderId holder) {
  return reading([&]() -> Result<std::vector<Recall>> {
    std::vector<Recall> found;
    auto read = database_->query(
        "SELECT r.account, r.period, r.number, r.recall FROM recalls r JOIN leases l ON "
        "l.account = r.account AND l.period = r.period AND l.number = r.number "
        "WHERE l.holder = $1 AND l.granted > l.spent AND l.answered < r.recall",
        {holder.value}, [&](const sql::Row& row) {
          const spend::Window window{static_cast<spend::Period>(row.integer(1)),
                                     static_cast<std::int32_t>(row.integer(2))};
          found.push_back({.pot = {row.account(0), window}, .number = row.integer(3)});
        });
    if (!read) return std::unexpected(read.error());
    return found;
  });
}

}  // namespace gantry::ledger
