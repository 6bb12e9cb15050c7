#pragma once
// The tables, and how an older ledger becomes a newer one. Internal to src/ledger.
//
// Forward only, each step in a transaction of its own. A step expands: it adds what the new program needs and
// leaves what the previous release reads and writes, so that both run on it during an upgrade and after going
// back. A later step, in a later release, takes away what nobody uses any more, and only such a one raises
// the oldest program.

#include <cstdint>
#include <span>
#include <string>

#include "base/result.hpp"
#include "ledger/sql.hpp"

namespace gantry::ledger {

struct Migration {
  std::int64_t schema;          ///< the number that the ledger has after it
  std::int64_t oldest_program;  ///< programs that know only older schemas refuse it from then on
  std::string statements;
};

/// All of them, in order. A program is known by the newest schema that it knows.
std::span<const Migration> migrations();

/// Brings the database to the newest schema that `known` has. Errors: bad_input when it needs a newer
/// program.
Result<void> migrate(sql::Database& database, std::span<const Migration> known);

}  // namespace gantry::ledger
