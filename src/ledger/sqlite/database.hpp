#pragma once
// SQLite as a driver of the ledger: one file, WAL, every commit on the disk before it returns. Internal to
// src/ledger.

#include <chrono>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "ledger/sql.hpp"

namespace gantry::ledger::sqlite {

/// "Gtry": a file with another number belongs to another program.
inline constexpr int kApplicationId = 0x47747279;
inline constexpr std::chrono::milliseconds kPatience{5000};

/// A file, made with mode 0600 when it is missing, or ":memory:". Errors: bad_input when the file is not a
/// ledger, system when it cannot be opened, is read-only or damaged; each with what to do.
/// Another program that writes is waited for, for `patience`.
Result<std::unique_ptr<sql::Database>> open(const std::string& path,
                                            std::chrono::milliseconds patience = kPatience);

/// To be read beside whoever has it; nothing of it is changed. Errors: not_found when there is none.
Result<std::unique_ptr<sql::Database>> open_beside(const std::string& path);

/// A consistent copy of the ledger at `from`, which may be in use, as a new file that lies closed. Errors:
/// bad_input when `to` exists or `from` is not a ledger.
Result<void> copy(const std::string& from, const std::string& to);

}  // namespace gantry::ledger::sqlite
