#include "config/secret_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/config.hpp"

namespace gantry::config {
namespace {

using From = SecretReference::From;
using testing::HasSubstr;
using testing::Not;

// A folder that goes away with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "gantry-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, std::string_view text, mode_t mode) const {
    const auto file = (path_ / name).string();
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  std::string at(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

TEST(SecretFile, is_read_without_the_white_space_around_it) {
  const Folder folder;
  const auto key = resolve({From::file, {folder.write("key", " sk-or-v1-abc\r\n", 0600)}}, {});
  ASSERT_TRUE(key);
  EXPECT_EQ(key->reveal(), "sk-or-v1-abc");
}

TEST(SecretFile, may_belong_to_a_group_that_reads_it) {
  const Folder folder;
  EXPECT_TRUE(resolve({From::file, {folder.write("key", "k", 0640)}}, {}));
}

TEST(SecretFile, is_refused_when_the_wrong_people_can_use_it) {
  const Folder folder;
  const std::tuple<const char*, mode_t, const char*> rows[] = {
      {"everyone reads", 0644, "can be read by everyone (chmod o-r)"},
      {"everyone writes", 0602, "can be written by others (chmod go-w)"},
      {"the group writes", 0620, "can be written by others (chmod go-w)"}};
  for (const auto& [name, mode, expected] : rows) {
    const auto key = resolve({From::file, {folder.write("key", "sk-or-v1-abc", mode)}}, {});
    ASSERT_FALSE(key) << name;
    EXPECT_THAT(key.error().detail, HasSubstr(expected)) << name;
  }
}

TEST(SecretFile, must_hold_one_word) {
  const Folder folder;
  for (const auto* text : {"", " \n", "two words", "a\nb", "k\x01", "schl\xc3\xbcssel"}) {
    const auto key = resolve({From::file, {folder.write("key", text, 0600)}}, {});
    EXPECT_FALSE(key) << text;
  }
  EXPECT_EQ(resolve({From::file, {folder.at("absent")}}, {}).error().fault, Fault::not_found);
  EXPECT_FALSE(resolve({From::file, {std::filesystem::temp_directory_path().string()}}, {})) << "a folder";
  EXPECT_EQ(resolve({From::file, {folder.write("long", std::string(70'000, 'k'), 0600)}}, {}).error().fault,
            Fault::too_large);
}

TEST(ConfigFile, may_be_read_but_not_written_by_others) {
  const Folder folder;
  EXPECT_TRUE(read_guarded(folder.write("c", "x", 0644), FileUse::config, 10));
  EXPECT_FALSE(read_guarded(folder.write("c", "x", 0646), FileUse::config, 10));
  EXPECT_FALSE(read_guarded(folder.write("c", "x", 0664), FileUse::config, 10));
}

TEST(SecretVariable, that_is_not_set_gives_no_key_and_no_problem) {
  EXPECT_TRUE(resolve({From::env, {"K"}}, {}).value().empty());
  EXPECT_TRUE(resolve({From::env, {"K"}}, {{"K", ""}}).value().empty());
  EXPECT_EQ(resolve({From::env, {"K"}}, {{"K", "abc"}}).value().reveal(), "abc");
  EXPECT_FALSE(resolve({From::env, {"K"}}, {{"K", "two words"}}));
}

TEST(SecretCommand, gives_what_the_program_prints) {
  const auto key = resolve({From::command, {"printf", "%s\n", "sk-or-v1-abc"}}, {});
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->reveal(), "sk-or-v1-abc");
}

TEST(SecretCommand, gets_its_arguments_as_they_are) {
  const auto key = resolve({From::command, {"printf", "%s", "$(id);`id`|id"}}, {});
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->reveal(), "$(id);`id`|id");
}

TEST(SecretCommand, that_fails_is_told_without_what_it_printed) {
  struct Row {
    const char* name;
    std::vector<std::string> words;
    const char* expected;
  };
  const Row rows[] = {
      {"exit code", {"sh", "-c", "echo topsecret; exit 3"}, "the command sh failed with exit code 3"},
      {"signal", {"sh", "-c", "echo topsecret; kill -9 $$"}, "the command sh was ended by a signal"},
      {"nothing", {"true"}, "what the command true printed is empty"},
      {"absent", {"no-such-program-here"}, "no-such-program-here cannot be run"},
      {"too much",
       {"sh", "-c", "yes topsecret | head -c 5000"},
       "the command sh printed more than 1000 bytes"}};
  for (const auto& row : rows) {
    const auto key = resolve({From::command, row.words}, {}, {.output = 1000});
    ASSERT_FALSE(key) << row.name;
    EXPECT_THAT(key.error().detail, HasSubstr(row.expected)) << row.name;
    EXPECT_THAT(key.error().detail, Not(HasSubstr("topsecret"))) << row.name;
  }
}

TEST(SecretCommand, that_hangs_is_ended_with_its_children) {
  for (const auto* script : {"sleep 1000", "echo k; exec >&-; sleep 1000", "sleep 1000 & wait"}) {
    const auto key =
        resolve({From::command, {"sh", "-c", script}}, {}, {.time = std::chrono::milliseconds{200}});
    ASSERT_FALSE(key) << script;
    EXPECT_EQ(key.error().fault, Fault::timed_out) << script;
  }
}

TEST(Keys, are_found_and_masked_in_text) {
  EXPECT_TRUE(holds_key("x sk-or-v1-abc"));
  EXPECT_FALSE(holds_key("keys look like sk-or-…"));
  EXPECT_EQ(without_keys("a sk-or-v1-abc_d-e f sk-or-x."), "a sk-or-*** f sk-or-***.");
  EXPECT_EQ(without_keys("sk-or-"), "sk-or-");
}

}  // namespace
}  // namespace gantry::config
