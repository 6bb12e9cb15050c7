// Numbers of which the ledger has one each.
#include "ledger/sql_ledger.hpp"

namespace gantry::ledger {

Result<std::int64_t> number_of(sql::Database& database, std::string_view sql,
                               std::initializer_list<sql::Value> values) {
  std::int64_t number = 0;
  auto read = database.query(sql, values, [&](const sql::Row& row) { number = row.integer(0); });
  if (!read) return std::unexpected(read.error());
  return number;
}

Result<std::int64_t> meta(sql::Database& database, std::string_view name) {
  return number_of(database, "SELECT number FROM meta WHERE name = $1", {name});
}

Result<std::int64_t> next_number(sql::Database& database, std::string_view name) {
  return number_of(database, "UPDATE meta SET number = number + 1 WHERE name = $1 RETURNING number", {name});
}

Result<void> add_to_meta(sql::Database& database, std::string_view name, std::int64_t by) {
  return done(database.run("UPDATE meta SET number = number + $2 WHERE name = $1", {name, by}));
}

}  // namespace gantry::ledger
