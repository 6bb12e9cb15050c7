// Alerts that were given, documents that are kept, and what was booked on upstream keys.
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

Result<bool> SqlLedger::turns(std::string_view name, std::string_view document) {
  return writing([&]() -> Result<bool> {
    const auto turned = database_->run(
        "INSERT INTO documents (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = "
        "excluded.body WHERE documents.body <> excluded.body",
        {name, document});
    if (!turned) return std::unexpected(turned.error());
    return *turned == 1;
  });
}

Result<std::int64_t> booked_on(sql::Database& database, std::string_view upstream_key) {
  return number_of(database, "SELECT cost FROM upstream_spend WHERE upstream_key = $1", {upstream_key});
}

Result<PicoUsd> SqlLedger::booked(std::string_view upstream_key) {
  return reading([&]() -> Result<PicoUsd> {
    const auto sum = booked_on(*database_, upstream_key);
    if (!sum) return std::unexpected(sum.error());
    return PicoUsd{*sum};
  });
}

}  // namespace gantry::ledger
