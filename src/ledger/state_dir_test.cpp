#include "ledger/state_dir.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "ledger/journal_test_kit.hpp"

namespace gantry::ledger {
namespace {

using testing::HasSubstr;

constexpr unsigned long kExt4 = 0xEF53;

StateDirectoryOptions lying_on(unsigned long type) {
  return {.file_system = [type](const std::string&) -> Result<unsigned long> { return type; }};
}
unsigned mode_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}
std::string refusal(const std::string& path, const StateDirectoryOptions& options = lying_on(kExt4)) {
  const auto opened = StateDirectory::open(path, options);
  return opened ? "" : opened.error().detail;
}

TEST(StateDirectory, makes_itself_and_what_is_above_it_for_its_user_alone) {
  Folder folder;
  const std::string path = folder.path("state/gantry");
  const mode_t before = ::umask(0);
  const auto opened = StateDirectory::open(path, lying_on(kExt4));
  ::umask(before);
  ASSERT_TRUE(opened.has_value()) << opened.error().detail;
  EXPECT_EQ(opened->path(), path);
  EXPECT_EQ(mode_of(folder.path("state")), 0700U);
  EXPECT_EQ(mode_of(path), 0700U);
  EXPECT_EQ(mode_of(path + "/lock"), 0600U);
}

TEST(StateDirectory, has_a_name_of_its_own_that_it_keeps_when_it_is_moved) {
  Folder folder;
  std::string name;
  {
    const auto opened = StateDirectory::open(folder.path("one"), lying_on(kExt4));
    ASSERT_TRUE(opened.has_value());
    const auto given = opened->identity();
    ASSERT_TRUE(given.has_value()) << given.error().detail;
    EXPECT_EQ(given->size(), 32U);
    EXPECT_EQ(opened->identity(), given);
    name = *given;
    const auto another = StateDirectory::open(folder.path("two"), lying_on(kExt4));
    ASSERT_TRUE(another.has_value());
    EXPECT_NE(another->identity().value_or(name), name);
  }
  std::filesystem::rename(folder.path("one"), folder.path("moved"));
  const auto again = StateDirectory::open(folder.path("moved"), lying_on(kExt4));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->identity().value_or(""), name);
  ASSERT_EQ(::truncate(folder.path("moved/id").c_str(), 3), 0);
  EXPECT_THAT(again->identity().error().detail, HasSubstr("moved/id"));
}

TEST(StateDirectory, serves_one_at_a_time_and_says_whom) {
  Folder folder;
  {
    const auto first = StateDirectory::open(folder.path(), lying_on(kExt4));
    ASSERT_TRUE(first.has_value());
    const auto second = StateDirectory::open(folder.path(), lying_on(kExt4));
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().fault, Fault::refused);
    EXPECT_THAT(second.error().detail, HasSubstr(folder.path("lock")));
    EXPECT_THAT(second.error().detail, HasSubstr("process " + std::to_string(::getpid())));
    EXPECT_THAT(second.error().detail, HasSubstr("Stop that one"));
  }
  EXPECT_EQ(refusal(folder.path()), "") << "it was given back";
}

TEST(StateDirectory, is_free_again_when_its_process_is_killed) {
  Folder folder;
  int pipes[2];
  ASSERT_EQ(::pipe(pipes), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = StateDirectory::open(folder.path(), lying_on(kExt4));
    const char answer = held ? 'y' : 'n';
    if (::write(pipes[1], &answer, 1) == 1) ::pause();
    ::_exit(1);
  }
  char answer = 0;
  ASSERT_EQ(::read(pipes[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_THAT(refusal(folder.path()), HasSubstr("process " + std::to_string(child)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(pipes[0]);
  ::close(pipes[1]);
  EXPECT_EQ(refusal(folder.path()), "");
}

TEST(StateDirectory, refuses_what_others_can_write) {
  Folder folder;
  for (const mode_t mode : {0720U, 0702U, 0777U}) {
    ASSERT_EQ(::chmod(folder.path().c_str(), mode), 0);
    EXPECT_THAT(refusal(folder.path()), HasSubstr("chmod 700")) << mode;
  }
  ASSERT_EQ(::chmod(folder.path().c_str(), 0750), 0);
  EXPECT_EQ(refusal(folder.path()), "") << "others may look at it: its files are 0600";
}

TEST(StateDirectory, refuses_what_belongs_to_another_user) {
  if (::geteuid() != 0) {
    EXPECT_THAT(refusal("/"), HasSubstr("belongs to user 0"));
    return;
  }
  Folder folder;
  ASSERT_EQ(::chown(folder.path().c_str(), 12345, 12345), 0);
  EXPECT_THAT(refusal(folder.path()), HasSubstr("belongs to user 12345"));
}

TEST(StateDirectory, refuses_what_is_no_directory_and_what_cannot_be_made) {
  Folder folder;
  put_contents(folder.path("file"), "");
  EXPECT_THAT(refusal(folder.path("file")), HasSubstr("is not a directory"));
  EXPECT_THAT(refusal(folder.path("file/below")), HasSubstr(folder.path("file/below")));
  EXPECT_THAT(refusal(""), HasSubstr("has no name"));
}

TEST(StateDirectory, does_not_follow_a_link_instead_of_its_lock) {
  Folder folder;
  put_contents(folder.path("precious"), "precious");
  std::filesystem::create_symlink(folder.path("precious"), folder.path("lock"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr(folder.path("lock")));
  EXPECT_EQ(contents(folder.path("precious")), "precious");
}

TEST(StateDirectory, refuses_file_systems_that_do_not_lock_and_map_as_a_disk_does) {
  Folder folder;
  const struct {
    const char* name;
    unsigned long type;
    const char* said;
  } refused[] = {{"nfs", 0x6969, "NFS"},           {"smb", 0x517B, "SMB"},
                 {"cifs", 0xFF534D42, "SMB"},      {"smb2", 0xFE534D42, "SMB"},
                 {"fuse", 0x65735546, "FUSE"},     {"afs", 0x5346414F, "cluster"},
                 {"ceph", 0x00C36400, "cluster"},  {"lustre", 0x0BD00BD0, "cluster"},
                 {"gfs2", 0x01161970, "cluster"},  {"ocfs2", 0x7461636F, "cluster"},
                 {"gpfs", 0x47504653, "cluster"},  {"coda", 0x73757245, "cluster"},
                 {"9p", 0x01021997, "virtual"},    {"vboxsf", 0x786F4256, "virtual"},
                 {"vmhgfs", 0xBACBACBC, "virtual"}};
  for (const auto& row : refused) {
    const auto opened = StateDirectory::open(folder.path(), lying_on(row.type));
    ASSERT_FALSE(opened.has_value()) << row.name;
    EXPECT_EQ(opened.error().fault, Fault::bad_input) << row.name;
    EXPECT_THAT(opened.error().detail, HasSubstr(row.said)) << row.name;
    EXPECT_THAT(opened.error().detail, HasSubstr(folder.path())) << row.name;
    EXPECT_THAT(opened.error().detail, HasSubstr("a disk of this machine")) << row.name;
  }
  for (const unsigned long local :
       {kExt4, 0x58465342UL, 0x9123683EUL, 0x01021994UL, 0x794C7630UL, 0x2FC12FC1UL})
    EXPECT_EQ(refusal(folder.path(), lying_on(local)), "") << local;
}

}  // namespace
}  // namespace gantry::ledger
