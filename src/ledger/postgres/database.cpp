#include "ledger/postgres/database.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "ledger/postgres/link.hpp"
#include "ledger/postgres/where.hpp"

namespace gantry::ledger::postgres {
namespace {

class PostgresRow final : public sql::Row {
 public:
  PostgresRow(const pg_result* answer, int row) : answer_(answer), row_(row) {}
  [[nodiscard]] bool is_null(int column) const override { return PQgetisnull(answer_, row_, column) == 1; }
  [[nodiscard]] std::int64_t integer(int column) const override {
    const std::string_view digits = text(column);
    std::int64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    using Limits = std::numeric_limits<std::int64_t>;
    if (read.ec == std::errc::result_out_of_range)
      return digits.front() == '-' ? Limits::min() : Limits::max();
    return value;
  }
  [[nodiscard]] std::string_view text(int column) const override {
    return {PQgetvalue(answer_, row_, column), static_cast<std::size_t>(PQgetlength(answer_, row_, column))};
  }
  [[nodiscard]] std::string bytes(int column) const override {
    const auto* written = reinterpret_cast<const unsigned char*>(PQgetvalue(answer_, row_, column));
    std::size_t length = 0;
    const std::unique_ptr<unsigned char, decltype(&PQfreemem)> read(PQunescapeBytea(written, &length),
                                                                    PQfreemem);
    return read ? std::string(reinterpret_cast<const char*>(read.get()), length) : std::string();
  }

 private:
  const pg_result* answer_;
  int row_;
};

std::int64_t rows_changed(const Answer& answer) {
  const std::string_view digits = PQcmdTuples(answer.get());
  std::int64_t rows = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), rows);
  return rows;
}

class PostgresDatabase final : public sql::Database {
 public:
  explicit PostgresDatabase(Where where) : where_(std::move(where)) {}

  Result<void> connect() {
    if (link_) return {};
    auto link = Link::connect(where_);
    if (!link) return failed(link.error(), Repeat::no);
    link_ = *std::move(link);
    return {};
  }

  Result<void> begin(sql::Access access) override {
    repeat_ = false;
    const bool writes = access == sql::Access::write;
    auto begun =
        first_use(writes ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_current_xact_id()"
                         : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    if (!begun) return std::unexpected(begun.error());
    transaction_ = writes ? PQgetvalue(begun->get(), 0, 0) : "";
    return {};
  }

  Result<void> commit() override {
    repeat_ = false;
    if (!link_) return fail(Fault::internal, "a commit without a transaction");
    const auto committed = link_->execute("COMMIT");
    if (committed && std::string_view(PQcmdStatus(committed->get())) == "COMMIT") return {};
    if (committed) return fail(Fault::internal, "a transaction was committed after a statement of it failed");
    if (!committed.error().lost || transaction_.empty()) return failed(committed.error(), Repeat::yes);
    link_ = nullptr;
    return find_out(committed.error());
  }

  void rollback() override {
    if (link_ && !link_->execute("ROLLBACK")) link_ = nullptr;
  }

  Result<void> query(std::string_view text, sql::Values values, const sql::EachRow& each) override {
    const auto answer = in_transaction(text, values);
    if (!answer) return std::unexpected(answer.error());
    for (int row = 0; row < PQntuples(answer->get()); ++row) each(PostgresRow(answer->get(), row));
    return {};
  }
  Result<std::int64_t> run(std::string_view text, sql::Values values) override {
    const auto answer = in_transaction(text, values);
    if (!answer) return std::unexpected(answer.error());
    return rows_changed(*answer);
  }
  Result<void> run_each(std::string_view text, std::size_t width, sql::Values values) override {
    if (!link_) return fail(Fault::reset, "the connection was lost");
    if (auto done = link_->run_each(text, width, values); !done) return failed(done.error(), Repeat::yes);
    return {};
  }
  Result<void> script(const std::string& statements) override {
    if (!link_) return fail(Fault::reset, "the connection was lost");
    if (auto done = link_->execute(statements.c_str()); !done) return failed(done.error(), Repeat::yes);
    return {};
  }

  [[nodiscard]] bool worth_repeating() const override { return repeat_; }
  Result<void> alone() override { return script("SELECT pg_advisory_xact_lock(1198813817)"); }
  Result<std::optional<WallTime>> clock() override {
    const auto answer = first_use("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
    if (!answer) return std::unexpected(answer.error());
    return WallTime{std::chrono::microseconds{PostgresRow(answer->get(), 0).integer(0)}};
  }
  Result<std::vector<std::string>> integrity() override { return std::vector<std::string>{}; }
  Result<void> backup(const std::string&) override {
    return fail(Fault::bad_input, "a ledger on PostgreSQL is backed up with its own tools, such as pg_dump");
  }

 private:
  enum class Repeat : std::uint8_t { no, yes };  // may the same succeed when it is done again?

  std::unexpected<Failure> failed(const Trouble& trouble, Repeat lost_is_worth_it) {
    if (trouble.lost) link_ = nullptr;
    repeat_ = trouble.conflict || (trouble.lost && lost_is_worth_it == Repeat::yes);
    return std::unexpected(trouble.failure);
  }

  // Outside of a transaction: on a connection that was lost while nobody used it, nothing has happened yet.
  Result<Answer> first_use(const char* statements) {
    const bool fresh = link_ == nullptr;
    if (auto connected = connect(); !connected) return std::unexpected(connected.error());
    auto answer = link_->execute(statements);
    if (answer) return *std::move(answer);
    auto failure = failed(answer.error(), Repeat::no);
    if (!answer.error().lost || fresh) return failure;
    return first_use(statements);
  }

  Result<Answer> in_transaction(std::string_view text, sql::Values values) {
    if (!link_) return fail(Fault::reset, "the connection was lost");
    auto answer = link_->run(text, values);
    if (!answer) return failed(answer.error(), Repeat::yes);
    return *std::move(answer);
  }

  // The commit was sent, and its answer did not come. A server that is still busy with it says so.
  Result<void> find_out(const Trouble& lost) {
    constexpr int kAsks = 50, kConnects = 3;
    const std::string ask = "SELECT pg_xact_status('" + transaction_ + "'::xid8)";
    for (int asked = 0, away = 0; asked < kAsks && away < kConnects; ++asked) {
      if (asked > 0) std::this_thread::sleep_for(std::chrono::milliseconds{away > 0 ? 1000 : 100});
      const auto answer = first_use(ask.c_str());
      if (!answer) ++away;
      const std::string_view status = answer ? PQgetvalue(answer->get(), 0, 0) : "";
      if (status == "committed") return {};
      if (status != "aborted") continue;
      repeat_ = true;
      return std::unexpected(lost.failure);
    }
    repeat_ = false;
    return fail(Fault::reset,
                lost.failure.detail + "; whether the last change was kept could not be found out");
  }

  const Where where_;
  std::unique_ptr<Link> link_;  // refers to where_
  std::string transaction_;     // the number of the one that writes
  bool repeat_ = false;
};

}  // namespace

bool is_address(std::string_view where) {
  return where.starts_with("postgres://") || where.starts_with("postgresql://");
}

Result<std::unique_ptr<sql::Database>> open(const std::string& url) {
  auto where = read_where(url);
  if (!where) return std::unexpected(where.error());
  auto database = std::make_unique<PostgresDatabase>(*std::move(where));
  if (auto connected = database->connect(); !connected) return std::unexpected(connected.error());
  return database;
}

}  // namespace gantry::ledger::postgres
