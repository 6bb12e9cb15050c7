// A batch into its rows, in the order in which rows are locked.
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

Result<void> write_costs(sql::Database& database, const std::vector<Batch::Settled>& settled) {
  std::vector<sql::Value> rows;
  rows.reserve(settled.size() * 26);
  for (const auto& [attempt, end] : settled) {
    const OpenAttempt& open = attempt->open;
    rows.insert(rows.end(), {open.attempt.value,
                             open.holder.value,
                             open.call,
                             open.payer.key,
                             open.payer.project,
                             open.payer.organisation,
                             open.began,
                             end.at,
                             open.hold,
                             end.cost,
                             end.upstream_cost,
                             overshoot_of(open, end.cost),
                             end.source,
                             end.waste,
                             end.delivered,
                             end.prompt_tokens,
                             end.completion_tokens,
                             open.model,
                             end.served_model,
                             end.provider,
                             open.route,
                             open.upstream,
                             open.upstream_key,
                             open.generation,
                             end.outcome,
                             open.places});
  }
  return database.run_each(
      "INSERT INTO costs (attempt, holder, call_id, key_account, project, organisation, began, ended, hold, "
      "cost, "
      "upstream_cost, overshoot, source, waste, delivered, prompt_tokens, completion_tokens, model, "
      "served_model, "
      "provider, route, upstream, upstream_key, generation, outcome, places) VALUES ($1, $2, $3, $4, $5, $6, "
      "$7, $8, $9, "
      "$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)",
      26, rows);
}

}  // namespace

Result<void> write(sql::Database& database, const Batch& batch) {
  if (auto written = write_pots(database, batch.pots()); !written) return written;
  if (auto written = write_usage(database, batch.tallies()); !written) return written;
  if (auto written = write_open(database, batch.attempts()); !written) return written;
  if (auto written = write_costs(database, batch.settled()); !written) return written;
  if (auto written = write_hours(database, batch.settled()); !written) return written;
  return batch.strays() == 0 ? Result<void>{} : add_to_meta(database, "strays", batch.strays());
}

}  // namespace gantry::ledger
