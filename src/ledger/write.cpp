// A batch into its rows, in the order in which rows are locked.
#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "ledger/cost_page.hpp"
#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {
namespace {

Result<void> write_pots(sql::Database& database, const PotChanges& changes) {
  std::vector<sql::Value> spend, leases;
  for (const auto& [pot, change] : changes.pots)
    spend.insert(spend.end(), {pot.account, pot.window.period, pot.window.number, change.settled,
                               change.pending, change.overshoot});
  for (const auto& [lease, spent] : changes.leases) {
    const auto& [pot, holder] = lease;
    leases.insert(leases.end(), {pot.account, pot.window.period, pot.window.number, holder.value, spent});
  }
  auto written = database.run_each(
      "INSERT INTO spend (account, period, number, settled, pending, overshoot) VALUES ($1, $2, $3, $4, $5, "
      "$6) "
      "ON CONFLICT (account, period, number) DO UPDATE SET settled = spend.settled + excluded.settled, "
      "pending = spend.pending + excluded.pending, overshoot = spend.overshoot + excluded.overshoot",
      6, spend);
  if (!written) return written;
  return database.run_each(
      "UPDATE leases SET spent = spent + $5 "
      "WHERE account = $1 AND period = $2 AND number = $3 AND holder = $4",
      5, leases);
}

Result<void> write_usage(sql::Database& database, const std::map<TallyKey, Tally>& tallies) {
  std::vector<sql::Value> rows;
  for (const auto& [key, sums] : tallies) {
    rows.insert(rows.end(), {key.purse.payer.key, key.purse.payer.project, key.purse.day, key.model,
                             sums.calls, sums.attempts, sums.prompt_tokens, sums.completion_tokens, sums.cost,
                             sums.upstream_cost, sums.computed, sums.assumed});
    rows.insert(rows.end(), sums.waste.begin(), sums.waste.end());
    rows.insert(rows.end(), {sums.overshoot, sums.pending});
  }
  return database.run_each(
      "INSERT INTO usage (key_account, project, day, model, calls, attempts, prompt_tokens, "
      "completion_tokens, cost, "
      "upstream_cost, computed, assumed, bought, retries, lost_primaries, abandoned, probes, overshoot, "
      "pending) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) "
      "ON CONFLICT (key_account, project, day, model) DO UPDATE SET calls = usage.calls + excluded.calls, "
      "attempts = usage.attempts + excluded.attempts, prompt_tokens = usage.prompt_tokens + "
      "excluded.prompt_tokens, "
      "completion_tokens = usage.completion_tokens + excluded.completion_tokens, cost = usage.cost + "
      "excluded.cost, "
      "upstream_cost = usage.upstream_cost + excluded.upstream_cost, computed = usage.computed + "
      "excluded.computed, "
      "assumed = usage.assumed + excluded.assumed, bought = usage.bought + excluded.bought, "
      "retries = usage.retries + excluded.retries, lost_primaries = usage.lost_primaries + "
      "excluded.lost_primaries, "
      "abandoned = usage.abandoned + excluded.abandoned, probes = usage.probes + excluded.probes, "
      "overshoot = usage.overshoot + excluded.overshoot, pending = usage.pending + excluded.pending",
      19, rows);
}

Result<void> write_open(sql::Database& database, const std::deque<Batch::Kept>& attempts) {
  std::vector<sql::Value> rows, gone;
  for (const auto& kept : attempts) {
    const OpenAttempt& open = kept.open;
    if (kept.settled && kept.known) gone.emplace_back(open.attempt.value);
    if (kept.settled || (kept.known && !kept.changed)) continue;
    rows.insert(rows.end(),
                {open.attempt.value, open.holder.value, open.call, open.payer.key, open.payer.project,
                 open.payer.organisation, open.began, open.hold, open.estimate, open.model, open.route,
                 open.upstream, open.upstream_key, open.generation, open.ended, open.waste, open.delivered,
                 open.outcome, open.places});
  }
  auto written = database.run_each(
      "INSERT INTO attempts (attempt, holder, call_id, key_account, project, organisation, began, hold, "
      "estimate, "
      "model, route, upstream, upstream_key, generation, ended, waste, delivered, outcome, places) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) "
      "ON CONFLICT (attempt) DO UPDATE SET estimate = excluded.estimate, generation = excluded.generation, "
      "ended = excluded.ended, waste = excluded.waste, delivered = excluded.delivered, outcome = "
      "excluded.outcome",
      19, rows);
  if (!written) return written;
  return database.run_each("DELETE FROM attempts WHERE attempt = $1", 1, gone);
}

Cost cost_of(const Batch::Settled& settled) {
  const OpenAttempt& open = settled.attempt->open;
  const AttemptSettled& end = settled.end;
  return {.attempt = open.attempt,
          .call = open.call,
          .holder = open.holder,
          .payer = open.payer,
          .began = open.began,
          .ended = end.at,
          .hold = open.hold,
          .cost = end.cost,
          .upstream_cost = end.upstream_cost,
          .places = open.places,
          .source = end.source,
          .waste = end.waste,
          .delivered = end.delivered,
          .prompt_tokens = end.prompt_tokens,
          .completion_tokens = end.completion_tokens,
          .model = open.model,
          .served_model = end.served_model,
          .provider = end.provider,
          .route = open.route,
          .upstream = open.upstream,
          .upstream_key = open.upstream_key,
          .generation = open.generation,
          .outcome = end.outcome};
}

// What the rows of settled attempts are made of.
class CostRows {
 public:
  void add(const Cost& cost) {
    page_.add(cost);
    last_ended_ = std::max(last_ended_, cost.ended);
    if (page_.bytes() >= kPageBytes) end_page();
    if (!last_spend_ || last_spend_->first != cost.upstream_key)
      last_spend_ = &*spend_.try_emplace(cost.upstream_key).first;
    last_spend_->second = add_up(last_spend_->second, cost.cost);
    // Calls without a client key may ask for any generation.
    if (!cost.generation.empty() && cost.payer.key != kKeyless)
      generations_.insert(generations_.end(), {cost.generation, cost.payer.key});
  }

  Result<void> write(sql::Database& database) {
    if (page_.costs() > 0) end_page();
    std::vector<sql::Value> pages, spend;
    for (const auto& page : pages_)
      pages.insert(pages.end(), {page.last_ended, page.costs, sql::Bytes{page.body}});
    for (const auto& [key, cost] : spend_) spend.insert(spend.end(), {key, cost});
    auto written =
        database.run_each("INSERT INTO cost_pages (last_ended, costs, body) VALUES ($1, $2, $3)", 3, pages);
    if (!written) return written;
    written = database.run_each(
        "INSERT INTO upstream_spend (upstream_key, cost) VALUES ($1, $2) "
        "ON CONFLICT (upstream_key) DO UPDATE SET cost = upstream_spend.cost + excluded.cost",
        2, spend);
    if (!written) return written;
    return database.run_each(
        "INSERT INTO generations (generation, key_account) VALUES ($1, $2) ON CONFLICT (generation) DO "
        "NOTHING",
        2, generations_);
  }

 private:
  // SQLite keeps a row this long on pages of its own; longer ones only cost memory.
  static constexpr std::size_t kPageBytes = std::size_t{64} << 10;
  struct Page {
    WallTime last_ended;
    std::size_t costs;
    std::string body;
  };

  static PicoUsd add_up(PicoUsd a, PicoUsd b) {
    return gantry::add(a, b).value_or(PicoUsd{std::numeric_limits<std::int64_t>::max()});
  }
  void end_page() {
    const std::size_t costs = page_.costs();
    pages_.push_back({std::exchange(last_ended_, WallTime::min()), costs, page_.finish()});
  }

  CostPage page_;
  WallTime last_ended_ = WallTime::min();
  std::vector<Page> pages_;
  std::map<std::string_view, PicoUsd> spend_;
  std::pair<const std::string_view, PicoUsd>* last_spend_ = nullptr;  // neighbours mostly share one
  std::vector<sql::Value> generations_;
};

Result<void> write_costs(sql::Database& database, const std::vector<Batch::Settled>& settled) {
  CostRows rows;
  for (const auto& each : settled) rows.add(cost_of(each));
  return rows.write(database);
}

}  // namespace

// Whoever is charged twice over, because the transaction is done again, is told once.
Result<void> SqlLedger::write(const Batch& batch) {
  for (const auto& [key, sums] : batch.tallies()) {
    const auto& payer = key.purse.payer;
    charged_.insert({payer.key, payer.project, payer.organisation});
  }
  if (auto written = write_pots(*database_, batch.pots()); !written) return written;
  if (auto written = write_usage(*database_, batch.tallies()); !written) return written;
  if (auto written = write_open(*database_, batch.attempts()); !written) return written;
  if (auto written = write_costs(*database_, batch.settled()); !written) return written;
  if (auto written = write_hours(*database_, batch.settled()); !written) return written;
  return batch.strays() == 0 ? Result<void>{} : add_to_meta(*database_, "strays", batch.strays());
}

std::vector<AccountId> SqlLedger::charged() {
  const auto charged = std::exchange(charged_, {});
  return {charged.begin(), charged.end()};
}

}  // namespace gantry::ledger
