#pragma once
// Journals in a folder of the test's own.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "ledger/entry_test_kit.hpp"
#include "ledger/journal.hpp"
#include "ledger/leftovers.hpp"

namespace gantry::ledger {

/// Goes with all that is in it.
class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "gantry-journal-XXXXXX";
    if (::mkdtemp(name.data())) path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(const std::string& file) const { return path_ + '/' + file; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::string path_;
};

inline std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::string bytes(in ? static_cast<std::size_t>(in.tellg()) : 0, '\0');
  in.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}
inline void put_contents(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline constexpr JournalId kJournal{.holder = {12}, .shard = 3};
inline JournalOptions small_segments() {
  JournalOptions options;
  options.segment_bytes = 8192;
  options.ready = options.most_ready = 3;
  options.disk_bytes = std::size_t{1} << 20;
  return options;
}

/// Entries as the records that they have: text that outlives the journal's memory.
inline void add_records(std::vector<std::string>& to, const JournalBatch& batch) {
  for (std::size_t i = 0; i < batch.entries.size(); ++i)
    to.push_back(record_of(batch.entries[i], batch.first + i));
}

struct Replayed {
  std::vector<std::string> records{};
  std::uint64_t torn_bytes = 0;
};
/// All that the journal of one shard left.
inline Replayed replay(const std::string& folder, std::uint64_t after = 0, std::size_t most = 7) {
  Replayed all;
  auto left = leftovers(folder, kJournal.holder);
  EXPECT_TRUE(left.has_value());
  if (!left || left->empty()) return all;
  LeftJournal& journal = left->front();
  for (;;) {
    const auto batch = journal.read(after, most);
    EXPECT_TRUE(batch.has_value()) << (batch ? "" : batch.error().detail);
    if (!batch || batch->entries.empty()) break;
    add_records(all.records, *batch);
  }
  all.torn_bytes = journal.torn_bytes();
  return all;
}

/// A journal that is used by one thread, and the records of what was written to it.
class Driven {
 public:
  explicit Driven(const Folder& folder, const JournalOptions& options = small_segments()) {
    auto opened = Journal::open(folder.path(), kJournal, bell_, options);
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().detail);
    if (opened) journal_ = std::move(*opened);
  }
  JournalWriter& writer() { return journal_->writer(); }
  JournalReader& reader() { return journal_->reader(); }
  net::Bell& bell() { return bell_; }

  /// False when it was an attempt's begin that found no room.
  bool write(const Entry& entry) {
    const std::uint64_t before = writer().written();
    if (const auto* begun = std::get_if<AttemptBegun>(&entry)) {
      if (!writer().write(*begun)) return false;
    } else if (const auto* seen = std::get_if<GenerationSeen>(&entry)) {
      writer().write(*seen);
    } else if (const auto* settled = std::get_if<AttemptSettled>(&entry)) {
      writer().write(*settled);
    } else {
      writer().write(std::get<AttemptPending>(entry));
    }
    if (writer().written() != before) records.push_back(record_of(entry, writer().written()));
    return true;
  }
  /// Reads and releases all there is.
  void read_all(std::size_t most = 5) {
    for (;;) {
      const auto batch = reader().read(most);
      ASSERT_TRUE(batch.has_value()) << batch.error().detail;
      if (batch->entries.empty()) return;
      add_records(read, *batch);
      reader().release(batch->first + batch->entries.size() - 1);
    }
  }

  std::vector<std::string> records, read;

 private:
  net::Bell bell_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace gantry::ledger
