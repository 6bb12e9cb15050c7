#include "access/server_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace gantry::access {
namespace {

using testing::HasSubstr;
using testing::Not;

class ServerFiles : public testing::Test {
 protected:
  ServerFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "gantry-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ServerFiles() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::filesystem::path path() const { return std::filesystem::path(folder_) / kServerFile; }
  void put(std::string_view text) {
    std::ofstream(path()) << text;
    ::chmod(path().c_str(), 0600);
  }
  std::string folder_;
};

TEST_F(ServerFiles, are_read_as_they_were_written) {
  const ServerFile file{.url = "http://127.0.0.1:8700", .admin_token = Secret("gk-admin-1\"2"), .pid = 4711};
  ASSERT_TRUE(write_server_file(folder_, {.url = "http://old", .admin_token = Secret("x"), .pid = 1}));
  ASSERT_TRUE(write_server_file(folder_, file));
  struct stat info{};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  const auto read = read_server_file(folder_);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->url, file.url);
  EXPECT_TRUE((*read)->admin_token.matches(file.admin_token.reveal()));
  EXPECT_EQ((*read)->pid, 4711);
}

TEST_F(ServerFiles, may_be_missing) {
  const auto read = read_server_file(folder_);
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
  put("{}");
  remove_server_file(folder_);
  remove_server_file(folder_);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ServerFiles, that_others_can_use_are_refused) {
  put(R"({"url":"http://x","admin_token":"t"})");
  for (const mode_t mode : {0640U, 0604U, 0620U}) {
    ::chmod(path().c_str(), mode);
    const auto read = read_server_file(folder_);
    ASSERT_FALSE(read) << mode;
    EXPECT_EQ(read.error().fault, Fault::bad_input);
    EXPECT_THAT(read.error().detail, HasSubstr("chmod 600"));
  }
}

TEST_F(ServerFiles, that_are_links_are_refused) {
  std::filesystem::create_symlink("/etc/hostname", path());
  EXPECT_FALSE(read_server_file(folder_));
}

TEST_F(ServerFiles, that_are_damaged_are_told_without_their_text) {
  for (const auto* text : {"", "{", "[]", R"({"url":"http://x"})", R"({"admin_token":"s3cret"})",
                           R"({"url":1,"admin_token":"s3cret"})"}) {
    put(text);
    const auto read = read_server_file(folder_);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().fault, Fault::bad_input) << text;
    EXPECT_THAT(read.error().detail, Not(HasSubstr("s3cret")));
  }
  put(std::string(20'000, ' '));
  EXPECT_EQ(read_server_file(folder_).error().fault, Fault::too_large);
}

TEST_F(ServerFiles, cannot_be_written_where_there_is_no_directory) {
  const auto done = write_server_file(folder_ + "/none", {.url = "u", .admin_token = Secret("t")});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().fault, Fault::system);
}

}  // namespace
}  // namespace gantry::access
