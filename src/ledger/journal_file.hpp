#pragma once
// A journal's files: segments of a fixed size in one directory, named by holder, shard and number, mapped
// into memory. Their bytes are those of entry_code.hpp.
//
// A segment is made by the recorder: its blocks are allocated and each of its pages is written once, so that
// the shard that fills it later neither waits for the file system nor gets a SIGBUS when the disk is full.
// (A file system that copies on write, such as btrfs or ZFS, promises less: it may need new blocks for old
// ones.)

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ledger/entry_code.hpp"
#include "ledger/ledger.hpp"

namespace gantry::ledger {

/// Whose journal it is.
struct JournalId {
  HolderId holder{};
  std::uint32_t shard = 0;
  auto operator<=>(const JournalId&) const = default;
};

/// "journal-12-0-0000000003": holder, shard, number.
std::string segment_name(JournalId journal, std::uint64_t number);
struct SegmentName {
  JournalId journal{};
  std::uint64_t number = 0;
  auto operator<=>(const SegmentName&) const = default;
};
std::optional<SegmentName> parse_segment_name(std::string_view name);
/// All segments in a directory, in order.
Result<std::vector<SegmentName>> list_segments(const std::string& directory);

/// One segment, mapped to be written. The file stays when this goes.
class SegmentFile {
 public:
  /// Makes the file (0600) with its head. A failure leaves none behind, and says what to do.
  static Result<std::unique_ptr<SegmentFile>> make(const std::string& directory, SegmentName name,
                                                   std::size_t bytes);
  ~SegmentFile();
  SegmentFile(const SegmentFile&) = delete;

  /// Becomes a fresh segment of the same journal. Needs no room on the disk. After a failure it is what it
  /// was.
  Result<void> become(std::uint64_t number);
  /// Deletes the file.
  Result<void> remove();
  /// Its pages count no longer as this process's memory until they are touched again. They stay in the file
  /// and in the system's cache. Any thread, also while another one writes.
  void page_out();

  [[nodiscard]] char* memory() const { return memory_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t number() const { return name_.number; }
  [[nodiscard]] std::string path() const {
    return directory_ + '/' + segment_name(name_.journal, name_.number);
  }

 private:
  SegmentFile(std::string directory, SegmentName name, char* memory, std::size_t bytes);
  void write_head();

  std::string directory_;
  SegmentName name_;
  char* memory_;
  std::size_t bytes_;
};

/// Where segments come from: SegmentFile::make, or a disk that is full in tests.
using MakeSegment = std::function<Result<std::unique_ptr<SegmentFile>>(const std::string& directory,
                                                                       SegmentName name, std::size_t bytes)>;

}  // namespace gantry::ledger
