// What journals tell, applied exactly once: the position stands in the same transaction.
#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>

#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {
namespace {

Result<std::uint64_t> position_of(sql::Database& database, HolderId holder, std::uint32_t shard) {
  const auto at = number_of(database, "SELECT sequence FROM positions WHERE holder = $1 AND shard = $2",
                            {holder.value, shard});
  if (!at) return std::unexpected(at.error());
  return static_cast<std::uint64_t>(*at);
}

Result<void> store_position(sql::Database& database, HolderId holder, std::uint32_t shard,
                            std::uint64_t sequence) {
  return done(
      database.run("INSERT INTO positions (holder, shard, sequence) VALUES ($1, $2, $3) "
                   "ON CONFLICT (holder, shard) DO UPDATE SET sequence = excluded.sequence",
                   {holder.value, shard, sequence}));
}

// The attempts that entries speak of without having begun them, each once.
std::vector<std::uint64_t> earlier_attempts(std::span<const Entry> entries) {
  boost::unordered_flat_set<std::uint64_t> begun;
  begun.reserve(entries.size() / 2);
  std::vector<std::uint64_t> attempts;
  for (const Entry& entry : entries) {
    const std::uint64_t id = std::visit([](const auto& told) { return told.attempt.value; }, entry);
    if (std::holds_alternative<AttemptBegun>(entry))
      begun.insert(id);
    else if (!begun.contains(id))
      attempts.push_back(id);
  }
  std::ranges::sort(attempts);
  const auto again = std::ranges::unique(attempts);
  attempts.erase(again.begin(), again.end());
  return attempts;
}

}  // namespace

Result<void> SqlLedger::apply_new(HolderId holder, std::span<const Entry> entries) {
  Batch batch;
  if (auto known = know_attempts(*database_, earlier_attempts(entries), batch); !known) return known;
  for (const Entry& entry : entries) batch.apply(holder, entry);
  return write(batch);
}

Result<void> SqlLedger::apply(HolderId holder, std::uint32_t shard, std::uint64_t first_sequence,
                              std::span<const Entry> entries) {
  if (entries.empty()) return {};
  return writing([&]() -> Result<void> {
    if (auto row = lock_holder(*database_, holder); !row) return std::unexpected(row.error());
    const auto position = position_of(*database_, holder, shard);
    if (!position) return std::unexpected(position.error());
    const std::uint64_t last = first_sequence + entries.size() - 1;
    if (last <= *position) return {};
    if (*position > 0 && first_sequence > *position + 1)
      if (auto counted = add_to_meta(*database_, "gaps", 1); !counted) return counted;
    const std::size_t seen = *position < first_sequence ? 0 : *position - first_sequence + 1;
    if (auto applied = apply_new(holder, entries.subspan(seen)); !applied) return applied;
    return store_position(*database_, holder, shard, last);
  });
}

Result<std::vector<JournalPosition>> SqlLedger::positions(HolderId holder) {
  return reading([&]() -> Result<std::vector<JournalPosition>> {
    std::vector<JournalPosition> found;
    auto read = database_->query("SELECT shard, sequence FROM positions WHERE holder = $1 ORDER BY shard",
                                 {holder.value}, [&](const sql::Row& row) {
                                   found.push_back({.shard = static_cast<std::uint32_t>(row.integer(0)),
                                                    .sequence = static_cast<std::uint64_t>(row.integer(1))});
                                 });
    if (!read) return std::unexpected(read.error());
    return found;
  });
}

}  // namespace gantry::ledger
