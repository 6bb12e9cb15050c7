#include "ledger/ledger.hpp"
#include "ledger/migrations.hpp"
#include "ledger/postgres/database.hpp"
#include "ledger/sql_ledger.hpp"
#include "ledger/sqlite/database.hpp"

namespace gantry::ledger {
namespace {

Result<std::unique_ptr<sql::Database>> connect(const std::string& where) {
  if (where.empty())
    return fail(Fault::bad_input,
                "the ledger needs a place: a file, \":memory:\", or postgres://HOST/DATABASE");
  return postgres::is_address(where) ? postgres::open(where) : sqlite::open(where);
}

}  // namespace

Result<std::unique_ptr<Ledger>> open(const std::string& where, const TimeSource& time) {
  auto database = connect(where);
  if (!database) return std::unexpected(database.error());
  if (auto migrated = migrate(**database, migrations()); !migrated) return std::unexpected(migrated.error());
  return std::make_unique<SqlLedger>(*std::move(database), time);
}

Result<std::unique_ptr<Ledger>> open_beside(const std::string& where, const TimeSource& time) {
  auto database = postgres::is_address(where) ? postgres::open(where) : sqlite::open_beside(where);
  if (!database) return std::unexpected(database.error());
  return std::make_unique<SqlLedger>(*std::move(database), time, sql::Access::read);
}

}  // namespace gantry::ledger
