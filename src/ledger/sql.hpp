#pragma once
// What the ledger needs of a database, in SQL that SQLite 3.35 and PostgreSQL 13 both read: `$1` parameters,
// BIGINT, TEXT and BYTEA, INSERT … ON CONFLICT … DO UPDATE, RETURNING, and `FOR UPDATE` at the end of a
// SELECT. Internal to src/ledger. One thread at a time.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "spend/account.hpp"

namespace gantry::ledger::sql {

/// Bytes that are no text.
struct Bytes {
  std::string_view bytes;
};

/// What a parameter is bound to. Texts and bytes are views and outlive the statement's run.
class Value {
 public:
  Value() = default;  ///< NULL
  template <std::integral Integer>
  Value(Integer value) : held_(static_cast<std::int64_t>(value)) {}
  template <class Enum>
    requires std::is_enum_v<Enum>
  Value(Enum value) : held_(static_cast<std::int64_t>(value)) {}
  Value(std::string_view text) : held_(text) {}
  Value(const std::string& text) : held_(std::string_view(text)) {}
  Value(const char* text) : held_(std::string_view(text)) {}
  Value(Bytes bytes) : held_(bytes) {}
  Value(PicoUsd amount) : held_(amount.value) {}
  Value(WallTime at) : held_(std::int64_t{at.time_since_epoch().count()}) {}
  Value(spend::AccountId account) : held_(account.value) {}
  template <class Some>
  Value(const std::optional<Some>& some) {
    if (some) *this = Value(*some);
  }

  [[nodiscard]] bool is_null() const { return held_.index() == 0; }
  [[nodiscard]] const std::int64_t* integer() const { return std::get_if<std::int64_t>(&held_); }
  [[nodiscard]] const Bytes* bytes() const { return std::get_if<Bytes>(&held_); }
  [[nodiscard]] std::string_view text() const { return std::get<std::string_view>(held_); }

 private:
  std::variant<std::monostate, std::int64_t, std::string_view, Bytes> held_;
};
using Values = std::span<const Value>;

/// One row of an answer, valid while it is looked at. Columns count from 0.
class Row {
 public:
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;   ///< 0 for NULL
  [[nodiscard]] virtual std::string_view text(int column) const = 0;  ///< "" for NULL
  [[nodiscard]] virtual std::string bytes(int column) const = 0;      ///< none for NULL

  [[nodiscard]] std::string string(int column) const { return std::string(text(column)); }
  [[nodiscard]] bool truth(int column) const { return integer(column) != 0; }
  [[nodiscard]] PicoUsd money(int column) const { return {integer(column)}; }
  [[nodiscard]] WallTime time(int column) const { return WallTime{Duration{integer(column)}}; }
  [[nodiscard]] spend::AccountId account(int column) const { return {integer(column)}; }
  [[nodiscard]] std::optional<PicoUsd> some_money(int column) const {
    return is_null(column) ? std::nullopt : std::optional(money(column));
  }
  [[nodiscard]] std::optional<WallTime> some_time(int column) const {
    return is_null(column) ? std::nullopt : std::optional(time(column));
  }

 protected:
  ~Row() = default;
};
using EachRow = std::function<void(const Row&)>;

/// Of a transaction: one that reads sees one moment; one that writes locks the rows that it reads FOR UPDATE.
enum class Access : std::uint8_t { read, write };

class Database {
 public:
  virtual ~Database() = default;

  virtual Result<void> begin(Access access) = 0;
  /// What was done since begin() is there, or (on a failure) is not. Where that could not be found out, the
  /// failure says so.
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;

  /// Calls `each` for each row, in order; it runs no statement itself. A statement is prepared when its text
  /// is first seen and kept.
  virtual Result<void> query(std::string_view sql, Values values, const EachRow& each) = 0;
  /// How many rows it changed.
  virtual Result<std::int64_t> run(std::string_view sql, Values values) = 0;
  /// Runs one statement for each `width` of the values, in order.
  virtual Result<void> run_each(std::string_view sql, std::size_t width, Values values) = 0;
  /// Several statements without parameters, as in a migration.
  virtual Result<void> script(const std::string& statements) = 0;

  Result<std::int64_t> run(std::string_view sql, std::initializer_list<Value> values = {}) {
    return run(sql, Values(values.begin(), values.size()));
  }
  Result<void> query(std::string_view sql, std::initializer_list<Value> values, const EachRow& each) {
    return query(sql, Values(values.begin(), values.size()), each);
  }

  /// Whether the last failure was one of losing to another transaction or connection, with nothing kept: the
  /// same transaction may succeed when it is done again.
  [[nodiscard]] virtual bool worth_repeating() const = 0;
  /// Within a transaction that writes: no other process is in such a part until it ends.
  virtual Result<void> alone() = 0;
  /// The server's own clock; nullopt when there is no server.
  virtual Result<std::optional<WallTime>> clock() = 0;
  /// What the store finds wrong with itself.
  virtual Result<std::vector<std::string>> integrity() = 0;
  virtual Result<void> backup(const std::string& path) = 0;
};

/// Rolls back unless it was committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database, Access access) {
    if (auto begun = database.begin(access); !begun) return std::unexpected(begun.error());
    return Transaction(database);
  }
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() {
    if (database_) database_->rollback();
  }
  Result<void> commit() { return std::exchange(database_, nullptr)->commit(); }

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

/// Does `work` (a function that returns a Result) in one transaction, and again where it lost to another.
template <class Work>
auto transact(Database& database, Access access, Work&& work) -> decltype(work()) {
  constexpr int kTries = 8;
  for (int tried = 1;; ++tried) {
    auto answer = [&]() -> decltype(work()) {
      auto transaction = Transaction::begin(database, access);
      if (!transaction) return std::unexpected(transaction.error());
      auto done = work();
      if (!done) return done;
      if (auto kept = transaction->commit(); !kept) return std::unexpected(kept.error());
      return done;
    }();
    if (answer || tried == kTries || !database.worth_repeating()) return answer;
  }
}

}  // namespace gantry::ledger::sql
