// Attempts without a settled cost, out of their rows and into a batch.
#include <algorithm>
#include <array>

#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {
namespace {

// How many attempts one statement asks for; the last one asks for some of them again, so that there is one
// statement only.
constexpr std::size_t kAtOnce = 64;

constexpr std::string_view kSelect =
    "SELECT attempt, holder, call_id, key_account, project, organisation, began, hold, estimate, model, "
    "route, "
    "upstream, upstream_key, generation, ended, waste, delivered, outcome, places FROM attempts ";

OpenAttempt read_attempt(const sql::Row& row, Texts& texts) {
  return {.attempt = {static_cast<std::uint64_t>(row.integer(0))},
          .holder = {row.integer(1)},
          .call = static_cast<std::uint64_t>(row.integer(2)),
          .payer = {.key = row.account(3), .project = row.account(4), .organisation = row.account(5)},
          .began = row.time(6),
          .hold = row.money(7),
          .estimate = row.money(8),
          .places = static_cast<std::uint16_t>(row.integer(18)),
          .model = texts.keep(row.text(9)),
          .route = texts.keep(row.text(10)),
          .upstream = texts.keep(row.text(11)),
          .upstream_key = texts.keep(row.text(12)),
          .generation = texts.keep(row.text(13)),
          .ended = row.some_time(14),
          .waste = static_cast<spend::Waste>(row.integer(15)),
          .delivered = row.truth(16),
          .outcome = texts.keep(row.text(17))};
}

const std::string& where_any_of() {
  static const std::string text = [] {
    std::string in = "WHERE attempt IN (";
    for (std::size_t i = 1; i <= kAtOnce; ++i) in += (i > 1 ? ", $" : "$") + std::to_string(i);
    return in + ") ORDER BY attempt FOR UPDATE";
  }();
  return text;
}

}  // namespace

Result<std::vector<OpenAttempt>> load_attempts(sql::Database& database, std::string_view where,
                                               sql::Values values, Texts& texts) {
  std::vector<OpenAttempt> found;
  auto read = database.query(std::string(kSelect).append(where), values,
                             [&](const sql::Row& row) { found.push_back(read_attempt(row, texts)); });
  if (!read) return std::unexpected(read.error());
  return found;
}

Result<void> know_attempts(sql::Database& database, std::span<const std::uint64_t> attempts, Batch& batch) {
  while (!attempts.empty()) {
    std::array<sql::Value, kAtOnce> asked;
    for (std::size_t i = 0; i < kAtOnce; ++i) asked[i] = attempts[std::min(i, attempts.size() - 1)];
    auto found = load_attempts(database, where_any_of(), asked, batch.texts());
    if (!found) return std::unexpected(found.error());
    for (const OpenAttempt& attempt : *found) batch.know(attempt);
    attempts = attempts.subspan(std::min(kAtOnce, attempts.size()));
  }
  return {};
}

Pending as_pending(const OpenAttempt& attempt) {
  return {.attempt = attempt.attempt,
          .holder = attempt.holder,
          .payer = attempt.payer,
          .began = attempt.began,
          .ended = attempt.ended.value_or(attempt.began),
          .estimate = attempt.estimate,
          .generation = std::string(attempt.generation),
          .model = std::string(attempt.model),
          .upstream = std::string(attempt.upstream),
          .upstream_key = std::string(attempt.upstream_key)};
}

}  // namespace gantry::ledger
