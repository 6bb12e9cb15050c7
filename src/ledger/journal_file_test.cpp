#include "ledger/journal_file.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "ledger/journal_test_kit.hpp"

namespace gantry::ledger {
namespace {

constexpr std::size_t kBytes = 65536;

TEST(SegmentName, a_file_has_one_name_and_a_name_one_file) {
  EXPECT_EQ(segment_name(kJournal, 4), "journal-12-3-0000000004");
  EXPECT_EQ(parse_segment_name("journal-12-3-0000000004"), (SegmentName{kJournal, 4}));
  EXPECT_EQ(parse_segment_name("journal-12-3-12345678901"), (SegmentName{kJournal, 12345678901}));
  for (const char* other :
       {"", "journal-", "journal-12-3-4", "journal-12-3-00000000004", "journal-012-3-0000000004",
        "journal-+12-3-0000000004", "journal-12-3-0000000004.old", "journal-12-3", "journal-12-3-",
        "journal-12", "journal-99999999999999999999-3-0000000004", "journal-12-4294967296-0000000004",
        "ledger.db", "lock"})
    EXPECT_FALSE(parse_segment_name(other).has_value()) << other;
}

TEST(SegmentFile, is_for_its_user_alone_and_has_its_blocks_before_it_is_used) {
  Folder folder;
  const auto made = SegmentFile::make(folder.path(), {kJournal, 1}, kBytes);
  ASSERT_TRUE(made.has_value());
  struct stat info{};
  ASSERT_EQ(::stat((*made)->path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(info.st_size, static_cast<off_t>(kBytes));
  EXPECT_GE(static_cast<std::size_t>(info.st_blocks) * 512, kBytes);
  const std::string bytes = contents((*made)->path());
  EXPECT_EQ(decode_head(bytes).head, (SegmentHead{12, 3, 1}));
  EXPECT_EQ(used_bytes(std::string_view(bytes).substr(kSegmentHeadBytes)), 0U);
}

TEST(SegmentFile, what_is_stored_in_its_memory_is_in_the_file) {
  Folder folder;
  const auto made = SegmentFile::make(folder.path(), {kJournal, 1}, kBytes);
  ASSERT_TRUE(made.has_value());
  (*made)->memory()[kBytes - 1] = 'x';
  EXPECT_EQ(contents((*made)->path()).back(), 'x');
}

TEST(SegmentFile, becomes_a_fresh_one_under_another_name) {
  Folder folder;
  const auto made = SegmentFile::make(folder.path(), {kJournal, 1}, kBytes);
  ASSERT_TRUE(made.has_value());
  std::fill_n((*made)->memory() + kSegmentHeadBytes, 1000, 'x');
  ASSERT_TRUE((*made)->become(9).has_value());
  EXPECT_EQ((*made)->number(), 9U);
  EXPECT_EQ(folder.files(), 1U);
  const std::string bytes = contents(folder.path("journal-12-3-0000000009"));
  ASSERT_EQ(bytes.size(), kBytes);
  EXPECT_EQ(decode_head(bytes).head, (SegmentHead{12, 3, 9}));
  EXPECT_EQ(used_bytes(std::string_view(bytes).substr(kSegmentHeadBytes)), 0U);
  EXPECT_TRUE((*made)->remove().has_value());
  EXPECT_EQ(folder.files(), 0U);
}

TEST(SegmentFile, that_cannot_be_renamed_stays_what_it_was) {
  Folder folder;
  const auto made = SegmentFile::make(folder.path(), {kJournal, 1}, kBytes);
  ASSERT_TRUE(made.has_value());
  (*made)->memory()[kSegmentHeadBytes] = 'x';
  std::filesystem::create_directory(folder.path("journal-12-3-0000000002"));
  EXPECT_FALSE((*made)->become(2).has_value());
  EXPECT_EQ((*made)->number(), 1U);
  EXPECT_EQ(contents((*made)->path())[kSegmentHeadBytes], 'x');
}

// No file of this process grows beyond so many bytes.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    before_signal_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, before_signal_);
  }

 private:
  rlimit before_{};
  void (*before_signal_)(int);
};

TEST(SegmentFile, that_finds_no_room_says_so_and_leaves_nothing) {
  Folder folder;
  {
    const FileLimit limit(kBytes / 2);
    const auto made = SegmentFile::make(folder.path(), {kJournal, 1}, kBytes);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().fault, Fault::system);
    EXPECT_THAT(made.error().detail, testing::HasSubstr(folder.path("journal-12-3-0000000001")));
    EXPECT_THAT(made.error().detail, testing::HasSubstr("make room"));
  }
  EXPECT_EQ(folder.files(), 0U);
  EXPECT_TRUE(SegmentFile::make(folder.path(), {kJournal, 1}, kBytes).has_value()) << "room is back";
}

TEST(SegmentFile, does_not_touch_a_file_that_is_there) {
  Folder folder;
  put_contents(folder.path(segment_name(kJournal, 1)), "precious");
  EXPECT_FALSE(SegmentFile::make(folder.path(), {kJournal, 1}, kBytes).has_value());
  EXPECT_EQ(contents(folder.path(segment_name(kJournal, 1))), "precious");
}

TEST(SegmentFile, segments_are_listed_in_their_order) {
  Folder folder;
  for (const char* name : {"journal-12-3-0000000010", "journal-12-3-0000000009", "journal-9-0-0000000001",
                           "journal-12-0-0000000001", "ledger.db", "lock"})
    put_contents(folder.path(name), "");
  const auto listed = list_segments(folder.path());
  ASSERT_TRUE(listed.has_value());
  EXPECT_THAT(*listed, testing::ElementsAre(SegmentName{{{9}, 0}, 1}, SegmentName{{{12}, 0}, 1},
                                            SegmentName{kJournal, 9}, SegmentName{kJournal, 10}));
  EXPECT_FALSE(list_segments(folder.path("nowhere")).has_value());
}

}  // namespace
}  // namespace gantry::ledger
