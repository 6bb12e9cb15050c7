#pragma once
// The ledger in portable SQL, for any sql::Database. Internal to src/ledger; its methods stand in the files
// that are named after their question.
//
// Rows are locked in one order, so that two processes never wait for each other in a ring: a holder's, the
// attempts', the pots' (spend) by their ids, their leases, then the rest. A pot's row guards the leases of
// the pot.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/batch.hpp"
#include "ledger/ledger.hpp"
#include "ledger/sql.hpp"

namespace gantry::ledger {

class SqlLedger final : public Ledger {
 public:
  /// The database was migrated, or is only read.
  SqlLedger(std::unique_ptr<sql::Database> database, const TimeSource& time,
            sql::Access access = sql::Access::write);

  // clock.cpp
  Result<WallTime> now() override;

  // directory.cpp
  Result<std::int64_t> revision() override;
  Result<Directory> directory() override;

  // accounts.cpp
  Result<AccountId> add_project(std::string_view name, const spend::Limits& limits) override;
  Result<AccountId> add_key(AccountId project, const ClientKey& key) override;
  Result<void> change(AccountId account, const AccountChange& change) override;
  Result<void> change_key(AccountId key, const KeyChange& change) override;
  Result<void> rotate(AccountId key, const KeySecret& secret, WallTime old_until) override;
  Result<void> remove(AccountId account) override;

  // holders.cpp
  Result<HolderId> begin_holder(std::string_view name, Duration lives) override;
  Result<void> heartbeat(HolderId holder, Duration lives) override;
  Result<void> end_holder(HolderId holder) override;
  Result<void> give_up(HolderId holder) override;
  Result<std::vector<HolderId>> left_behind(std::string_view name) override;
  Result<bool> began(HolderId holder, std::string_view name) override;
  Result<void> begin_again(HolderId holder, std::string_view name) override;
  Result<std::vector<Holder>> holders() override;

  // leases.cpp
  Result<std::vector<Lease>> lease(HolderId holder, std::span<const LeaseWish> wishes) override;
  Result<void> give_back(HolderId holder, std::span<const Return> returns) override;
  Result<std::vector<Recall>> recalls(HolderId holder) override;

  // attempts.cpp
  Result<void> apply(HolderId holder, std::uint32_t shard, std::uint64_t first_sequence,
                     std::span<const Entry> entries) override;
  Result<std::vector<JournalPosition>> positions(HolderId holder) override;

  // pending.cpp
  Result<std::vector<Pending>> pending(std::size_t most) override;
  Result<std::optional<Pending>> resolve(HolderId by, const Resolution& resolution) override;

  // write.cpp
  std::vector<AccountId> charged() override;

  // usage.cpp
  Result<std::array<Spent, spend::kPeriodCount>> spent(AccountId account) override;
  Result<std::vector<UsageRow>> usage(const UsageQuery& query) override;
  Result<std::optional<AccountId>> owner(std::string_view generation) override;

  // hours.cpp
  Result<std::vector<HourCost>> hour(WallTime at, PicoUsd least) override;
  Result<std::vector<PicoUsd>> hours_before(AccountId account, WallTime at) override;
  Result<void> forget_hours(WallTime at) override;

  // notes.cpp
  Result<bool> first_time(std::string_view event) override;
  Result<void> keep(std::string_view name, std::string_view document) override;
  Result<std::optional<std::string>> kept(std::string_view name) override;
  Result<bool> turns(std::string_view name, std::string_view document) override;
  Result<PicoUsd> booked(std::string_view upstream_key) override;

  // totals.cpp
  Result<std::optional<UpstreamTotal>> see_usage(const UsageTold& told) override;
  Result<std::vector<UpstreamTotal>> totals(std::string_view from_day, std::string_view to_day) override;

  // check.cpp
  Result<void> backup(const std::string& path) override;
  Result<std::vector<std::string>> check() override;

 private:
  template <class Work>
  auto reading(Work&& work) {
    return sql::transact(*database_, sql::Access::read, std::forward<Work>(work));
  }
  template <class Work>
  auto writing(Work&& work) {
    return sql::transact(*database_, sql::Access::write, std::forward<Work>(work));
  }

  /// Writes all that a batch comes to, within a transaction.
  Result<void> write(const Batch& batch);
  Result<void> end(HolderId holder, WallTime at);
  Result<void> apply_new(HolderId holder, std::span<const Entry> entries);

  std::unique_ptr<sql::Database> database_;
  const TimeSource& time_;
  const sql::Access access_;
  std::set<AccountId> charged_;
  std::optional<WallTime>
      seen_{};         // the latest moment that the clock showed; only where the store has no clock
  WallTime stored_{};  // of it what the store knows
};

// ---- parts of methods, each within a transaction

/// One number of `meta`.
Result<std::int64_t> meta(sql::Database& database, std::string_view name);
/// The number after it, which is its own from now on.
Result<std::int64_t> next_number(sql::Database& database, std::string_view name);
Result<void> add_to_meta(sql::Database& database, std::string_view name, std::int64_t by);

/// A result without its number.
inline Result<void> done(const Result<std::int64_t>& run) {
  if (!run) return std::unexpected(run.error());
  return {};
}
/// One amount, or zero when there is no row.
Result<std::int64_t> number_of(sql::Database& database, std::string_view sql,
                               std::initializer_list<sql::Value> values);

struct HolderRow {
  WallTime lives_until{};
  bool ended = false;
};
/// The holder's row, locked where the transaction writes. Errors: not_found.
Result<HolderRow> lock_holder(sql::Database& database, HolderId holder);

/// Attempts that are open or pending, by the end of a SELECT (open_attempts.cpp). With their locks. Their
/// texts live in `texts`.
Result<std::vector<OpenAttempt>> load_attempts(sql::Database& database, std::string_view where,
                                               sql::Values values, Texts& texts);
/// Those of these attempts that are open or pending.
Result<void> know_attempts(sql::Database& database, std::span<const std::uint64_t> attempts, Batch& batch);
/// All that was ever settled on the key.
Result<std::int64_t> booked_on(sql::Database& database, std::string_view upstream_key);
/// Adds what a batch settled to the hours of its accounts (hours.cpp).
Result<void> write_hours(sql::Database& database, const std::vector<Batch::Settled>& settled);
Pending as_pending(const OpenAttempt& attempt);

}  // namespace gantry::ledger
