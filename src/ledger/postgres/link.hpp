#pragma once
// One connection to PostgreSQL with the statements it knows, and its errors in our words. Internal to
// src/ledger/postgres.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"
#include "ledger/postgres/where.hpp"
#include "ledger/sql.hpp"

struct pg_conn;
struct pg_result;

namespace gantry::ledger::postgres {

struct Clear {
  void operator()(pg_result* result) const;
};
using Answer = std::unique_ptr<pg_result, Clear>;

/// A failure, and what it means for the transaction that it happened in.
struct Trouble {
  Failure failure;
  bool lost = false;      ///< the connection is gone
  bool conflict = false;  ///< it lost to another transaction
};
template <class T>
using Outcome = std::expected<T, Trouble>;

class Link {
 public:
  static Outcome<std::unique_ptr<Link>> connect(const Where& where);

  /// Statements without parameters; the last one's answer.
  Outcome<Answer> execute(const char* statements);
  Outcome<Answer> run(std::string_view sql, sql::Values values);
  /// One statement for each `width` values, without waiting for one answer after the other.
  Outcome<void> run_each(std::string_view sql, std::size_t width, sql::Values values);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  explicit Link(const Where& where) : where_(where) {}
  Outcome<void> set_up();
  Outcome<const char*> prepared(std::string_view sql, std::size_t parameters);
  Outcome<void> collect();
  [[nodiscard]] Trouble trouble(const pg_result* answer) const;

  const Where& where_;
  std::unique_ptr<pg_conn, Finish> connection_;
  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>>
      statements_;  // by text, their names
};

}  // namespace gantry::ledger::postgres
