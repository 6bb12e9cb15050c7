#pragma once
// A shard's journal (DESIGN §5, docs/decisions/0011): the shard writes what happens to money, the recorder
// reads it, applies it to the ledger and says how far. What was written outlives the process, also one that
// is killed, because it is in mapped files; it does not promise to outlive the machine's power.
//
// One thread writes, one other reads and makes segments. The two share no lock: segments are handed over by
// a list that the reader appends to, entries by the committed length of a segment.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ledger/entries.hpp"
#include "ledger/journal_file.hpp"
#include "net/bell.hpp"

namespace gantry::ledger {

struct JournalOptions {
  std::size_t segment_bytes = std::size_t{1} << 20;  ///< a multiple of 4096; some 3,000 calls
  std::size_t ready = 3;                             ///< segments that wait for the writer, at least
  std::size_t most_ready = 24;                      ///< and at most for its pace; open attempts may need more
  std::size_t disk_bytes = std::size_t{256} << 20;  ///< all segments of one journal
  std::size_t call_attempts = 4;  ///< what a new call finds room for, so that it may also fail over
  MakeSegment make = SegmentFile::make;
};

/// Entries in their order; the first has the sequence `first`.
struct JournalBatch {
  std::uint64_t first = 0;
  std::span<const Entry> entries;
};

namespace journal_parts {

struct Segment {
  explicit Segment(std::unique_ptr<SegmentFile> mapped) : file(std::move(mapped)) {}
  std::unique_ptr<SegmentFile> file;
  std::atomic<std::size_t> committed{kSegmentHeadBytes};  ///< written by the writer, like `closed`
  std::atomic<bool> closed{false};                        ///< nothing is added; the writer does not come back
  std::atomic<Segment*> next{nullptr};                    ///< written by the reader
};

// What the two threads tell each other besides.
struct Shared {
  std::atomic<std::uint64_t> prepared{0};  ///< segments handed over in all; by the reader
  // On a line of its own: the writer writes here with every attempt, and reads the one above.
  alignas(64) std::atomic<std::size_t> open{0};  ///< attempts without an end; by the writer, like the rest
  std::atomic<std::uint64_t> taken{0};           ///< segments it has begun
  std::atomic<std::uint64_t> lost{0};
};

}  // namespace journal_parts

/// The shard's end. No allocation and no waiting; no system call and no lock but those of the bell, which
/// rings when the reader sleeps, and once a segment so that another one is made in time.
///
/// Room. An attempt may begin only while there is room for all that it and the open attempts can still
/// write: a generation and an end each, at the longest. So an attempt that began can always end. Room is
/// counted in bytes that are sure to be of use: a segment is left when less is free in it than the next
/// record's kind may need, so that at most kLongestRecord − 8 bytes of each are given up; those count as no
/// room from the beginning, and records of n bytes in all fit wherever room() is n.
class JournalWriter {
 public:
  /// While false no new call may begin: the disk is full, or the ledger takes no entries.
  [[nodiscard]] bool has_room() const { return has_room_for(call_attempts_); }

  /// False when there is no room: nothing was written, and the request must not leave.
  [[nodiscard]] bool write(const AttemptBegun& entry);
  /// Once an attempt; false when it was left out because there is little room.
  bool write(const GenerationSeen& entry);
  /// Ends an attempt.
  void write(const AttemptSettled& entry) { end(entry); }
  void write(const AttemptPending& entry) { end(entry); }

  /// The sequence of the last entry; 0 before the first.
  [[nodiscard]] std::uint64_t written() const { return sequence_; }

 private:
  friend class Journal;
  JournalWriter(journal_parts::Shared& shared, net::Bell& bell, const JournalOptions& options);

  [[nodiscard]] bool has_room_for(std::size_t attempts) const;
  [[nodiscard]] std::size_t room() const;
  template <class Kind>
  void end(const Kind& entry);
  template <class Kind>
  bool append(const Kind& entry, std::size_t longest);
  bool next_segment();
  void begin(journal_parts::Segment& segment);
  void lose();

  journal_parts::Shared& shared_;
  net::Bell& bell_;
  const std::size_t call_attempts_, usable_bytes_;
  journal_parts::Segment* segment_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::uint64_t sequence_ = 0, taken_ = 0;
  std::size_t open_ = 0;
};

/// The recorder's end.
class JournalReader {
 public:
  /// Sees to it that enough segments wait for the writer: `ready`, twice what it has taken from one release
  /// to the next, and those that its open attempts may need. Call it whenever the bell rings, and again after
  /// a failure: system (a full disk, …) or overloaded (the ledger is so far behind that the journal has its
  /// `disk_bytes`). The writer goes on with what it has.
  Result<void> prepare();

  /// The oldest entries that were not released, at most `most`. Their texts are views of mapped memory, valid
  /// until they are released; the batch itself until the next read. Errors: internal, when the files were
  /// changed by others.
  Result<JournalBatch> read(std::size_t most);
  /// Entries of the last batch up to this sequence were applied for good; the batch is no longer valid.
  /// Segments that hold nothing else are used again.
  void release(std::uint64_t sequence);

  /// Nothing to read; for Bell::sleep.
  [[nodiscard]] bool idle() const;
  /// The writer is quiet: gives memory back that only a busy one needs.
  void rest();
  /// Ends that found no room, which the writer's promise excludes; each is an attempt that stays open in the
  /// ledger.
  [[nodiscard]] std::uint64_t lost() const { return shared_.lost.load(std::memory_order_relaxed); }
  [[nodiscard]] JournalId id() const { return id_; }
  /// Segments that wait for the writer.
  [[nodiscard]] std::size_t ready() const;

 private:
  friend class Journal;
  struct Cursor {
    journal_parts::Segment* segment = nullptr;
    std::size_t offset = kSegmentHeadBytes;
    std::uint64_t sequence = 1;  // of the next entry
  };

  JournalReader(journal_parts::Shared& shared, std::string directory, JournalId id, JournalOptions options);

  [[nodiscard]] std::size_t owed() const;    // segments that open attempts may need
  [[nodiscard]] std::size_t needed() const;  // without fewer no new call is in danger
  [[nodiscard]] std::size_t wanted() const;
  Result<void> add_segment();
  /// Goes on to the segment of the next entry; false when there is none.
  static bool at_entry(Cursor& cursor);
  void reclaim();

  journal_parts::Shared& shared_;
  const std::string directory_;
  const JournalId id_;
  const JournalOptions options_;
  std::list<journal_parts::Segment> segments_;  // from the cursor's to the last prepared one
  std::list<journal_parts::Segment> spare_;
  std::uint64_t prepared_ = 0;
  std::uint64_t taken_ = 0;     // when entries were last released
  std::size_t pace_ = 0;        // segments from one release to the next, lately
  Cursor cursor_;               // the oldest entry that was not released
  std::vector<Entry> entries_;  // the last batch
  std::vector<Cursor> behind_;  // each of them
};

/// Both ends. It goes after both threads have left it; its files stay (leftovers.hpp).
class Journal {
 public:
  /// With its first segments. `bell` wakes the recorder, which may read many journals.
  static Result<std::unique_ptr<Journal>> open(const std::string& directory, JournalId id, net::Bell& bell,
                                               const JournalOptions& options = {});
  JournalWriter& writer() { return writer_; }
  JournalReader& reader() { return reader_; }

 private:
  Journal(const std::string& directory, JournalId id, net::Bell& bell, const JournalOptions& options);

  journal_parts::Shared shared_;
  JournalWriter writer_;
  JournalReader reader_;
};

}  // namespace gantry::ledger
