#pragma once
// Owners of SQLite's objects, and its errors in our words. Internal to src/ledger/sqlite.

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace gantry::ledger::sqlite {

struct Close {
  void operator()(sqlite3* connection) const;
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const;
};
using Connection = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

/// What went wrong last on this connection, which is on the file at `path`, and what to do.
Failure failure_of(sqlite3* connection, const std::string& path);

/// Opens a file that exists, or ":memory:". Errors: bad_input when another program made it.
Result<Connection> connect(const std::string& path, int flags);
Result<void> execute(sqlite3* connection, const std::string& path, const char* statements);
/// The first column of each row, as text.
Result<std::vector<std::string>> column(sqlite3* connection, const std::string& path, const char* statement);
/// Copies all pages into a new file of mode 0600, which lies there whole or not at all.
Result<void> copy_into(sqlite3* from, const std::string& to);

}  // namespace gantry::ledger::sqlite
