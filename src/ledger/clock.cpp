// The ledger's own clock. PostgreSQL has one; a file has the machine's, which may step back, so that the
// latest moment seen is kept.
#include <algorithm>
#include <chrono>

#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {

SqlLedger::SqlLedger(std::unique_ptr<sql::Database> database, const TimeSource& time, sql::Access access)
    : database_(std::move(database)), time_(time), access_(access) {}

Result<WallTime> SqlLedger::now() {
  // How much of what was seen may be forgotten by a crash: windows and expiry do not mind a second.
  constexpr std::chrono::seconds kForgotten{1};
  const auto server = database_->clock();
  if (!server) return std::unexpected(server.error());
  if (*server) return **server;

  if (!seen_) {
    const auto stored = reading([&] { return meta(*database_, "clock"); });
    if (!stored) return std::unexpected(stored.error());
    stored_ = WallTime{Duration{*stored}};
    seen_ = stored_;
  }
  seen_ = std::max(*seen_, time_.wall());
  if (access_ == sql::Access::read || *seen_ - stored_ < kForgotten) return *seen_;
  const auto kept = writing([&] {
    return database_->run("UPDATE meta SET number = $1 WHERE name = 'clock' AND number < $1", {*seen_});
  });
  if (!kept) return std::unexpected(kept.error());
  stored_ = *seen_;
  return *seen_;
}

}  // namespace gantry::ledger
