#include "ledger/journal.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fstream>
#include <string>
#include <vector>

#include "ledger/journal_test_kit.hpp"

namespace gantry::ledger {
namespace {

const std::string kLong(1000, 'x');
const AttemptBegun kLongBegun{
    .attempt = {1}, .model = kLong, .route = kLong, .upstream = kLong, .upstream_key = kLong};
const GenerationSeen kLongestId{{1}, std::string_view(kLong).substr(0, kGenerationBytes)};
const AttemptSettled kLongSettled{.attempt = {1},
                                  .served_model = kLong,
                                  .provider = kLong,
                                  .outcome = kLong,
                                  .generation = kLongestId.generation};
const AttemptPending kShortPending{.attempt = {1}, .outcome = "timed_out"};

TEST(Journal, gives_back_what_was_written_in_order_and_with_its_sequence) {
  Folder folder;
  Driven journal(folder);
  EXPECT_TRUE(journal.reader().idle());
  EXPECT_EQ(journal.writer().written(), 0U);
  ASSERT_TRUE(journal.write(kLongBegun));
  journal.write(kLongestId);
  journal.write(kLongSettled);
  EXPECT_EQ(journal.writer().written(), 3U);
  EXPECT_FALSE(journal.reader().idle());
  const auto batch = journal.reader().read(100);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->first, 1U);
  add_records(journal.read, *batch);
  EXPECT_EQ(journal.read, journal.records);
}

TEST(Journal, what_was_not_released_is_read_again) {
  Folder folder;
  Driven journal(folder);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(journal.write(kLongBegun));
  const auto read = [&](std::size_t most) { return journal.reader().read(most).value(); };
  EXPECT_EQ(read(2).first, 1U);
  EXPECT_EQ(read(3).entries.size(), 3U) << "from the first one again";
  journal.reader().release(2);
  EXPECT_EQ(read(10).first, 3U);
  EXPECT_EQ(read(10).entries.size(), 3U);
  journal.reader().release(1);
  EXPECT_EQ(read(10).first, 3U) << "released before";
  journal.reader().release(5);
  EXPECT_TRUE(journal.reader().idle());
  EXPECT_EQ(read(10).entries.size(), 0U);
  EXPECT_EQ(read(10).first, 6U);
}

TEST(Journal, goes_on_in_further_segments_and_uses_released_ones_again) {
  EXPECT_TRUE(rc::check([] {
    Folder folder;
    Driven journal(folder);
    Entries entries(*rc::gen::arbitrary<std::uint64_t>());
    for (int i = 0; i < 300; ++i) {
      RC_ASSERT(journal.reader().prepare().has_value());
      if (entries.random().below(8) == 0) journal.read_all(1 + entries.random().below(9));
      // Of begun ones as many as of ends, so that few are open.
      RC_ASSERT(journal.write(entries.begun()));
      journal.write(entries.seen());
      journal.write(entries.random().below(2) == 0 ? Entry{entries.settled()} : Entry{entries.pending()});
    }
    journal.read_all();
    RC_ASSERT(journal.records.size() == 900U);
    RC_ASSERT(journal.read == journal.records);
    RC_ASSERT(journal.reader().prepare().has_value());
    RC_ASSERT(folder.files() <= 2 * small_segments().ready + 1);
  }));
}

TEST(Journal, more_segments_wait_for_a_busy_writer_until_it_rests) {
  Folder folder;
  JournalOptions options = small_segments();
  options.most_ready = 8;
  Driven journal(folder, options);
  const auto fill = [&](std::uint64_t segments) {
    const std::size_t files = folder.files();
    while (folder.files() < files + segments) {
      ASSERT_TRUE(journal.write(kLongBegun));
      journal.write(kLongSettled);
      ASSERT_TRUE(journal.reader().prepare());
    }
  };
  EXPECT_EQ(journal.reader().ready(), 2U);
  fill(6);
  EXPECT_GE(journal.reader().ready(), 6U) << "twice what was taken since";
  EXPECT_LE(journal.reader().ready(), 8U);
  journal.read_all();
  for (int i = 0; i < 8; ++i) journal.read_all(), journal.reader().rest();
  EXPECT_LE(folder.files(), 8U + 1 + options.ready);
  EXPECT_TRUE(journal.write(kLongBegun)) << "memory that was given back is there when it is touched";
  journal.write(kLongSettled);
  journal.read_all();
  EXPECT_EQ(journal.read, journal.records);
}

TEST(Journal, a_generation_that_finds_no_room_is_told_so) {
  Folder folder;
  Driven journal(folder);
  int open = 0;
  for (; journal.writer().write(kLongBegun); ++open) continue;
  int left_out = 0;
  for (int i = 0; i < 10 * open; ++i) left_out += journal.writer().write(kLongestId) ? 0 : 1;
  EXPECT_GT(left_out, 0);
  EXPECT_LT(left_out, 10 * open);
}

TEST(Journal, every_attempt_that_began_can_end_whatever_the_entries_are) {
  EXPECT_TRUE(rc::check([] {
    Folder folder;
    JournalOptions options = small_segments();
    options.ready = *rc::gen::inRange<std::size_t>(1, 5);
    options.segment_bytes = 4096 * *rc::gen::inRange<std::size_t>(1, 4);
    Driven journal(folder, options);
    Entries entries(*rc::gen::arbitrary<std::uint64_t>());
    std::size_t open = 0;
    // Nobody prepares further segments.
    for (bool room = true; room;) {
      room = journal.write(entries.random().below(3) == 0 ? kLongBegun : entries.begun());
      if (!room) break;
      ++open;
      if (entries.random().below(3) == 0) journal.write(kShortPending), --open;
    }
    RC_ASSERT(!journal.writer().has_room());
    const std::uint64_t before = journal.writer().written();
    for (std::size_t i = 0; i < open; ++i) journal.write(kLongestId);
    RC_ASSERT(journal.writer().written() == before + open);
    for (int i = 0; i < 20; ++i) journal.write(kLongestId);  // more than once an attempt: at nobody's cost
    for (std::size_t i = 0; i < open; ++i) journal.write(kLongSettled);
    RC_ASSERT(journal.reader().lost() == 0U);
    journal.read_all();
    RC_ASSERT(journal.read == journal.records);
  }));
}

TEST(Journal, a_new_call_needs_room_for_its_failover_that_a_further_attempt_then_finds) {
  Folder folder;
  Driven journal(folder);
  while (journal.writer().has_room()) ASSERT_TRUE(journal.write(kLongBegun));
  EXPECT_TRUE(journal.write(kLongBegun)) << "calls that were let in go on";
}

TEST(Journal, more_segments_wait_when_more_attempts_are_open) {
  Folder folder;
  Driven journal(folder);
  ASSERT_TRUE(journal.reader().prepare().has_value());
  EXPECT_EQ(journal.reader().ready(), 3U);
  std::size_t open = 0;
  for (; open < 50; ++open) {
    ASSERT_TRUE(journal.reader().prepare().has_value());
    ASSERT_TRUE(journal.write(AttemptBegun{.attempt = {open}}));
  }
  EXPECT_GE(journal.reader().ready() * small_segments().segment_bytes, open * (kLongestSeen + kLongestEnd));
}

// A disk with room for some segments.
struct Disk {
  std::size_t free;
  MakeSegment maker() {
    return [this](const std::string& directory, SegmentName name,
                  std::size_t bytes) -> Result<std::unique_ptr<SegmentFile>> {
      if (free == 0) return fail(Fault::system, "cannot allocate: No space left on device");
      --free;
      return SegmentFile::make(directory, name, bytes);
    };
  }
};

TEST(Journal, on_a_full_disk_new_calls_wait_and_nothing_is_lost) {
  Folder folder;
  Disk disk{.free = 3};
  JournalOptions options = small_segments();
  options.make = disk.maker();
  Driven journal(folder, options);
  std::size_t open = 0;
  Result<void> prepared{};
  while (journal.writer().has_room()) {
    ASSERT_TRUE(journal.write(kLongBegun));
    ++open;
    prepared = journal.reader().prepare();
  }
  ASSERT_FALSE(prepared.has_value());
  EXPECT_EQ(prepared.error().fault, Fault::system);
  EXPECT_FALSE(journal.reader().prepare().has_value()) << "still full";
  for (; open > 0; --open) journal.write(kLongestId), journal.write(kLongSettled);
  EXPECT_EQ(journal.reader().lost(), 0U);
  EXPECT_FALSE(journal.writer().has_room());

  journal.read_all();
  EXPECT_EQ(journal.read, journal.records);
  ASSERT_FALSE(journal.reader().prepare().has_value()) << "the segment in use is not free";
  EXPECT_TRUE(journal.writer().has_room()) << "released segments need no room on the disk";

  disk.free = 10;
  EXPECT_TRUE(journal.reader().prepare().has_value());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(journal.reader().prepare().has_value());
    ASSERT_TRUE(journal.write(kLongBegun));
    journal.write(kLongSettled);
    journal.read_all();
  }
  EXPECT_EQ(journal.read, journal.records);
}

TEST(Journal, what_only_the_pace_wants_may_be_missing_without_a_word) {
  Folder folder;
  Disk disk{.free = 5};
  JournalOptions options = small_segments();
  options.most_ready = 8;
  options.make = disk.maker();
  Driven journal(folder, options);
  bool fine = true;
  int full = 0;
  for (; fine && journal.reader().ready() > 0; ++full) {
    ASSERT_TRUE(journal.write(kLongBegun));
    journal.write(kLongSettled);
    fine = journal.reader().prepare().has_value();
    EXPECT_TRUE(fine || journal.reader().ready() < options.ready);
  }
  EXPECT_FALSE(fine) << "until fewer wait than new calls need";
  EXPECT_GT(full, 5);
}

TEST(Journal, without_room_for_its_first_segments_it_does_not_open_and_leaves_nothing) {
  Folder folder;
  Disk disk{.free = 2};
  JournalOptions options = small_segments();
  options.make = disk.maker();
  net::Bell bell;
  const auto opened = Journal::open(folder.path(), kJournal, bell, options);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().fault, Fault::system);
  EXPECT_EQ(folder.files(), 0U);
}

TEST(Journal, takes_no_more_of_the_disk_than_it_may_and_goes_on_once_entries_are_released) {
  Folder folder;
  JournalOptions options = small_segments();
  options.disk_bytes = 5 * options.segment_bytes;
  Driven journal(folder, options);
  Result<void> prepared{};
  while (journal.writer().has_room()) {
    ASSERT_TRUE(journal.write(kLongBegun));
    journal.write(kLongSettled);
    prepared = journal.reader().prepare();
  }
  EXPECT_EQ(folder.files(), 5U);
  ASSERT_FALSE(prepared.has_value());
  EXPECT_EQ(prepared.error().fault, Fault::overloaded);
  EXPECT_NE(prepared.error().detail.find("shard 3"), std::string::npos) << prepared.error().detail;
  journal.read_all();
  EXPECT_TRUE(journal.reader().prepare().has_value());
  EXPECT_TRUE(journal.writer().has_room());
  EXPECT_LE(folder.files(), 5U);
}

TEST(Journal, a_file_that_another_program_changed_is_told_of) {
  Folder folder;
  Driven journal(folder);
  ASSERT_TRUE(journal.write(kLongBegun));
  ASSERT_TRUE(journal.write(kLongBegun));
  const std::string file = folder.path(segment_name(kJournal, 1));
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
          .seekp(kSegmentHeadBytes + kLongestBegun + 100)
      << 'y';
  EXPECT_EQ(journal.reader().read(1).value().entries.size(), 1U);
  const auto batch = journal.reader().read(2);
  ASSERT_FALSE(batch.has_value());
  EXPECT_EQ(batch.error().fault, Fault::internal);
  EXPECT_NE(batch.error().detail.find(file), std::string::npos) << batch.error().detail;
}

TEST(Journal, a_name_that_is_taken_is_an_error) {
  Folder folder;
  Driven journal(folder);
  net::Bell bell;
  const auto second = Journal::open(folder.path(), kJournal, bell, small_segments());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, Fault::system);
}

}  // namespace
}  // namespace gantry::ledger
