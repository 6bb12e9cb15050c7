#include "ledger/sqlite/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "ledger/sqlite/handle.hpp"

namespace gantry::ledger::sqlite {
namespace {

constexpr std::string_view kInMemory = ":memory:";

struct TextHash : std::hash<std::string_view> {
  using is_transparent = void;
};

class SqliteRow final : public sql::Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] bool is_null(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::string_view text(int column) const override {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes ? std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                 : std::string_view();
  }
  [[nodiscard]] std::string bytes(int column) const override {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                 : std::string();
  }

 private:
  sqlite3_stmt* statement_;
};

// A statement in use; ready for its next use at the end.
class Run {
 public:
  Run(sqlite3_stmt* statement, sql::Values values) : statement_(statement) {
    int at = 0;
    for (const sql::Value& value : values) bind(++at, value);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  int step() { return bound_ == SQLITE_OK ? sqlite3_step(statement_) : bound_; }

 private:
  void bind(int at, const sql::Value& value) {
    int code = SQLITE_OK;
    if (const auto* integer = value.integer())
      code = sqlite3_bind_int64(statement_, at, *integer);
    else if (const auto* bytes = value.bytes())
      code = sqlite3_bind_blob64(statement_, at, bytes->bytes.data() ? bytes->bytes.data() : "",
                                 bytes->bytes.size(), SQLITE_STATIC);
    else if (!value.is_null())
      code = sqlite3_bind_text64(statement_, at, value.text().data() ? value.text().data() : "",
                                 value.text().size(), SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK) bound_ = code;
  }

  sqlite3_stmt* statement_;
  int bound_ = SQLITE_OK;
};

// `$2` is a name to SQLite, and gets the number of its place; `?2` is the second parameter. No text of ours
// has a `$` elsewhere. A transaction that writes has the whole file for itself, so that there are no rows to
// lock.
std::string in_sqlite(std::string_view text) {
  constexpr std::string_view kLock = " FOR UPDATE";
  if (text.ends_with(kLock)) text.remove_suffix(kLock.size());
  std::string spoken(text);
  std::ranges::replace(spoken, '$', '?');
  return spoken;
}

class SqliteDatabase final : public sql::Database {
 public:
  SqliteDatabase(std::string path, Connection connection)
      : path_(std::move(path)), connection_(std::move(connection)) {}

  Result<void> begin(sql::Access access) override {
    return run_only(access == sql::Access::write ? "BEGIN IMMEDIATE" : "BEGIN");
  }
  Result<void> commit() override {
    auto committed = run_only("COMMIT");
    if (!committed) rollback();
    return committed;
  }
  void rollback() override {
    sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr,
                 nullptr);  // it may have rolled back already
  }

  Result<void> query(std::string_view text, sql::Values values, const sql::EachRow& each) override {
    const auto statement = prepared(text);
    if (!statement) return std::unexpected(statement.error());
    Run run(*statement, values);
    int code = SQLITE_ROW;
    while ((code = run.step()) == SQLITE_ROW) each(SqliteRow(*statement));
    if (code != SQLITE_DONE) return std::unexpected(failure());
    return {};
  }
  Result<std::int64_t> run(std::string_view text, sql::Values values) override {
    const auto statement = prepared(text);
    if (!statement) return std::unexpected(statement.error());
    if (Run(*statement, values).step() != SQLITE_DONE) return std::unexpected(failure());
    return sqlite3_changes64(connection_.get());
  }
  Result<void> run_each(std::string_view text, std::size_t width, sql::Values values) override {
    const auto statement = prepared(text);
    if (!statement) return std::unexpected(statement.error());
    for (; !values.empty(); values = values.subspan(width))
      if (Run(*statement, values.first(width)).step() != SQLITE_DONE) return std::unexpected(failure());
    return {};
  }
  Result<void> script(const std::string& statements) override {
    return execute(connection_.get(), path_, statements.c_str());
  }

  // The busy timeout has waited already.
  [[nodiscard]] bool worth_repeating() const override { return false; }
  // BEGIN IMMEDIATE is alone.
  Result<void> alone() override { return {}; }
  Result<std::optional<WallTime>> clock() override { return std::nullopt; }
  Result<std::vector<std::string>> integrity() override {
    auto found = column(connection_.get(), path_, "PRAGMA integrity_check");
    if (!found) return std::unexpected(found.error());
    if (found->size() == 1 && found->front() == "ok") found->clear();
    const auto keyless = column(connection_.get(), path_, "PRAGMA foreign_key_check");
    if (!keyless) return std::unexpected(keyless.error());
    for (const auto& table : *keyless) found->push_back("a row of " + table + " refers to nothing");
    return found;
  }
  Result<void> backup(const std::string& path) override { return copy_into(connection_.get(), path); }

 private:
  [[nodiscard]] Failure failure() const { return failure_of(connection_.get(), path_); }

  Result<void> run_only(std::string_view text) {
    if (auto done = run(text, sql::Values{}); !done) return std::unexpected(done.error());
    return {};
  }

  Result<sqlite3_stmt*> prepared(std::string_view text) {
    if (const auto found = statements_.find(text); found != statements_.end()) return found->second.get();
    const std::string spoken = in_sqlite(text);
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(connection_.get(), spoken.data(), static_cast<int>(spoken.size()),
                           SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK)
      return std::unexpected(failure());
    statements_.emplace(std::string(text), Statement(raw));
    return raw;
  }

  std::string path_;
  Connection connection_;
  std::unordered_map<std::string, Statement, TextHash, std::equal_to<>> statements_;  // before the connection
};

// By name: closing any descriptor of the file would drop the locks that this process has on it.
Result<void> make_private(const std::string& path) {
  const auto why = [&](const char* what) {
    return fail(Fault::system, "the ledger " + path + ": " + what + ": " +
                                   std::generic_category().message(errno) +
                                   "; let Gantry's user own the file and write to its directory");
  };
  if (const int made = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600); made >= 0) {
    ::close(made);
    return {};
  }
  if (errno != EEXIST) return why("cannot be made");
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return why("cannot be looked at");
  if ((status.st_mode & 077) != 0 && ::chmod(path.c_str(), 0600) != 0)
    return why("others may read it, and that cannot be changed");
  return {};
}

Result<void> configure(sqlite3* connection, const std::string& path) {
  if (sqlite3_db_readonly(connection, "main") == 1)
    return fail(Fault::system,
                "the ledger " + path + " is read-only; let Gantry's user write the file and its directory");
  const std::string settings =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
      "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -2048; PRAGMA application_id = " +
      std::to_string(kApplicationId);
  return execute(connection, path, settings.c_str());
}

}  // namespace

Result<std::unique_ptr<sql::Database>> open(const std::string& path, std::chrono::milliseconds patience) {
  if (path != kInMemory)
    if (auto is_private = make_private(path); !is_private) return std::unexpected(is_private.error());
  auto connection = connect(path, SQLITE_OPEN_READWRITE);
  if (!connection) return std::unexpected(connection.error());
  if (auto configured = configure(connection->get(), path); !configured)
    return std::unexpected(configured.error());
  sqlite3_busy_timeout(connection->get(), static_cast<int>(patience.count()));
  return std::make_unique<SqliteDatabase>(path, std::move(*connection));
}

Result<std::unique_ptr<sql::Database>> open_beside(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0)
    return fail(Fault::not_found, "there is no ledger " + path + "; gantry makes it at its first start");
  auto connection = connect(path, SQLITE_OPEN_READONLY);
  if (!connection) return std::unexpected(connection.error());
  return std::make_unique<SqliteDatabase>(path, std::move(*connection));
}

Result<void> copy(const std::string& from, const std::string& to) {
  const auto connection = connect(from, SQLITE_OPEN_READONLY);
  if (!connection) return std::unexpected(connection.error());
  return copy_into(connection->get(), to);
}

}  // namespace gantry::ledger::sqlite
