// What upstream told of its keys, against what was booked for them (spend/totals.hpp).
#include <optional>

#include "ledger/sql_ledger.hpp"
#include "spend/totals.hpp"

namespace gantry::ledger {
namespace {

struct Meter {
  std::string mark;
  spend::KeyMeter sums;
  WallTime at{};  // of the last look
};

// With its row's lock, so that looks of several processes come one after the other.
Result<std::optional<Meter>> load_meter(sql::Database& database, std::string_view key) {
  std::optional<Meter> found;
  auto read = database.query(
      "SELECT mark, told, booked, base, slack, unexplained, looked FROM meters WHERE upstream_key = $1 FOR "
      "UPDATE",
      {key}, [&](const sql::Row& row) {
        found = Meter{.mark = row.string(0),
                      .sums = {.told = row.money(1),
                               .booked = row.money(2),
                               .base = row.money(3),
                               .slack = row.money(4),
                               .unexplained = row.money(5)},
                      .at = row.time(6)};
      });
  if (!read) return std::unexpected(read.error());
  return found;
}

Result<void> store_meter(sql::Database& database, std::string_view key, const Meter& meter) {
  return done(database.run(
      "INSERT INTO meters (upstream_key, mark, told, booked, base, slack, unexplained, looked) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (upstream_key) DO UPDATE SET mark = "
      "excluded.mark, "
      "told = excluded.told, booked = excluded.booked, base = excluded.base, slack = excluded.slack, "
      "unexplained = excluded.unexplained, looked = excluded.looked",
      {key, meter.mark, meter.sums.told, meter.sums.booked, meter.sums.base, meter.sums.slack,
       meter.sums.unexplained, meter.at}));
}

// What attempts that are open or pending may still cost. A hold bounds one that has no end yet.
Result<spend::KeyLook> look_at(sql::Database& database, const UsageTold& told) {
  const auto booked = booked_on(database, told.upstream_key);
  if (!booked) return std::unexpected(booked.error());
  const auto open = number_of(database,
                              "SELECT COALESCE(SUM(CASE WHEN ended IS NULL AND hold > estimate THEN hold "
                              "ELSE estimate END), 0) FROM attempts WHERE upstream_key = $1",
                              {told.upstream_key});
  if (!open) return std::unexpected(open.error());
  return spend::KeyLook{.told = told.usage, .booked = {*booked}, .open = {*open}};
}

Result<UpstreamTotal> add_growth(sql::Database& database, std::string_view key, std::string_view day,
                                 const spend::KeyGrowth& growth) {
  UpstreamTotal total;
  total.upstream_key = key, total.day = day;
  auto added = database.query(
      "INSERT INTO totals (upstream_key, day, told, booked, unexplained) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (upstream_key, day) DO UPDATE SET told = totals.told + excluded.told, "
      "booked = totals.booked + excluded.booked, unexplained = totals.unexplained + excluded.unexplained "
      "RETURNING told, booked, unexplained",
      {key, day, growth.told, growth.booked, growth.unexplained}, [&](const sql::Row& row) {
        total.told = row.money(0), total.booked = row.money(1), total.unexplained = row.money(2);
      });
  if (!added) return std::unexpected(added.error());
  return total;
}

}  // namespace

Result<std::optional<UpstreamTotal>> SqlLedger::see_usage(const UsageTold& told) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return writing([&]() -> Result<std::optional<UpstreamTotal>> {
    auto meter = load_meter(*database_, told.upstream_key);
    if (!meter) return std::unexpected(meter.error());
    if (*meter && (*meter)->at > told.since) return std::nullopt;
    const auto look = look_at(*database_, told);
    if (!look) return std::unexpected(look.error());
    const bool same = *meter && (*meter)->mark == told.mark;
    Meter next = same ? std::move(**meter) : Meter{.mark = told.mark, .sums = spend::begin_meter(*look)};
    const auto growth = same ? spend::advance(next.sums, *look) : std::nullopt;
    next.at = *at;
    if (auto stored = store_meter(*database_, told.upstream_key, next); !stored)
      return std::unexpected(stored.error());
    if (!growth) return std::nullopt;
    auto total = add_growth(*database_, told.upstream_key, told.day, *growth);
    if (!total) return std::unexpected(total.error());
    return std::move(*total);
  });
}

Result<std::vector<UpstreamTotal>> SqlLedger::totals(std::string_view from_day, std::string_view to_day) {
  return reading([&]() -> Result<std::vector<UpstreamTotal>> {
    std::vector<UpstreamTotal> found;
    auto read = database_->query(
        "SELECT upstream_key, day, told, booked, unexplained FROM totals WHERE day >= $1 AND day <= $2 ORDER "
        "BY day, upstream_key",
        {from_day, to_day}, [&](const sql::Row& row) {
          found.push_back({.upstream_key = row.string(0),
                           .day = row.string(1),
                           .told = row.money(2),
                           .booked = row.money(3),
                           .unexplained = row.money(4)});
        });
    if (!read) return std::unexpected(read.error());
    return found;
  });
}

}  // namespace gantry::ledger
