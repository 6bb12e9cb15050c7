// What was spent, by account and by day.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>

#include "ledger/sql_ledger.hpp"
#include "spend/window.hpp"

namespace gantry::ledger {
namespace {

using Names = std::map<std::int64_t, std::string>;

Result<Names> names(sql::Database& database) {
  Names names;
  auto read = database.query("SELECT account, name FROM accounts", {},
                             [&](const sql::Row& row) { names.emplace(row.integer(0), row.string(1)); });
  if (!read) return std::unexpected(read.error());
  return names;
}

std::string day_text(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

bool groups_by(const UsageQuery& query, UsageBy by) {
  return std::ranges::find(query.by, by) != query.by.end();
}

// One statement for each set of columns that may be grouped by.
std::string statement_of(const UsageQuery& query) {
  std::string columns, groups;
  for (const auto& [by, column, none] : {std::tuple{UsageBy::key, "key_account", "0"},
                                         {UsageBy::project, "project", "0"},
                                         {UsageBy::model, "model", "''"},
                                         {UsageBy::day, "day", "0"}}) {
    const bool grouped = groups_by(query, by);
    columns += grouped ? column : none;
    columns += ", ";
    if (grouped) groups += (groups.empty() ? "" : ", ") + std::string(column);
  }
  for (const char* sum :
       {"calls", "attempts", "prompt_tokens", "completion_tokens", "cost", "upstream_cost", "computed",
        "assumed", "bought", "retries", "lost_primaries", "abandoned", "probes", "overshoot"})
    columns += "COALESCE(SUM(" + std::string(sum) + "), 0), ";
  std::string text =
      "SELECT " + columns + "COALESCE(SUM(pending), 0) FROM usage WHERE day >= $1 AND day <= $2";
  if (query.key) text += " AND key_account = $3";
  if (query.project) text += query.key ? " AND project = $4" : " AND project = $3";
  if (!groups.empty()) text += " GROUP BY " + groups + " ORDER BY " + groups;
  return text;
}

UsageRow read_row(const sql::Row& row, const UsageQuery& query, const Names& names) {
  const auto named = [&](std::int64_t account) {
    const auto found = names.find(account);
    return found == names.end() ? std::string() : found->second;
  };
  UsageRow read{.key = named(row.integer(0)),
                .project = named(row.integer(1)),
                .model = row.string(2),
                .day = groups_by(query, UsageBy::day) ? day_text(row.integer(3)) : "",
                .key_account = row.account(0),
                .project_account = row.account(1),
                .calls = row.integer(4),
                .attempts = row.integer(5),
                .prompt_tokens = row.integer(6),
                .completion_tokens = row.integer(7),
                .cost = row.money(8),
                .upstream_cost = row.money(9),
                .computed = row.money(10),
                .assumed = row.money(11),
                .overshoot = row.money(17),
                .pending = row.money(18)};
  for (int waste = 0; waste < int{std::tuple_size_v<decltype(read.waste)>}; ++waste)
    read.waste[static_cast<std::size_t>(waste)] = row.money(12 + waste);
  return read;
}

// What is there of each window, in the order of the periods.
Result<void> read_spent(sql::Database& database, AccountId account, WallTime at,
                        std::array<Spent, spend::kPeriodCount>& spent) {
  for (std::size_t i = 0; i < spend::kPeriodCount; ++i) {
    const spend::Window window = spend::window_of(spend::kPeriods[i], at);
    auto read = database.query(
        "SELECT settled, pending, overshoot FROM spend WHERE account = $1 AND period = $2 AND number = $3",
        {account, window.period, window.number}, [&](const sql::Row& row) {
          spent[i].settled = row.money(0), spent[i].pending = row.money(1), spent[i].overshoot = row.money(2);
        });
    if (!read) return read;
    const auto leased = number_of(database,
                                  "SELECT COALESCE(SUM(granted - spent), 0) FROM leases WHERE account = $1 "
                                  "AND period = $2 AND number = $3 AND granted > spent",
                                  {account, window.period, window.number});
    if (!leased) return std::unexpected(leased.error());
    spent[i].leased = {*leased};
  }
  return {};
}

}  // namespace

Result<std::array<Spent, spend::kPeriodCount>> SqlLedger::spent(AccountId account) {
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  return reading([&]() -> Result<std::array<Spent, spend::kPeriodCount>> {
    std::array<Spent, spend::kPeriodCount> spent{};
    bool found = false;
    auto limits = database_->query("SELECT daily, weekly, monthly, total FROM accounts WHERE account = $1",
                                   {account}, [&](const sql::Row& row) {
                                     found = true;
                                     for (int i = 0; i < int{spend::kPeriodCount}; ++i)
                                       spent[static_cast<std::size_t>(i)].limit = row.some_money(i);
                                   });
    if (!limits) return std::unexpected(limits.error());
    if (!found) return fail(Fault::not_found, "there is no account " + std::to_string(account.value));
    if (auto read = read_spent(*database_, account, *at, spent); !read) return std::unexpected(read.error());
    return spent;
  });
}

Result<std::vector<UsageRow>> SqlLedger::usage(const UsageQuery& query) {
  return reading([&]() -> Result<std::vector<UsageRow>> {
    const auto known = names(*database_);
    if (!known) return std::unexpected(known.error());
    std::vector<sql::Value> values{spend::window_of(spend::Period::daily, query.from).number,
                                   spend::window_of(spend::Period::daily, query.to).number};
    if (query.key) values.emplace_back(*query.key);
    if (query.project) values.emplace_back(*query.project);
    std::vector<UsageRow> rows;
    auto read = database_->query(statement_of(query), values,
                                 [&](const sql::Row& row) { rows.push_back(read_row(row, query, *known)); });
    if (!read) return std::unexpected(read.error());
    return rows;
  });
}

Result<std::optional<AccountId>> SqlLedger::owner(std::string_view generation) {
  if (generation.empty()) return std::nullopt;
  return reading([&]() -> Result<std::optional<AccountId>> {
    // The second condition is there for the index, which has no attempts without a generation.
    for (const std::string_view sql :
         {"SELECT key_account FROM generations WHERE generation = $1",
          "SELECT key_account FROM costs WHERE generation = $1 AND generation <> '' LIMIT 1",
          "SELECT key_account FROM attempts WHERE generation = $1 AND generation <> '' LIMIT 1"}) {
      const auto account = number_of(*database_, sql, {generation});
      if (!account) return std::unexpected(account.error());
      if (*account != 0) return AccountId{*account};
    }
    return std::nullopt;
  });
}

}  // namespace gantry::ledger
