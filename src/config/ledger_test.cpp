#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "config/build.hpp"
#include "config/state_place.hpp"

namespace gantry::config {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string problem_of(std::string_view url) {
  const auto draft = build("[ledger]\nurl = " + std::string(url) + "\n", "g.toml", {});
  return draft.problems.empty() ? "" : draft.problems.front().message + " | " + draft.problems.front().remedy;
}

TEST(LedgerUrl, stands_in_the_file_without_a_password_only) {
  const struct {
    const char* name;
    const char* url;
    const char* problem;  // "" = good
  } rows[] = {
      {"the embedded one", R"("")", ""},
      {"a plain URL", R"("postgres://db.internal/gantry")", ""},
      {"with user and port", R"("postgresql://gantry@db.internal:5432/gantry?sslmode=verify-full")", ""},
      {"with a port and no user", R"("postgres://db.internal:5432/gantry")", ""},
      {"a variable", R"({ env = "LEDGER" })", ""},
      {"a password", R"("postgres://gantry:s3cret@db/gantry")", "holds a password"},
      {"a password with a slash", R"("postgres://gantry:s3c/ret@db/gantry")", "holds a password"},
      {"a password behind", R"("postgres://db/gantry?password=s3cret")", "holds a password"},
      {"another database", R"("mysql://s3cret@db")", "must be a postgres:// URL"},
      {"a number", "5", "must be a postgres:// URL"},
      {"an odd table", R"({ env = "A", file = "s3cret" })", "must be a postgres:// URL"},
  };
  for (const auto& row : rows) {
    const auto problem = problem_of(row.url);
    EXPECT_EQ(problem.empty(), *row.problem == 0) << row.name << ": " << problem;
    EXPECT_THAT(problem, HasSubstr(row.problem)) << row.name;
    EXPECT_THAT(problem, Not(HasSubstr("s3cret"))) << row.name;
  }
}

TEST(LedgerUrl, is_resolved_and_never_shown) {
  Inputs inputs;
  const auto folder =
      std::filesystem::temp_directory_path() / ("gantry-ledger-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  inputs.file = (folder / "g.toml").string();
  std::FILE* file = std::fopen(inputs.file.c_str(), "w");
  std::fputs("[ledger]\nstate = \"/var/tmp/x/\"\nurl = { env = \"LEDGER\" }\n", file);
  std::fclose(file);
  std::filesystem::permissions(inputs.file, std::filesystem::perms::owner_all);

  const auto unset = load(inputs);
  ASSERT_FALSE(unset);
  EXPECT_THAT(unset.error().front().message, HasSubstr("LEDGER is not set"));
  inputs.environment["LEDGER"] = "mysql://s3cret";
  const auto wrong = load(inputs);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(to_text(wrong.error()), Not(HasSubstr("s3cret")));
  inputs.environment["LEDGER"] = "postgres://gantry:s3cret@db/gantry";
  const auto good = load(inputs);
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(good);
  EXPECT_EQ((*good)->ledger.url.reveal(), "postgres://gantry:s3cret@db/gantry");
  EXPECT_FALSE((*good)->ledger.url.embedded());
  EXPECT_EQ((*good)->ledger.state, "/var/tmp/x");
  EXPECT_THAT(show(**good), HasSubstr("url = { env = \"LEDGER\" }"));
  EXPECT_THAT(show(**good), Not(HasSubstr("s3cret")));
  auto other = **good;
  other.ledger.url = {};
  EXPECT_THAT(needs_restart(**good, other), testing::ElementsAre(HasSubstr("ledger.url")));
}

TEST(LedgerState, is_an_absolute_path) {
  EXPECT_TRUE(build("[ledger]\nstate = \"/x\"\n", "g", {}).problems.empty());
  const auto draft = build("[ledger]\nstate = \"state\"\n", "g", {});
  ASSERT_EQ(draft.problems.size(), 1U);
  EXPECT_THAT(draft.problems.front().message, HasSubstr("must be the absolute path of a directory"));
}

TEST(LedgerState, is_found_where_nobody_says_where) {
  using Environment = std::map<std::string, std::string>;
  const struct {
    const char* name;
    Environment environment;
    const char* shared;
    const char* path;
    const char* origin;
  } rows[] = {
      {"systemd's", {{"STATE_DIRECTORY", "/s"}, {"HOME", "/h"}}, "/none", "/s", "STATE_DIRECTORY"},
      {"the first of several", {{"STATE_DIRECTORY", "/s:/t"}}, "/none", "/s", "STATE_DIRECTORY"},
      {"the user's", {{"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}}, "/none", "/x/gantry", "XDG_STATE_HOME"},
      {"below home", {{"HOME", "/h"}}, "/none", "/h/.local/state/gantry", "HOME"},
      {"no absolute path",
       {{"XDG_STATE_HOME", "x"}, {"HOME", "/h"}},
       "/none",
       "/h/.local/state/gantry",
       "HOME"},
      {"nowhere", {}, "/none", "", ""},
  };
  for (const auto& row : rows) {
    const auto place = usual_state_place(row.environment, row.shared);
    EXPECT_EQ(place.path, row.path) << row.name;
    EXPECT_EQ(place.origin, row.origin) << row.name;
  }
  const auto shared = usual_state_place({{"HOME", "/h"}}, "/proc/self");  // root's or not, never writable
  EXPECT_EQ(shared.origin, "HOME");
  if (::geteuid() == 0) EXPECT_EQ(usual_state_place({{"HOME", "/h"}}, "/var/lib").path, "/var/lib");
}

}  // namespace
}  // namespace gantry::config
