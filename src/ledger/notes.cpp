// Alerts that were given, documents that are kept, and what upstream told of whole days.
#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {

Result<bool> SqlLedger::first_time(std::string_view event) {
  return writing([&]() -> Result<bool> {
    const auto made =
        database_->run("INSERT INTO events (event) VALUES ($1) ON CONFLICT (event) DO NOTHING", {event});
    if (!made) return std::unexpected(made.error());
    return *made == 1;
  });
}

Result<void> SqlLedger::keep(std::string_view name, std::string_view document) {
  return writing([&] {
    return done(
        database_->run("INSERT INTO documents (name, body) VALUES ($1, $2) "
                       "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                       {name, document}));
  });
}

Result<std::optional<std::string>> SqlLedger::kept(std::string_view name) {
  return reading([&]() -> Result<std::optional<std::string>> {
    std::optional<std::string> document;
    auto read = database_->query("SELECT body FROM documents WHERE name = $1", {name},
                                 [&](const sql::Row& row) { document = row.string(0); });
    if (!read) return std::unexpected(read.error());
    return document;
  });
}

Result<void> SqlLedger::note_total(const UpstreamTotal& total) {
  return writing([&] {
    return done(
        database_->run("INSERT INTO totals (upstream_key, day, told, booked) VALUES ($1, $2, $3, $4) "
                       "ON CONFLICT (upstream_key, day) DO UPDATE SET told = excluded.told, "
                       "booked = excluded.booked",
                       {total.upstream_key, total.day, total.told, total.booked}));
  });
}

Result<std::vector<UpstreamTotal>> SqlLedger::totals(std::string_view from_day, std::string_view to_day) {
  return reading([&]() -> Result<std::vector<UpstreamTotal>> {
    std::vector<UpstreamTotal> found;
    auto read = database_->query(
        "SELECT upstream_key, day, told, booked FROM totals WHERE day >= $1 AND day <= $2 ORDER BY day, "
        "upstream_key",
        {from_day, to_day}, [&](const sql::Row& row) {
          found.push_back({.upstream_key = row.string(0),
                           .day = row.string(1),
                           .told = row.money(2),
                           .booked = row.money(3)});
        });
    if (!read) return std::unexpected(read.error());
    return found;
  });
}

Result<PicoUsd> SqlLedger::booked(std::string_view upstream_key) {
  return reading([&]() -> Result<PicoUsd> {
    const auto sum =
        number_of(*database_, "SELECT cost FROM upstream_spend WHERE upstream_key = $1", {upstream_key});
    if (!sum) return std::unexpected(sum.error());
    return PicoUsd{*sum};
  });
}

}  // namespace gantry::ledger
