// Sums that must agree: what is kept for speed (spend, usage) with what it was added up from (pages of costs,
// attempts).
#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <map>
#include <tuple>

#include "ledger/cost_page.hpp"
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

// What attempts come to, added up as spend and usage have it.
struct Booked {
  using UsageKey = std::tuple<std::int64_t, std::int64_t, std::string>;  // key, day, model
  std::map<Purse, PotChange> days;                                       // without holders
  std::map<UsageKey, std::array<std::int64_t, 3>> usage;                 // attempts, cost, pending
};

constexpr std::string_view kDay = "began / 86400000000000";  // in nanoseconds

Result<void> add_rows(sql::Database& database, std::string_view amounts, std::string_view from,
                      Booked& booked) {
  const std::string sql = fmt::format(
      "SELECT key_account, project, organisation, {0}, places, {1} FROM {2} "
      "GROUP BY key_account, project, organisation, {0}, places",
      kDay, amounts, from);
  return database.query(sql, {}, [&](const sql::Row& row) {
    PotChange& sums = booked.days[{{row.account(0), row.account(1), row.account(2)},
                                   static_cast<std::int32_t>(row.integer(3)),
                                   static_cast<std::uint16_t>(row.integer(4)),
                                   {}}];
    sums.settled.value += row.integer(5), sums.pending.value += row.integer(6);
    sums.overshoot.value += row.integer(7);
  });
}

Result<void> add_usage(sql::Database& database, std::string_view amounts, std::string_view from,
                       Booked& booked) {
  const std::string sql =
      fmt::format("SELECT key_account, {0}, model, COUNT(*), {1} FROM {2} GROUP BY key_account, {0}, model",
                  kDay, amounts, from);
  return database.query(sql, {}, [&](const sql::Row& row) {
    auto& sums = booked.usage[{row.integer(0), row.integer(1), row.string(2)}];
    for (int i = 0; i < 3; ++i) sums[static_cast<std::size_t>(i)] += row.integer(3 + i);
  });
}

void add_cost(const Cost& cost, Booked& booked) {
  const auto day = spend::window_of(spend::Period::daily, cost.began).number;
  PotChange& sums = booked.days[{cost.payer, day, cost.places, {}}];
  sums.settled.value += cost.cost.value;
  sums.overshoot.value += overshoot_of(cost.places, cost.hold, cost.cost).value;
  auto& usage = booked.usage[{cost.payer.key.value, day, std::string(cost.model)}];
  ++usage[0], usage[1] += cost.cost.value;
}

void add_page(const sql::Row& row, Booked& booked, Lines& lines) {
  std::int64_t costs = 0;
  const auto page = read_cost_page(row.bytes(1), [&](const Cost& cost) { ++costs, add_cost(cost, booked); });
  if (!page || costs != row.integer(0))
    lines.add(fmt::format("of a page of {} costs only {} can be read: it is damaged; restore a backup",
                          row.integer(0), costs));
}

// Some at a time: an answer of PostgreSQL is in memory as a whole. Pages of one moment come together.
Result<void> add_pages(sql::Database& database, Booked& booked, std::vector<std::string>& wrong) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  Lines lines;
  for (std::int64_t from = std::numeric_limits<std::int64_t>::min();;) {
    std::int64_t last = kEnd;
    auto read = database.query(
        "SELECT last_ended FROM cost_pages WHERE last_ended >= $1 ORDER BY last_ended LIMIT 1 OFFSET 63",
        {from}, [&](const sql::Row& row) { last = row.integer(0); });
    if (!read) return read;
    read = database.query("SELECT costs, body FROM cost_pages WHERE last_ended >= $1 AND last_ended <= $2",
                          {from, last}, [&](const sql::Row& row) { add_page(row, booked, lines); });
    if (!read) return read;
    if (last == kEnd) break;
    from = last + 1;
  }
  lines.move_to(wrong);
  return {};
}

Result<Booked> add_all(sql::Database& database, std::vector<std::string>& wrong) {
  constexpr std::string_view kPending = "attempts WHERE ended IS NOT NULL";
  Booked booked;
  // `costs` is what programs wrote that knew no pages.
  if (auto added = add_rows(database, "SUM(cost), 0, SUM(overshoot)", "costs", booked); !added)
    return std::unexpected(added.error());
  if (auto added = add_rows(database, "0, SUM(estimate), 0", kPending, booked); !added)
    return std::unexpected(added.error());
  if (auto added = add_usage(database, "SUM(cost), 0", "costs", booked); !added)
    return std::unexpected(added.error());
  if (auto added = add_usage(database, "0, SUM(estimate)", kPending, booked); !added)
    return std::unexpected(added.error());
  if (auto added = add_pages(database, booked, wrong); !added) return std::unexpected(added.error());
  return booked;
}

// What each day's attempts come to, in the pots that they are charged to.
std::map<PotId, PotChange> all_pots(const Booked& booked) {
  std::map<PotId, PotChange> pots;
  for (const auto& [purse, amounts] : booked.days) {
    std::uint32_t place = 1;
    for (const PotId& pot : pots_of(purse.payer, purse.day)) {
      PotChange& sums = pots[pot];
      sums.settled.value += amounts.settled.value, sums.pending.value += amounts.pending.value;
      if ((purse.places & place) != 0) sums.overshoot.value += amounts.overshoot.value;
      place <<= 1;
    }
  }
  return pots;
}

Result<void> check_pots(sql::Database& database, const Booked& all, std::vector<std::string>& wrong) {
  auto booked = all_pots(all);
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

Result<void> check_usage(sql::Database& database, Booked& booked, std::vector<std::string>& wrong) {
  auto read = database.query("SELECT key_account, day, model, attempts, cost, pending FROM usage", {},
                             [&](const sql::Row& row) {
                               auto& sums = booked.usage[{row.integer(0), row.integer(1), row.string(2)}];
                               for (int i = 0; i < 3; ++i)
                                 sums[static_cast<std::size_t>(i)] -= row.integer(3 + i);
                             });
  if (!read) return read;
  Lines lines;
  for (const auto& [key, sum] : booked.usage)
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
    auto booked = add_all(*database_, *wrong);
    if (!booked) return std::unexpected(booked.error());
    if (auto pots = check_pots(*database_, *booked, *wrong); !pots) return pots;
    if (auto usage = check_usage(*database_, *booked, *wrong); !usage) return usage;
    return check_counts(*database_, *wrong);
  });
  if (!checked) return std::unexpected(checked.error());
  return wrong;
}

}  // namespace gantry::ledger
