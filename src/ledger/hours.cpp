// What accounts spent by the hour, for alerts: an hour is judged by the week before it.
#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <utility>

#include "ledger/sql_ledger.hpp"
#include "spend/alerts.hpp"

namespace gantry::ledger {
namespace {

constexpr auto kWeek = static_cast<std::int64_t>(spend::kWeekHours);

std::int64_t hour_of(WallTime at) {
  return std::chrono::floor<std::chrono::hours>(at).time_since_epoch().count();
}

// Alerts can do with a sum that stops at the end of the range; costs themselves are kept to the digit
// elsewhere.
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;

}  // namespace

Result<void> write_hours(sql::Database& database, const std::vector<Batch::Settled>& settled) {
  std::map<std::pair<spend::Path, std::int64_t>, std::int64_t> paid;
  std::pair<const std::pair<spend::Path, std::int64_t>, std::int64_t>* last =
      nullptr;  // mostly the next one's
  for (const auto& [attempt, end] : settled) {
    if (end.cost.value <= 0) continue;
    const std::pair row{attempt->open.payer, hour_of(end.at)};
    if (!last || last->first != row) last = &*paid.try_emplace(row).first;
    last->second += std::min(end.cost.value, kMost - last->second);
  }
  std::map<std::pair<AccountId, std::int64_t>, std::int64_t> sums;  // in the order in which rows are locked
  for (const auto& [row, cost] : paid) {
    const auto& [payer, hour] = row;
    for (const AccountId account : {payer.key, payer.project, payer.organisation}) {
      auto& sum = sums[{account, hour}];
      sum += std::min(cost, kMost - sum);
    }
  }
  std::vector<sql::Value> rows;
  rows.reserve(sums.size() * 3);
  for (const auto& [row, cost] : sums) rows.insert(rows.end(), {row.first, row.second, cost});
  return database.run_each(
      "INSERT INTO hours (account, hour, cost) VALUES ($1, $2, $3) ON CONFLICT (account, hour) DO UPDATE SET "
      "cost = CASE WHEN hours.cost > 4611686018427387903 THEN hours.cost ELSE hours.cost + excluded.cost END",
      3, rows);
}

Result<std::vector<HourCost>> SqlLedger::hour(WallTime at, PicoUsd least) {
  return reading([&]() -> Result<std::vector<HourCost>> {
    std::vector<HourCost> found;
    auto read = database_->query(
        "SELECT account, cost FROM hours WHERE hour = $1 AND cost >= $2 ORDER BY account",
        {hour_of(at), least}, [&](const sql::Row& row) { found.push_back({row.account(0), row.money(1)}); });
    if (!read) return std::unexpected(read.error());
    return found;
  });
}

Result<std::vector<PicoUsd>> SqlLedger::hours_before(AccountId account, WallTime at) {
  return reading([&]() -> Result<std::vector<PicoUsd>> {
    const std::int64_t end = hour_of(at);
    const auto first =
        number_of(*database_, "SELECT COALESCE(MIN(hour), $2) FROM hours WHERE account = $1", {account, end});
    if (!first) return std::unexpected(first.error());
    const std::int64_t begin = std::clamp(*first, end - kWeek, end);
    std::vector<PicoUsd> hours(static_cast<std::size_t>(end - begin));
    auto read = database_->query(
        "SELECT hour, cost FROM hours WHERE account = $1 AND hour >= $2 AND hour < $3", {account, begin, end},
        [&](const sql::Row& row) { hours[static_cast<std::size_t>(row.integer(0) - begin)] = row.money(1); });
    if (!read) return std::unexpected(read.error());
    return hours;
  });
}

Result<void> SqlLedger::forget_hours(WallTime at) {
  return writing([&] {
    return done(
        database_->run("DELETE FROM hours WHERE hour < $1 AND EXISTS (SELECT 1 FROM hours later WHERE "
                       "later.account = hours.account AND later.hour > hours.hour AND later.hour < $1)",
                       {hour_of(at)}));
  });
}

}  // namespace gantry::ledger
