// Attempts whose cost nobody knows yet, and what they turn out to cost.
#include <algorithm>
#include <limits>

#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {

Result<std::vector<Pending>> SqlLedger::pending(std::size_t most) {
  return reading([&]() -> Result<std::vector<Pending>> {
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    const sql::Value bound[] = {std::min(most, kMost)};
    Texts texts;
    const auto found =
        load_attempts(*database_, "WHERE ended IS NOT NULL ORDER BY ended, attempt LIMIT $1", bound, texts);
    if (!found) return std::unexpected(found.error());
    std::vector<Pending> pending;
    pending.reserve(found->size());
    std::ranges::transform(*found, std::back_inserter(pending), as_pending);
    return pending;
  });
}

Result<std::optional<Pending>> SqlLedger::resolve(HolderId by, const Resolution& resolution) {
  return writing([&]() -> Result<std::optional<Pending>> {
    if (by.value != 0)
      if (auto row = lock_holder(*database_, by); !row) return std::unexpected(row.error());
    Batch batch;
    const std::uint64_t id[] = {resolution.attempt.value};
    if (auto known = know_attempts(*database_, id, batch); !known) return std::unexpected(known.error());
    const OpenAttempt* was = batch.resolve(by, resolution);
    if (!was) return std::nullopt;
    if (auto written = write(batch); !written) return std::unexpected(written.error());
    return as_pending(*was);
  });
}

}  // namespace gantry::ledger
