#pragma once
// How PostgreSQL is reached, out of what the operator wrote. Internal to src/ledger/postgres.

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace gantry::ledger::postgres {

struct Where {
  std::vector<std::pair<std::string, std::string>>
      parameters;     ///< libpq's names and values, all that are set
  std::string shown;  ///< "PostgreSQL at db.example:5432/gantry"

  /// Text of libpq's without the password, should it be in there.
  [[nodiscard]] std::string without_password(std::string text) const;
};

/// Reads "postgres://user@host/database?…" with libpq's own options and its environment (PGPASSWORD,
/// PGPASSFILE, …). TLS with the host's name checked (sslmode=verify-full) is demanded of every host but
/// loopback and Unix sockets, against the system's authorities unless sslrootcert names others. Errors:
/// bad_input, which never repeats what was written.
Result<Where> read_where(const std::string& url);

}  // namespace gantry::ledger::postgres
