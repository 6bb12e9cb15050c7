#include "ledger/leftovers.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ledger/crc32c.hpp"
#include "ledger/journal_test_kit.hpp"

namespace gantry::ledger {
namespace {

namespace fs = std::filesystem;

// The files of a folder, by name.
using Files = std::map<std::string, std::string>;
Files files_in(const Folder& folder) {
  Files files;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    files[entry.path().filename()] = contents(entry.path());
  return files;
}
Replayed replay_of(const Files& files, std::uint64_t after = 0) {
  Folder folder;
  for (const auto& [name, bytes] : files) put_contents(folder.path(name), bytes);
  return replay(folder.path(), after, 1 + files.size());
}
bool is_prefix(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

TEST(Leftovers, a_copy_made_at_any_moment_holds_all_that_was_written_before_it) {
  EXPECT_TRUE(rc::check([] {
    Folder folder;
    Driven journal(folder);
    Entries entries(*rc::gen::arbitrary<std::uint64_t>());
    const std::size_t last = entries.random().below(80);
    const std::size_t copied_after = entries.random().below(last + 1);
    Files copy;
    for (std::size_t i = 0; i <= last; ++i) {
      RC_ASSERT(journal.reader().prepare().has_value());
      if (i == copied_after) copy = files_in(folder);
      if (i < last) journal.write(entries.any());
    }
    const Replayed replayed = replay_of(copy);
    RC_ASSERT(replayed.records ==
              std::vector<std::string>(
                  journal.records.begin(),
                  journal.records.begin() + static_cast<std::ptrdiff_t>(replayed.records.size())));
    RC_ASSERT(replayed.records.size() == std::min(copied_after, journal.records.size()));
    RC_ASSERT(replayed.torn_bytes == 0U);
  }));
}

TEST(Leftovers, of_an_entry_that_was_being_written_nothing_is_seen_until_it_is_whole) {
  EXPECT_TRUE(rc::check([] {
    Folder folder;
    Driven journal(folder);
    Entries entries(*rc::gen::arbitrary<std::uint64_t>());
    const std::size_t before = entries.random().below(10);
    for (std::size_t i = 0; i < before; ++i) journal.write(entries.any());
    const std::size_t whole = journal.records.size();
    const Files without = files_in(folder);
    journal.write(entries.any());
    const Files with = files_in(folder);
    // Any bytes of it may have arrived: those that did not are still zero.
    Files mixed = with;
    for (auto& [name, bytes] : mixed)
      for (std::size_t i = 0; i < bytes.size(); ++i)
        if (bytes[i] != without.at(name)[i] && entries.random().below(3) == 0) bytes[i] = without.at(name)[i];
    const Replayed replayed = replay_of(mixed);
    RC_ASSERT(is_prefix(replayed.records, journal.records));
    RC_ASSERT(replayed.records.size() == (mixed == with ? journal.records.size() : whole));
  }));
}

TEST(Leftovers, every_cut_and_any_damage_leaves_a_prefix) {
  EXPECT_TRUE(rc::check([] {
    Folder folder;
    Driven journal(folder);
    Entries entries(*rc::gen::arbitrary<std::uint64_t>());
    for (int i = 0; i < 60; ++i) {
      RC_ASSERT(journal.reader().prepare().has_value());
      journal.write(entries.any());
    }
    Files files = files_in(folder);
    auto damaged =
        std::next(files.begin(), static_cast<std::ptrdiff_t>(entries.random().below(files.size())));
    std::string& bytes = damaged->second;
    const std::size_t at = entries.random().below(bytes.size());
    switch (entries.random().below(4)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << entries.random().below(8)));
        break;
      case 2:
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), '\0');
        break;
      default:
        files.erase(damaged);
        break;
    }
    const Replayed replayed = replay_of(files);
    const bool first_is_gone = files.begin()->first != segment_name(kJournal, 1);
    RC_PRE(!first_is_gone);  // its entries were released then, and the rest goes on without them
    RC_ASSERT(is_prefix(replayed.records, journal.records));
  }));
}

TEST(Leftovers, begins_behind_what_the_ledger_has) {
  Folder folder;
  Driven journal(folder);
  Entries entries(1);
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(journal.reader().prepare().has_value());
    journal.write(entries.any());
  }
  auto left = leftovers(folder.path(), kJournal.holder);
  ASSERT_TRUE(left.has_value());
  const auto batch = left->front().read(50, 4);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->first, 51U);
  const Replayed rest = replay(folder.path(), 50);
  EXPECT_EQ(rest.records, std::vector<std::string>(journal.records.begin() + 50, journal.records.end()));
  EXPECT_TRUE(replay(folder.path(), 60).records.empty());
}

TEST(Leftovers, goes_on_where_released_segments_are_gone) {
  Folder folder;
  Driven journal(folder);
  Entries entries(2);
  for (int i = 0; i < 120; ++i) {
    ASSERT_TRUE(journal.reader().prepare().has_value());
    if (i == 60) journal.read_all();
    journal.write(entries.any());
  }
  const Replayed replayed = replay(folder.path(), 60);
  EXPECT_EQ(replayed.records, std::vector<std::string>(journal.records.begin() + 60, journal.records.end()));
  EXPECT_EQ(replayed.torn_bytes, 0U);
}

TEST(Leftovers, a_segment_that_was_being_made_again_holds_nothing) {
  Folder folder;
  Driven journal(folder);
  ASSERT_TRUE(journal.write(Entries(3).begun()));
  const Files files = files_in(folder);
  const std::string old = files.at(segment_name(kJournal, 1));
  const struct {
    const char* name;
    std::string bytes;
  } rows[] = {
      {"renamed, and not yet emptied", old},
      {"its head is gone", std::string(kSegmentHeadBytes, '\0') + old.substr(kSegmentHeadBytes)},
      {"empty", std::string(8192, '\0')},
      {"no byte was allocated", ""},
  };
  for (const auto& row : rows) {
    Files with = files;
    with[segment_name(kJournal, 4)] = row.bytes;
    const Replayed replayed = replay_of(with);
    EXPECT_EQ(replayed.records, journal.records) << row.name;
    EXPECT_EQ(replayed.torn_bytes, 0U) << row.name;
  }
}

TEST(Leftovers, what_is_dropped_is_counted) {
  Folder folder;
  Driven journal(folder);
  Entries entries(4);
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(journal.reader().prepare().has_value());
    journal.write(entries.any());
  }
  Files files = files_in(folder);
  std::string& first = files.at(segment_name(kJournal, 1));
  first[kSegmentHeadBytes + 20] = static_cast<char>(first[kSegmentHeadBytes + 20] ^ 1);
  const Replayed replayed = replay_of(files);
  EXPECT_TRUE(replayed.records.empty());
  std::size_t bytes = 0;
  for (const std::string& record : journal.records) bytes += record.size();
  // Each segment's last record may end in zero bytes, which cannot be told from none.
  EXPECT_LE(replayed.torn_bytes, bytes);
  EXPECT_GE(replayed.torn_bytes + 7 * files.size(), bytes);
}

// A file whose version is the next one, with its checksum.
TEST(Leftovers, what_a_newer_program_wrote_is_refused_and_not_dropped) {
  Folder folder;
  Driven journal(folder);
  ASSERT_TRUE(journal.write(Entries(5).begun()));
  const std::string first = segment_name(kJournal, 1);
  const auto store = [](std::string& bytes, std::size_t at, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(number >> (8 * i));
  };
  Files newer_head = files_in(folder), newer_record = newer_head;
  std::string& head = newer_head.at(first);
  head[8] = 2;
  store(head, 32, crc32c(std::string_view(head).substr(0, 32)));
  std::string& bytes = newer_record.at(first);
  bytes[kSegmentHeadBytes + 17] = 2;
  const std::string_view record =
      std::string_view(bytes).substr(kSegmentHeadBytes, journal.records[0].size());
  store(bytes, kSegmentHeadBytes + 4, crc32c(record.substr(8), crc32c(record.substr(0, 4))));
  for (const Files& files : {newer_head, newer_record}) {
    Folder copy;
    for (const auto& [name, content] : files) put_contents(copy.path(name), content);
    auto left = leftovers(copy.path(), kJournal.holder);
    ASSERT_TRUE(left.has_value());
    const auto batch = left->front().read(0, 10);
    ASSERT_FALSE(batch.has_value());
    EXPECT_EQ(batch.error().fault, Fault::malformed);
    EXPECT_THAT(batch.error().detail, testing::HasSubstr(copy.path(first)));
  }
}

TEST(Leftovers, are_those_of_one_holder_by_shard_and_go_when_told) {
  Folder folder;
  net::Bell bell;
  for (const JournalId id : {JournalId{{12}, 0}, JournalId{{12}, 1}, JournalId{{13}, 0}}) {
    auto journal = Journal::open(folder.path(), id, bell, small_segments());
    ASSERT_TRUE(journal.has_value());
    ASSERT_TRUE((*journal)->writer().write(AttemptBegun{.attempt = {id.shard}}));
  }
  auto left = leftovers(folder.path(), {12});
  ASSERT_TRUE(left.has_value());
  ASSERT_EQ(left->size(), 2U);
  for (std::uint32_t shard = 0; shard < 2; ++shard) {
    EXPECT_EQ((*left)[shard].shard(), shard);
    const auto batch = (*left)[shard].read(0, 10);
    ASSERT_TRUE(batch.has_value());
    ASSERT_EQ(batch->entries.size(), 1U);
    EXPECT_EQ(std::get<AttemptBegun>(batch->entries[0]).attempt.value, shard);
  }
  EXPECT_TRUE(remove_journals(folder.path(), {12}).has_value());
  EXPECT_TRUE(leftovers(folder.path(), {12}).value().empty());
  EXPECT_EQ(leftovers(folder.path(), {13}).value().size(), 1U);
}

}  // namespace
}  // namespace gantry::ledger
