#pragma once
// PostgreSQL as a driver of the ledger, by one connection that is made again when it was lost. Internal to
// src/ledger.
//
// A transaction that writes reads committed rows and locks those that it decides by; one that reads sees one
// moment. When the connection is lost before a commit, nothing was kept, and the transaction may be done
// again. When the answer to a commit is lost, the server is asked what became of that very transaction.

#include <memory>
#include <string>

#include "base/result.hpp"
#include "ledger/sql.hpp"

namespace gantry::ledger::postgres {

/// Whether it names a PostgreSQL: "postgres://…" or "postgresql://…".
bool is_address(std::string_view where);

/// Connects. Errors: bad_input for an address that cannot be or an old server, refused when it cannot be
/// reached or lets us not in.
Result<std::unique_ptr<sql::Database>> open(const std::string& url);

}  // namespace gantry::ledger::postgres
