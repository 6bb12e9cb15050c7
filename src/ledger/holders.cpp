// Process runs that own leases, and their hearts.
#include <chrono>

#include "ledger/sql_ledger.hpp"
#include "spend/window.hpp"

namespace gantry::ledger {
namespace {

Failure ended(HolderId holder) {
  return {Fault::not_found, "holder " + std::to_string(holder.value) + " has ended; begin a new one"};
}

// A pot is as scarce as it was for so long after a recall (Ledger::lease).
Result<void> forget_old_recalls(sql::Database& database, WallTime now) {
  return done(database.run("DELETE FROM recalls WHERE asked < $1", {now - std::chrono::seconds{10}}));
}

// Leases of windows that ended two days ago: nobody asks for them again, and what ends late is booked
// without.
Result<void> forget_old_leases(sql::Database& database, HolderId holder, WallTime now) {
  for (const auto period : {spend::Period::daily, spend::Period::weekly, spend::Period::monthly}) {
    const auto oldest = spend::window_of(period, now - std::chrono::days{2}).number;
    auto gone = database.run("DELETE FROM leases WHERE holder = $1 AND period = $2 AND number < $3",
                             {holder.value, period, oldest});
    if (!gone) return std::unexpected(gone.error());
  }
  return {};
}

// Those of its attempts that are not settled.
Result<void> count_attempts(sql::Database& database, Holder& holder) {
  return database.query(
      "SELECT CASE WHEN ended IS NULL THEN 0 ELSE 1 END, COUNT(*), COALESCE(SUM(estimate), 0) FROM attempts "
      "WHERE holder = $1 GROUP BY 1",
      {holder.id.value}, [&](const sql::Row& row) {
        const bool ended = row.truth(0);
        (ended ? holder.pending : holder.open) = row.integer(1);
        (ended ? holder.pending_estimate : holder.open_estimate) = row.money(2);
      });
}

}  // namespace

Result<HolderRow> lock_holder(sql::Database& database, HolderId holder) {
  std::optional<HolderRow> found;
  auto read =
      database.query("SELECT lives_until, ended FROM holders WHERE holder = $1 FOR UPDATE", {holder.value},
                     [&](const sql::Row& row) { found.emplace(row.time(0), !row.is_null(1)); });
  if (!read) return std::unexpected(read.error());
  if (!found) return fail(Fault::not_found, "there is no holder " + std::to_string(holder.value));
  return *found;
}

Result<HolderId> SqlLedger::begin_holder(std::string_view name, Duration lives) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<HolderId> {
    const auto id = next_number(*database_, "last_holder");
    if (!id) return std::unexpected(id.error());
    auto made =
        database_->run("INSERT INTO holders (holder, name, began, lives_until) VALUES ($1, $2, $3, $4)",
                       {*id, name, *at, *at + lives});
    if (!made) return std::unexpected(made.error());
    return HolderId{*id};
  });
}

Result<void> SqlLedger::heartbeat(HolderId holder, Duration lives) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<void> {
    const auto row = lock_holder(*database_, holder);
    if (!row) return std::unexpected(row.error());
    if (row->ended) return std::unexpected(ended(holder));
    if (auto forgotten = forget_old_leases(*database_, holder, *at); !forgotten) return forgotten;
    if (auto forgotten = forget_old_recalls(*database_, *at); !forgotten) return forgotten;
    return done(
        database_->run("UPDATE holders SET lives_until = $2 WHERE holder = $1", {holder.value, *at + lives}));
  });
}

// Its row is locked.
Result<void> SqlLedger::end(HolderId holder, WallTime at) {
  const sql::Value its[] = {holder.value};
  Batch batch;
  const auto open =
      load_attempts(*database_, "WHERE holder = $1 AND ended IS NULL ORDER BY attempt", its, batch.texts());
  if (!open) return std::unexpected(open.error());
  for (const OpenAttempt& attempt : *open) batch.know(attempt);
  batch.give_up(at);
  if (auto written = write(batch); !written) return written;
  if (auto gone = database_->run("DELETE FROM leases WHERE holder = $1", {holder.value}); !gone)
    return std::unexpected(gone.error());
  return done(database_->run("UPDATE holders SET ended = $2 WHERE holder = $1 AND ended IS NULL",
                             {holder.value, at}));
}

Result<void> SqlLedger::end_holder(HolderId holder) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<void> {
    if (auto row = lock_holder(*database_, holder); !row) return std::unexpected(row.error());
    return end(holder, *at);
  });
}

Result<void> SqlLedger::give_up(HolderId holder) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<void> {
    const auto row = lock_holder(*database_, holder);
    if (!row) return std::unexpected(row.error());
    if (!row->ended && row->lives_until > *at)
      return fail(Fault::refused, "holder " + std::to_string(holder.value) + " is alive");
    return end(holder, *at);
  });
}

Result<std::vector<HolderId>> SqlLedger::left_behind(std::string_view name) {
  return reading([&]() -> Result<std::vector<HolderId>> {
    std::vector<HolderId> found;
    auto read =
        database_->query("SELECT holder FROM holders WHERE name = $1 AND ended IS NULL ORDER BY holder",
                         {name}, [&](const sql::Row& row) { found.push_back({row.integer(0)}); });
    if (!read) return std::unexpected(read.error());
    return found;
  });
}

Result<bool> SqlLedger::began(HolderId holder, std::string_view name) {
  return reading([&]() -> Result<bool> {
    const auto found = number_of(*database_, "SELECT COUNT(*) FROM holders WHERE holder = $1 AND name = $2",
                                 {holder.value, name});
    if (!found) return std::unexpected(found.error());
    return *found > 0;
  });
}

Result<void> SqlLedger::begin_again(HolderId holder, std::string_view name) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<void> {
    auto raised = database_->run("UPDATE meta SET number = $1 WHERE name = 'last_holder' AND number < $1",
                                 {holder.value});
    if (!raised) return std::unexpected(raised.error());
    // Nobody is behind it any more: it lives until now.
    auto made = database_->run(
        "INSERT INTO holders (holder, name, began, lives_until) VALUES ($1, $2, $3, $3) "
        "ON CONFLICT (holder) DO NOTHING",
        {holder.value, name, *at});
    if (!made) return std::unexpected(made.error());
    if (*made == 1) return {};
    const auto own = number_of(*database_, "SELECT COUNT(*) FROM holders WHERE holder = $1 AND name = $2",
                               {holder.value, name});
    if (!own) return std::unexpected(own.error());
    if (*own == 1) return {};
    return fail(Fault::bad_input,
                "holder " + std::to_string(holder.value) + " is one of another state directory by now");
  });
}

Result<std::vector<Holder>> SqlLedger::holders() {
  return reading([&]() -> Result<std::vector<Holder>> {
    std::vector<Holder> found;
    auto read = database_->query(
        "SELECT h.holder, h.name, h.began, h.lives_until, (SELECT COALESCE(SUM(l.granted - l.spent), 0) "
        "FROM leases l WHERE l.holder = h.holder AND l.granted > l.spent) "
        "FROM holders h WHERE h.ended IS NULL ORDER BY h.holder",
        {}, [&](const sql::Row& row) {
          found.push_back({.id = {row.integer(0)},
                           .name = row.string(1),
                           .began = row.time(2),
                           .lives_until = row.time(3),
                           .leased = row.money(4)});
        });
    if (!read) return std::unexpected(read.error());
    for (Holder& holder : found)
      if (auto counted = count_attempts(*database_, holder); !counted)
        return std::unexpected(counted.error());
    return found;
  });
}

}  // namespace gantry::ledger
