// A backup takes the ledger's place. It is tried first, under a name of its own; the files that were there
// are moved aside together, since SQLite would play a left-behind journal into a file that it does not belong
// to.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "ledger/ledger.hpp"
#include "ledger/sqlite/database.hpp"

namespace gantry::ledger {
namespace {

constexpr std::string_view kParts[] = {"-wal", "-shm", ""};

// Opens the copy as this program would, which brings it to this program's schema, too.
Result<void> try_out(const std::string& path, const TimeSource& time) {
  const auto ledger = open(path, time);
  if (!ledger) return std::unexpected(ledger.error());
  const auto wrong = (*ledger)->check();
  if (!wrong) return std::unexpected(wrong.error());
  return {};
}

Result<void> move(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  return fail(Fault::system,
              "cannot move " + from + " to " + to + ": " + std::generic_category().message(errno));
}

Result<void> move_aside(const std::string& path) {
  for (const std::string_view part : kParts) {
    const std::string from = path + std::string(part), to = path + ".replaced" + std::string(part);
    ::unlink(to.c_str());
    if (::access(from.c_str(), F_OK) != 0) continue;
    if (auto moved = move(from, to); !moved) return moved;
  }
  return {};
}

void remove_all(const std::string& path) {
  for (const std::string_view part : kParts) ::unlink((path + std::string(part)).c_str());
}

}  // namespace

Result<void> restore(const std::string& backup, const std::string& to, const TimeSource& time) {
  const std::string trial = to + ".restoring";
  remove_all(trial);
  auto restored = sqlite::copy(backup, trial);
  if (restored) restored = try_out(trial, time);
  if (restored) restored = move_aside(to);
  if (restored) restored = move(trial, to);
  if (!restored) remove_all(trial);
  return restored;
}

}  // namespace gantry::ledger
