// A backup takes the ledger's place. It is tried first, under a name of its own; the files that were there
// are moved aside together, since SQLite would play a left-behind journal into a file that it does not belong
// to.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <utility>

#include "ledger/ledger.hpp"
#include "ledger/leftovers.hpp"
#include "ledger/sqlite/database.hpp"

namespace gantry::ledger {
namespace {

constexpr std::string_view kParts[] = {"-wal", "-shm"};  // beside the file itself

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// All that was ever booked, and what is pending.
Result<UsageRow> sum_of(Ledger& ledger) {
  const auto now = ledger.now();
  if (!now) return std::unexpected(now.error());
  // A clock that was ahead has left days behind that are still to come.
  const auto rows = ledger.usage({.to = *now + std::chrono::days{20'000}});
  if (!rows) return std::unexpected(rows.error());
  return rows->empty() ? UsageRow{} : rows->front();
}

// The file may be damaged, which may be why another takes its place.
std::optional<UsageRow> beyond(const UsageRow& known, const std::string& old, const TimeSource& time) {
  const auto ledger = open_beside(old, time);
  if (!ledger) return std::nullopt;
  const auto sum = sum_of(**ledger);
  if (!sum) return std::nullopt;
  UsageRow out;
  out.attempts = sum->attempts - known.attempts;
  out.cost = {sum->cost.value - known.cost.value};
  out.pending = {sum->pending.value - known.pending.value};
  return out;
}

// Who began after the backup left journals that it must know of; whose number is another's by now is told of
// at the next start. Holders of other directories came with the backup.
Result<void> know_holders(Ledger& ledger, const std::string& directory, std::string_view name) {
  const auto known = ledger.holders();
  if (!known) return std::unexpected(known.error());
  for (const Holder& holder : *known)
    if (holder.name != name)
      if (auto ended = ledger.end_holder(holder.id); !ended) return ended;
  const auto written = holders_of_journals(directory);
  if (!written) return std::unexpected(written.error());
  for (const HolderId holder : *written) {
    const auto begun = ledger.begin_again(holder, name);
    if (!begun && begun.error().fault != Fault::bad_input) return begun;
  }
  return {};
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::unexpected<Failure> refused(const std::string& what, const std::string& from, const std::string& to) {
  return fail(Fault::system,
              "cannot " + what + " " + from + " to " + to + ": " + std::generic_category().message(errno));
}

// No file that was kept is ever lost to a further try.
std::string name_to_keep(const std::string& path) {
  const std::string first = path + ".replaced";
  std::string name = first;
  for (int number = 2; is_there(name); ++number) name = first + "-" + std::to_string(number);
  return name;
}

// The file has both names until the new one takes its place, so that at no moment there is none. "" when
// there was nothing to keep.
Result<std::string> keep(const std::string& path) {
  if (!is_there(path)) return std::string();
  const std::string kept = name_to_keep(path);
  if (::link(path.c_str(), kept.c_str()) != 0) return refused("link", path, kept);
  for (const std::string_view part : kParts) {
    const std::string from = path + std::string(part), to = kept + std::string(part);
    ::unlink(to.c_str());
    if (is_there(from) && std::rename(from.c_str(), to.c_str()) != 0) return refused("move", from, to);
  }
  return kept;
}

void remove_all(const std::string& path) {
  for (const std::string_view part : kParts) ::unlink((path + std::string(part)).c_str());
  ::unlink(path.c_str());
}

// Opens the copy as this program would, which brings it to this program's schema, too.
Result<Restored> try_out(const std::string& trial, const std::string& to, std::string_view name,
                         const TimeSource& time) {
  const auto ledger = open(trial, time);
  if (!ledger) return std::unexpected(ledger.error());
  Restored restored;
  if (auto known = know_holders(**ledger, directory_of(to), name); !known)
    return std::unexpected(known.error());
  auto wrong = (*ledger)->check();
  if (!wrong) return std::unexpected(wrong.error());
  restored.wrong = std::move(*wrong);
  const auto sum = sum_of(**ledger);
  if (!sum) return std::unexpected(sum.error());
  if (is_there(to)) restored.beyond = beyond(*sum, to, time);
  const auto segments = list_segments(directory_of(to));
  if (!segments) return std::unexpected(segments.error());
  restored.journals = segments->size();
  return restored;
}

// With the copy in `trial`.
Result<Restored> put_in_place(const std::string& trial, const std::string& to, std::string_view name,
                              const TimeSource& time) {
  auto restored = try_out(trial, to, name, time);
  if (!restored) return restored;
  auto kept = keep(to);
  if (!kept) return std::unexpected(kept.error());
  restored->kept = std::move(*kept);
  if (std::rename(trial.c_str(), to.c_str()) != 0) return refused("move", trial, to);
  return restored;
}

}  // namespace

Result<Restored> restore(const std::string& backup, const std::string& to, std::string_view name,
                         const TimeSource& time) {
  const std::string trial = to + ".restoring";
  remove_all(trial);
  auto restored = [&]() -> Result<Restored> {
    if (!is_there(backup)) return fail(Fault::bad_input, "there is no file " + backup);
    if (auto copied = sqlite::copy(backup, trial); !copied) return std::unexpected(copied.error());
    return put_in_place(trial, to, name, time);
  }();
  if (!restored) remove_all(trial);
  return restored;
}

}  // namespace gantry::ledger
