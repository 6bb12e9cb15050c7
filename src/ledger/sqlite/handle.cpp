#include "ledger/sqlite/handle.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "ledger/sqlite/database.hpp"

namespace gantry::ledger::sqlite {
namespace {

std::string remedy(int code) {
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program has it in use; end that program, or try again";
    case SQLITE_CORRUPT:
      return "the file is damaged; stop Gantry and restore a backup (gantry ledger restore)";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return "let Gantry's user read and write the file and its directory";
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return "see whether the disk is full or failing";
    default:
      return "";
  }
}

Fault fault(int code) {
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Fault::timed_out;
    case SQLITE_NOTADB:
      return Fault::bad_input;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
      return Fault::internal;
    default:
      return Fault::system;
  }
}

Failure not_ours(const std::string& path) {
  return {Fault::bad_input, path + " is not a ledger of Gantry, but a file of something else; name another"};
}

// A new file has no tables and no number yet.
Result<void> recognise(sqlite3* connection, const std::string& path) {
  const auto number = column(connection, path, "PRAGMA application_id");
  if (!number) return std::unexpected(number.error());
  if (number->front() == std::to_string(kApplicationId)) return {};
  const auto tables = column(connection, path, "SELECT count(*) FROM sqlite_master");
  if (!tables) return std::unexpected(tables.error());
  if (number->front() != "0" || tables->front() != "0") return std::unexpected(not_ours(path));
  return {};
}

// Makes a file durable as a name, too.
void sync_directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// The copy leaves WAL, so that it is one file, which can be read where nothing can be written.
Result<void> copy_pages(sqlite3* from, const std::string& to) {
  auto target = connect(to, SQLITE_OPEN_READWRITE);
  if (!target) return std::unexpected(target.error());
  sqlite3_backup* backup = sqlite3_backup_init(target->get(), "main", from, "main");
  if (!backup) return std::unexpected(failure_of(target->get(), to));
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE || finished != SQLITE_OK) return std::unexpected(failure_of(target->get(), to));
  return execute(target->get(), to, "PRAGMA journal_mode = DELETE");
}

}  // namespace

void Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
void Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Failure failure_of(sqlite3* connection, const std::string& path) {
  const int code = sqlite3_errcode(connection) & 0xff;
  if (code == SQLITE_NOTADB) return not_ours(path);
  std::string detail = "the ledger " + path + ": " + sqlite3_errmsg(connection);
  if (const std::string what_to_do = remedy(code); !what_to_do.empty()) detail += "; " + what_to_do;
  return {fault(code), std::move(detail)};
}

Result<Connection> connect(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection(raw);
  if (code != SQLITE_OK)
    return raw ? std::unexpected(failure_of(raw, path)) : fail(Fault::system, path + ": no memory");
  sqlite3_busy_timeout(raw, static_cast<int>(kPatience.count()));
  if (auto ours = recognise(raw, path); !ours) return std::unexpected(ours.error());
  return connection;
}

Result<void> execute(sqlite3* connection, const std::string& path, const char* statements) {
  if (sqlite3_exec(connection, statements, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(failure_of(connection, path));
}

Result<std::vector<std::string>> column(sqlite3* connection, const std::string& path, const char* statement) {
  std::vector<std::string> found;
  const auto each = [](void* to, int, char** texts, char**) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(texts[0] ? texts[0] : "");
    return 0;
  };
  if (sqlite3_exec(connection, statement, each, &found, nullptr) != SQLITE_OK)
    return std::unexpected(failure_of(connection, path));
  return found;
}

Result<void> copy_into(sqlite3* from, const std::string& to) {
  if (::access(to.c_str(), F_OK) == 0)
    return fail(Fault::bad_input, to + " is there already; name a file that does not exist");
  const std::string part = to + ".part";
  ::unlink(part.c_str());
  const int descriptor = ::open(part.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(Fault::system, "cannot make " + part + ": " + std::generic_category().message(errno));
  ::close(descriptor);
  auto copied = copy_pages(from, part);
  if (copied && ::rename(part.c_str(), to.c_str()) != 0)
    copied = fail(Fault::system, "cannot make " + to + ": " + std::generic_category().message(errno));
  if (!copied)
    ::unlink(part.c_str());
  else
    sync_directory_of(to);
  return copied;
}

}  // namespace gantry::ledger::sqlite
