// Sums that must agree: what is kept for speed (spend, usage) with what it was added up from (costs,
// attempts).
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <tuple>

#include "ledger/migrations.hpp"
#include "ledger/sql_ledger.hpp"
#include "spend/window.hpp"

namespace gantry::ledger {
namespace {

constexpr std::size_t kMostLines = 20;  // of one kind

// Lines of one kind, the first of them and how many more there are.
class Lines {
 public:
  void add(std::string line) {
    if (++count_ <= kMostLines) lines_.push_back(std::move(line));
  }
  void move_to(std::vector<std::string>& all) {
    if (count_ > kMostLines) lines_.push_back(fmt::format("and {} more of this kind", count_ - kMostLines));
    std::ranges::move(lines_, std::back_inserter(all));
  }

 private:
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

std::string name_of(PotId pot) {
  return fmt::format(
      "account {}, {} window {}", pot.account.value,
      std::array{"daily", "weekly", "monthly", "total"}[static_cast<std::size_t>(pot.window.period)],
      pot.window.number);
}

using Pots = std::map<PotId, PotChange>;
constexpr std::string_view kByDay =
    " GROUP BY key_account, project, organisation, began / 86400000000000, places";  // a day in nanoseconds

// Adds what each day's rows come to, to the pots that they are charged to. `amounts` are settled, pending and
// overshoot.
Result<void> add_days(sql::Database& database, std::string_view amounts, std::string_view from, Pots& pots) {
  const std::string sql =
      fmt::format("SELECT key_account, project, organisation, began / 86400000000000, places, {} FROM {}{}",
                  amounts, from, kByDay);
  return database.query(sql, {}, [&](const sql::Row& row) {
    const spend::Path payer{.key = row.account(0), .project = row.account(1), .organisation = row.account(2)};
    std::int64_t place = 1;
    for (const PotId& pot : pots_of(payer, static_cast<std::int32_t>(row.integer(3)))) {
      PotChange& sums = pots[pot];
      sums.settled.value += row.integer(5);
      sums.pending.value += row.integer(6);
      if ((row.integer(4) & place) != 0) sums.overshoot.value += row.integer(7);
      place <<= 1;
    }
  });
}

Result<void> check_pots(sql::Database& database, std::vector<std::string>& wrong) {
  Pots booked;
  auto costs = add_days(database, "SUM(cost), 0, SUM(overshoot)", "costs", booked);
  if (!costs) return costs;
  auto pending = add_days(database, "0, SUM(estimate), 0", "attempts WHERE ended IS NOT NULL", booked);
  if (!pending) return pending;
  Lines lines;
  const auto compare = [&](PotId pot, const char* what, PicoUsd kept, PicoUsd summed) {
    if (kept != summed)
      lines.add(fmt::format("{}: {} is {}, its attempts come to {}", name_of(pot), what, to_decimal(kept),
                            to_decimal(summed)));
  };
  auto read = database.query(
      "SELECT account, period, number, settled, pending, overshoot FROM spend", {}, [&](const sql::Row& row) {
        const PotId pot{
            row.account(0),
            {static_cast<spend::Period>(row.integer(1)), static_cast<std::int32_t>(row.integer(2))}};
        const PotChange sums = booked[pot];
        compare(pot, "settled", row.money(3), sums.settled);
        compare(pot, "pending", row.money(4), sums.pending);
        compare(pot, "overshoot", row.money(5), sums.overshoot);
        booked.erase(pot);
      });
  if (!read) return read;
  for (const auto& [pot, sums] : booked) lines.add(name_of(pot) + ": its attempts are not in spend");
  lines.move_to(wrong);
  return {};
}

Result<void> check_usage(sql::Database& database, std::vector<std::string>& wrong) {
  using Key = std::tuple<std::int64_t, std::int64_t, std::string>;  // key, day, model
  std::map<Key, std::array<std::int64_t, 3>> sums;                  // what is booked, less what usage says
  const auto add = [&](std::string_view from, int sign) {
    const std::string sql = "SELECT key_account, " + std::string(from);
    return database.query(sql, {}, [&, sign](const sql::Row& row) {
      auto& sum = sums[{row.integer(0), row.integer(1), row.string(2)}];
      for (int i = 0; i < 3; ++i) sum[static_cast<std::size_t>(i)] += sign * row.integer(3 + i);
    });
  };
  for (const auto& [from, sign] :
       {std::pair{"day, model, attempts, cost, pending FROM usage", -1},
        {"began / 86400000000000, model, COUNT(*), SUM(cost), 0 FROM costs "
         "GROUP BY key_account, began / 86400000000000, model",
         1},
        {"began / 86400000000000, model, COUNT(*), 0, SUM(estimate) FROM attempts WHERE ended IS NOT NULL "
         "GROUP BY key_account, began / 86400000000000, model",
         1}})
    if (auto added = add(from, sign); !added) return added;
  Lines lines;
  for (const auto& [key, sum] : sums)
    if (sum != std::array<std::int64_t, 3>{})
      lines.add(
          fmt::format("usage of key {} on day {} with model {} differs from its attempts by {} attempts, {} "
                      "cost, {} pending",
                      std::get<0>(key), std::get<1>(key), std::get<2>(key), sum[0], to_decimal({sum[1]}),
                      to_decimal({sum[2]})));
  lines.move_to(wrong);
  return {};
}

// One line when a statement that counts what must not be finds some.
Result<void> check_none(sql::Database& database, std::string_view count, std::string_view what,
                        std::vector<std::string>& wrong) {
  const auto found = number_of(database, count, {});
  if (!found) return std::unexpected(found.error());
  if (*found > 0) wrong.push_back(fmt::format("{} {}", *found, what));
  return {};
}

Result<void> check_counts(sql::Database& database, std::vector<std::string>& wrong) {
  static constexpr std::pair<std::string_view, std::string_view> kNone[] = {
      {"SELECT COUNT(*) FROM leases WHERE granted < 0", "leases are negative"},
      {"SELECT COUNT(*) FROM leases l JOIN holders h ON h.holder = l.holder WHERE h.ended IS NOT NULL",
       "leases are those of holders that ended"},
      {"SELECT COUNT(*) FROM attempts a JOIN holders h ON h.holder = a.holder "
       "WHERE a.ended IS NULL AND h.ended IS NOT NULL",
       "attempts are open although their holder ended; end it again"},
      {"SELECT COUNT(*) FROM spend WHERE account NOT IN (SELECT account FROM accounts)",
       "sums of spend are those of accounts that never were"},
      {"SELECT number FROM meta WHERE name = 'strays'",
       "journal entries spoke of attempts that nobody knew, and were passed over"},
      {"SELECT number FROM meta WHERE name = 'gaps'", "times entries were missing between two of a journal"},
  };
  for (const auto& [count, what] : kNone)
    if (auto checked = check_none(database, count, what, wrong); !checked) return checked;
  return {};
}

// It may be looked at beside a program of another release.
Result<void> same_schema(sql::Database& database) {
  const auto schema = meta(database, "schema");
  if (!schema) return std::unexpected(schema.error());
  const std::int64_t known = migrations().back().schema;
  if (*schema == known) return {};
  return fail(
      Fault::bad_input,
      fmt::format("the ledger has schema {}, and this program knows {}: check it with the program that "
                  "serves, or start this one once, which brings an older ledger forward",
                  *schema, known));
}

}  // namespace

Result<void> SqlLedger::backup(const std::string& path) { return database_->backup(path); }

Result<std::vector<std::string>> SqlLedger::check() {
  if (auto same = reading([&] { return same_schema(*database_); }); !same)
    return std::unexpected(same.error());
  const auto at = now();
  if (!at) return std::unexpected(at.error());
  auto wrong = database_->integrity();
  if (!wrong || !wrong->empty()) return wrong;
  if (seen_ && *at - time_.wall() > std::chrono::days{1})
    wrong->push_back(
        fmt::format("the clock shows a time {} days before one that was seen; until it gets there, the "
                    "ledger's time stands still",
                    std::chrono::duration_cast<std::chrono::days>(*at - time_.wall()).count()));
  auto checked = reading([&]() -> Result<void> {
    if (auto pots = check_pots(*database_, *wrong); !pots) return pots;
    if (auto usage = check_usage(*database_, *wrong); !usage) return usage;
    return check_counts(*database_, *wrong);
  });
  if (!checked) return std::unexpected(checked.error());
  return wrong;
}

}  // namespace gantry::ledger
