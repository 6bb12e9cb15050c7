#pragma once
// What a process that is gone left in its journals, read once more at the next start (docs/decisions/0011).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ledger/journal.hpp"
#include "ledger/journal_file.hpp"

namespace gantry::ledger {

/// One shard's journal whose writer is gone. Reads the files and changes nothing.
class LeftJournal {
 public:
  LeftJournal(std::string directory, JournalId id, std::vector<std::uint64_t> numbers);

  /// Further entries with sequences behind `after`, at most `most`; none: that was all. Their texts are valid
  /// until the next read. The journal ends where it is torn: that is no error. Errors: system (a file that
  /// cannot be read), malformed (a newer program wrote it; nothing may be deleted then).
  Result<JournalBatch> read(std::uint64_t after, std::size_t most);

  /// Bytes behind the last whole entry, once read() has given none: what a process that was killed had begun
  /// to write, or what a damaged disk has lost.
  [[nodiscard]] std::uint64_t torn_bytes() const { return torn_bytes_; }
  [[nodiscard]] std::uint32_t shard() const { return id_.shard; }

 private:
  Result<void> open_next();
  Result<void> take(std::uint64_t after, std::size_t most);
  void end_here();
  [[nodiscard]] std::unexpected<Failure> of_a_newer_program(std::uint64_t number) const;

  std::string directory_;
  JournalId id_;
  std::vector<std::uint64_t> numbers_;  // of the segments that were not opened, the next one last
  std::uint64_t number_ = 0;            // of the segment that is open
  std::string bytes_;                   // its own
  std::size_t offset_ = 0;
  std::uint64_t sequence_ = 0;  // that the next entry must have; 0 = any
  std::uint64_t torn_bytes_ = 0;
  bool torn_ = false;
  std::vector<Entry> entries_;
};

/// The journals of a holder, by shard.
Result<std::vector<LeftJournal>> leftovers(const std::string& directory, HolderId holder);
/// Deletes them: after they were applied, or when the holder itself ends in order.
Result<void> remove_journals(const std::string& directory, HolderId holder);
/// Renames them to "WHY-journal-…" instead, for what was not read: "torn" behind a torn entry, "unknown" when
/// the ledger never heard of their holder.
Result<void> set_journals_aside(const std::string& directory, HolderId holder, std::string_view why);
/// Those whose journals are there, each once.
Result<std::vector<HolderId>> holders_of_journals(const std::string& directory);

}  // namespace gantry::ledger
