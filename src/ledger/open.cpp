#include "ledger/ledger.hpp"
#include "ledger/migrations.hpp"
#include "ledger/sql_ledger.hpp"
#include "ledger/sqlite/database.hpp"

namespace gantry::ledger {

Result<std::unique_ptr<Ledger>> open(const std::string& where, const TimeSource& time) {
  if (where.empty())
    return fail(Fault::bad_input,
                "the ledger needs a place: a file, \":memory:\", or postgres://HOST/DATABASE");
  auto database = sqlite::open(where);
  if (!database) return std::unexpected(database.error());
  if (auto migrated = migrate(**database, migrations()); !migrated) return std::unexpected(migrated.error());
  return std::make_unique<SqlLedger>(*std::move(database), time);
}

}  // namespace gantry::ledger
