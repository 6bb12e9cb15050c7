// What only the file does: its rights, its clock, what is wrong with it, and its copies.
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ledger/contract_kit.hpp"
#include "ledger/migrations.hpp"
#include "ledger/sqlite/database.hpp"

namespace gantry::ledger {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LedgerFile : public testing::Test {
 protected:
  LedgerFile() {
    std::string path = (fs::temp_directory_path() / "ledger-XXXXXX").string();
    directory_ = ::mkdtemp(path.data());
    file_ = directory_ + "/ledger.db";
  }
  ~LedgerFile() override { fs::remove_all(directory_); }
  [[nodiscard]] Result<std::unique_ptr<Ledger>> opened() const { return open(file_, time_); }
  [[nodiscard]] std::unique_ptr<Ledger> ledger() const { return opened().value(); }
  static unsigned mode(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 0777;
  }
  // What another program does to the file.
  void meddle(const char* statements) const {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &raw), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(raw, statements, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
    sqlite3_close(raw);
  }
  void overwrite(std::streamoff at, std::size_t bytes) const {
    std::fstream out(file_, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(at);
    out << std::string(bytes, 'x');
  }

  ManualTime time_;
  std::string directory_, file_;
};

TEST_F(LedgerFile, is_for_its_owner_only) {
  const ::mode_t before = ::umask(0);
  const auto one = ledger();
  ::umask(before);
  EXPECT_EQ(mode(file_), 0600U);
  EXPECT_EQ(mode(file_ + "-wal"), 0600U);
}

TEST_F(LedgerFile, that_others_could_read_is_closed_to_them) {
  ledger().reset();
  ASSERT_EQ(::chmod(file_.c_str(), 0644), 0);
  ledger().reset();
  EXPECT_EQ(mode(file_), 0600U);
}

TEST_F(LedgerFile, may_be_in_memory) {
  const auto one = open(":memory:", time_);
  ASSERT_TRUE(one) << one.error().detail;
  EXPECT_TRUE((*one)->add_project("p", {}));
  EXPECT_THAT((*one)->check().value(), IsEmpty());
  EXPECT_FALSE(fs::exists(":memory:"));
}

TEST_F(LedgerFile, needs_a_place) {
  expect_fault(open("", time_), Fault::bad_input, "needs a place");
  file_ = directory_ + "/missing/ledger.db";
  expect_fault(opened(), Fault::system, "write to its directory");
  file_ = directory_;
  expect_fault(opened(), Fault::system, "unable to open");
}

TEST_F(LedgerFile, of_another_program_is_refused_and_left_alone) {
  meddle("CREATE TABLE theirs (a)");
  expect_fault(opened(), Fault::bad_input, "not a ledger of Gantry");
  fs::remove(file_);
  meddle("PRAGMA application_id = 77");
  expect_fault(opened(), Fault::bad_input, "not a ledger of Gantry");
  std::ofstream(file_, std::ios::trunc) << std::string(5000, 'x');
  expect_fault(opened(), Fault::bad_input, "not a ledger of Gantry");
  EXPECT_EQ(fs::file_size(file_), 5000U);
}

TEST_F(LedgerFile, that_is_damaged_says_so) {
  {
    const auto one = ledger();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(one->keep(std::to_string(i), std::string(500, 'd')));
  }
  overwrite(8192, fs::file_size(file_) - 8192);
  const auto one = opened();
  if (!one) return expect_fault(one, Fault::system, "restore a backup");
  const auto found = (*one)->check();
  if (found)
    EXPECT_THAT(*found, testing::Not(IsEmpty()));
  else
    expect_fault(found, Fault::system, "restore a backup");
}

TEST_F(LedgerFile, that_cannot_be_written_says_so) {
  ledger().reset();
  ASSERT_EQ(::chmod(file_.c_str(), 0400), 0);
  const bool root = ::geteuid() == 0;
  if (root) {  // whom no mode keeps out
    ASSERT_EQ(::chown(directory_.c_str(), 65534, 65534), 0);
    ASSERT_EQ(::chown(file_.c_str(), 65534, 65534), 0);
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const auto one = opened();
  if (root) ASSERT_EQ(::seteuid(0), 0);
  expect_fault(one, Fault::system, "is read-only; let Gantry's user write");
}

TEST_F(LedgerFile, that_another_program_writes_for_long_says_so) {
  ledger().reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(file_.c_str(), &raw), SQLITE_OK);
  const auto one = sqlite::open(file_, std::chrono::milliseconds{1}).value();
  ASSERT_EQ(sqlite3_exec(raw, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  expect_fault(one->begin(sql::Access::write), Fault::timed_out, "another program has it in use");
  ASSERT_EQ(sqlite3_exec(raw, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  EXPECT_TRUE(one->begin(sql::Access::write));
}

TEST_F(LedgerFile, has_a_clock_that_never_steps_back) {
  auto one = ledger();
  const WallTime first = one->now().value();
  EXPECT_EQ(first, time_.wall());
  time_.advance(std::chrono::hours{5});
  EXPECT_EQ(one->now().value(), first + std::chrono::hours{5});
  time_.step_wall(-std::chrono::hours{4});
  EXPECT_EQ(one->now().value(), first + std::chrono::hours{5});
  one = nullptr;
  one = ledger();
  EXPECT_EQ(one->now().value(), first + std::chrono::hours{5});
  EXPECT_THAT(one->check().value(), IsEmpty());
  time_.step_wall(-std::chrono::hours{72});
  EXPECT_THAT(one->check().value(), ElementsAre(HasSubstr("3 days before one that was seen")));
  time_.advance(std::chrono::hours{77});
  EXPECT_EQ(one->now().value(), first + std::chrono::hours{6});
  EXPECT_THAT(one->check().value(), IsEmpty());
}

TEST_F(LedgerFile, check_finds_sums_that_do_not_agree) {
  {
    const auto one = ledger();
    const HolderId a = one->begin_holder("a", std::chrono::hours{1}).value();
    const Entry entries[] = {AttemptBegun{.attempt = {1},
                                          .payer = {kKeyless, kDefaultProject, kOrganisation},
                                          .at = time_.wall(),
                                          .hold = {5},
                                          .estimate = {5},
                                          .model = "m"},
                             AttemptSettled{.attempt = {1}, .at = time_.wall(), .cost = {5}}};
    ASSERT_TRUE(one->apply(a, 0, 1, entries));
    EXPECT_THAT(one->check().value(), IsEmpty());
  }
  meddle("UPDATE spend SET settled = 4 WHERE account = 3 AND period = 3");
  EXPECT_THAT(
      ledger()->check().value(),
      ElementsAre(
          "account 3, total window 0: settled is 0.000000000004, its attempts come to 0.000000000005"));
  meddle(
      "UPDATE spend SET settled = 5 WHERE account = 3 AND period = 3; UPDATE usage SET attempts = 3;"
      "DELETE FROM spend WHERE account = 1 AND period = 0; INSERT INTO spend VALUES (99, 3, 0, 0, 0, 0);"
      "INSERT INTO leases VALUES (3, 3, 0, 1, -1, 0, 0)");
  EXPECT_THAT(
      ledger()->check().value(),
      ElementsAre(HasSubstr("account 1, daily window"), HasSubstr("differs from its attempts by -2 attempts"),
                  "1 leases are negative", HasSubstr("1 sums of spend are those of accounts")));
}

TEST_F(LedgerFile, is_copied_while_it_is_in_use_and_restored) {
  const std::string copy = directory_ + "/copy.db";
  auto one = ledger();
  ASSERT_TRUE(one->add_project("kept", {}));
  ASSERT_TRUE(one->backup(copy));
  EXPECT_EQ(mode(copy), 0600U);
  EXPECT_FALSE(fs::exists(copy + ".part"));
  expect_fault(one->backup(copy), Fault::bad_input, "is there already");
  ASSERT_TRUE(one->add_project("later", {}));
  one = nullptr;

  const auto restored = restore(copy, file_, "here", time_);
  ASSERT_TRUE(restored) << restored.error().detail;
  EXPECT_EQ(ledger()->directory().value().accounts.back().name, "kept");
  EXPECT_TRUE(fs::exists(copy));
  EXPECT_FALSE(fs::exists(file_ + ".restoring"));
  file_ += ".replaced";
  EXPECT_EQ(ledger()->directory().value().accounts.back().name, "later");
}

TEST_F(LedgerFile, a_journal_that_was_left_is_not_played_into_what_was_restored) {
  const std::string copy = directory_ + "/copy.db";
  {
    const auto one = ledger();
    ASSERT_TRUE(one->backup(copy));
    ASSERT_TRUE(one->add_project("later", {}));
    fs::copy(file_, directory_ + "/crashed.db");
    fs::copy(file_ + "-wal", directory_ + "/crashed.db-wal");
  }
  file_ = directory_ + "/crashed.db";
  ASSERT_TRUE(restore(copy, file_, "here", time_));
  EXPECT_EQ(ledger()->directory().value().accounts.back().name, "default");
  EXPECT_THAT(ledger()->check().value(), IsEmpty());
  file_ += ".replaced";
  EXPECT_EQ(ledger()->directory().value().accounts.back().name, "later");
}

TEST_F(LedgerFile, each_restore_keeps_what_it_replaces_and_says_what_it_knew_beyond) {
  const std::string copy = directory_ + "/copy.db";
  ASSERT_TRUE(ledger()->backup(copy));
  const auto none = restore(copy, directory_ + "/new.db", "here", time_);
  ASSERT_TRUE(none) << none.error().detail;
  EXPECT_EQ(none->kept, "");
  EXPECT_FALSE(none->beyond);
  {
    const auto one = ledger();
    const HolderId a = one->begin_holder("here", std::chrono::hours{1}).value();
    const Entry entries[] = {
        AttemptBegun{.attempt = {1}, .payer = {kKeyless, kDefaultProject, kOrganisation}, .at = time_.wall()},
        AttemptSettled{.attempt = {1}, .at = time_.wall(), .cost = {5}},
        AttemptBegun{.attempt = {2}, .payer = {kKeyless, kDefaultProject, kOrganisation}, .at = time_.wall()},
        AttemptPending{.attempt = {2}, .at = time_.wall(), .estimate = {7}}};
    ASSERT_TRUE(one->apply(a, 0, 1, entries));
  }
  const auto first = restore(copy, file_, "here", time_).value();
  EXPECT_EQ(first.kept, file_ + ".replaced");
  ASSERT_TRUE(first.beyond);
  EXPECT_EQ(first.beyond->attempts, 2);
  EXPECT_EQ(first.beyond->cost, PicoUsd{5});
  EXPECT_EQ(first.beyond->pending, PicoUsd{7});
  EXPECT_THAT(first.wrong, IsEmpty());
  const auto second = restore(first.kept, file_, "here", time_).value();
  EXPECT_EQ(second.kept, file_ + ".replaced-2");
  EXPECT_EQ(second.beyond->attempts, -2);
  overwrite(0, 200);
  const auto damaged = restore(copy, file_, "here", time_).value();
  EXPECT_EQ(damaged.kept, file_ + ".replaced-3");
  EXPECT_FALSE(damaged.beyond);
}

TEST_F(LedgerFile, restored_in_another_directory_leaves_nobody_alive_of_the_old_one) {
  const std::string copy = directory_ + "/copy.db";
  {
    const auto one = ledger();
    ASSERT_TRUE(one->begin_holder("there", std::chrono::hours{1}));
    ASSERT_TRUE(one->begin_holder("here", std::chrono::hours{1}));
    ASSERT_TRUE(one->backup(copy));
  }
  ASSERT_TRUE(restore(copy, file_, "here", time_));
  const auto one = ledger();
  EXPECT_THAT(one->left_behind("there").value(), IsEmpty());
  EXPECT_THAT(one->left_behind("here").value(), testing::SizeIs(1)) << "its journals are read first";
}

TEST_F(LedgerFile, is_looked_at_beside_whoever_has_it) {
  expect_fault(open_beside(file_, time_), Fault::not_found, "there is no ledger");
  EXPECT_FALSE(fs::exists(file_));
  const auto one = ledger();
  const auto beside = open_beside(file_, time_).value();
  ASSERT_TRUE(one->add_project("later", {}));
  EXPECT_EQ(beside->directory().value().accounts.back().name, "later");
  time_.advance(std::chrono::hours{1});
  EXPECT_THAT(beside->check().value(), IsEmpty());
  expect_fault(beside->add_project("mine", {}), Fault::system, "readonly");
  ASSERT_TRUE(beside->backup(directory_ + "/copy.db"));
  meddle("UPDATE meta SET number = 0 WHERE name = 'schema'");
  expect_fault(beside->check(), Fault::bad_input, "the ledger has schema 0, and this program knows");
}

TEST_F(LedgerFile, what_is_no_ledger_is_not_restored_and_nothing_changes) {
  ASSERT_TRUE(ledger()->add_project("here", {}));
  const std::string bad = directory_ + "/bad";
  expect_fault(restore(bad, file_, "here", time_), Fault::bad_input, "there is no file");
  std::ofstream(bad) << std::string(5000, 'x');
  expect_fault(restore(bad, file_, "here", time_), Fault::bad_input, "not a ledger of Gantry");
  EXPECT_EQ(ledger()->directory().value().accounts.back().name, "here");
  EXPECT_FALSE(fs::exists(file_ + ".restoring"));
  EXPECT_FALSE(fs::exists(file_ + ".replaced"));
}

TEST_F(LedgerFile, of_a_newer_program_is_refused_unless_it_says_that_older_ones_may) {
  ledger().reset();
  meddle("UPDATE meta SET number = 7 WHERE name = 'schema'");
  EXPECT_TRUE(opened());
  meddle("UPDATE meta SET number = 6 WHERE name = 'oldest_program'");
  expect_fault(opened(), Fault::bad_input, "start a newer release");
}

TEST_F(LedgerFile, is_brought_forward_step_by_step_and_a_step_that_fails_leaves_it_as_it_was) {
  auto database = sqlite::open(file_).value();
  std::vector<Migration> steps{{1, 1, "CREATE TABLE one (a BIGINT)"}, {2, 1, "CREATE TABLE two (a BIGINT)"}};
  ASSERT_TRUE(migrate(*database, steps));
  ASSERT_TRUE(migrate(*database, steps));
  steps.push_back({3, 2, "ALTER TABLE two ADD COLUMN b BIGINT; CREATE TABLE one (a BIGINT)"});
  EXPECT_FALSE(migrate(*database, steps));
  EXPECT_FALSE(database->run("SELECT b FROM two"));
  steps[2].statements = "ALTER TABLE two ADD COLUMN b BIGINT";
  ASSERT_TRUE(migrate(*database, steps));
  EXPECT_TRUE(database->run("INSERT INTO two (a, b) VALUES (1, 2)"));
  steps.resize(1);
  expect_fault(migrate(*database, steps), Fault::bad_input, "schema 3, for programs that know schema 2");
}

}  // namespace
}  // namespace gantry::ledger
