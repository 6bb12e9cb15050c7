// The commands of administration, on a ledger of their own and against a server that they are told of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "access/client_key.hpp"
#include "access/server_file.hpp"
#include "cli/admin_client.hpp"
#include "cli/run.hpp"
#include "ledger/ledger.hpp"
#include "ledger/state_dir.hpp"

namespace gantry::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

struct Ended {
  int code = 0;
  std::string out, err;
};

class Administration : public testing::Test {
 protected:
  Administration() {
    std::string name = (std::filesystem::temp_directory_path() / "gantry-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    for (const auto* variable : {"GANTRY_CONFIG", "GANTRY_ADMIN_TOKEN", "OPENROUTER_BASE_URL"})
      ::unsetenv(variable);
    config_ = folder_ / "gantry.toml";
    std::ofstream(config_) << "[ledger]\nstate = \"" << state() << "\"\n";
    std::filesystem::permissions(config_,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  ~Administration() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string state() const { return (folder_ / "state").string(); }

  // With --config.
  Ended gantry(std::vector<std::string> words) {
    words.insert(words.begin(), "gantry");
    words.insert(words.end(), {"--config", config_.string()});
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Ended ended;
    ended.code = run(static_cast<int>(words.size()), pointers.data());
    std::fflush(stdout);
    ended.out = testing::internal::GetCapturedStdout();
    ended.err = testing::internal::GetCapturedStderr();
    return ended;
  }

  std::filesystem::path folder_, config_;
};

TEST_F(Administration, makes_a_key_that_a_script_can_take) {
  const auto made = gantry({"keys", "create", "--name", "backend", "--monthly", "$100", "--rpm", "60"});
  EXPECT_EQ(made.code, kOk) << made.err;
  ASSERT_TRUE(made.out.ends_with('\n'));
  const auto key = made.out.substr(0, made.out.size() - 1);
  EXPECT_TRUE(access::is_client_key(key)) << made.out;
  EXPECT_THAT(made.err, AllOf(HasSubstr("backend"), HasSubstr("only time"), Not(HasSubstr(key))));
  const auto list = gantry({"keys", "list"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("backend"), HasSubstr(access::shown(key)),
                              HasSubstr("$100.00 monthly"), Not(HasSubstr(key))));
  const auto shown = gantry({"keys", "show", "backend"});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("60 requests a minute"), HasSubstr("state     enabled"),
                               HasSubstr("REMAINING")));
}

TEST_F(Administration, changes_a_key_by_its_name_or_id) {
  ASSERT_EQ(gantry({"keys", "create", "--name", "one"}).code, kOk);
  const auto updated = gantry({"keys", "update", "one", "--models", "openai/*,a/b", "--allow",
                               "plugins,debug", "--daily", "2.5", "--expires", "2150-12-31"});
  EXPECT_EQ(updated.code, kOk) << updated.err;
  EXPECT_THAT(updated.out, AllOf(HasSubstr("models    openai/*, a/b"), HasSubstr("allowed   plugins, debug"),
                                 HasSubstr("$2.50"), HasSubstr("expires   2150-12-31T23:59:59Z")));
  const auto lifted = gantry({"keys", "update", "key_4", "--models", "all", "--deny", "debug", "--daily",
                              "none", "--expires", "never"});
  EXPECT_EQ(lifted.code, kOk) << lifted.err;
  EXPECT_THAT(lifted.out, AllOf(HasSubstr("models    all"), HasSubstr("allowed   plugins\n"),
                                HasSubstr("expires   never")));
  EXPECT_THAT(gantry({"keys", "disable", "one"}).out, HasSubstr("state     disabled"));
  EXPECT_THAT(gantry({"keys", "enable", "one"}).out, HasSubstr("state     enabled"));
  const auto rotated = gantry({"keys", "rotate", "one", "--overlap", "7d"});
  EXPECT_TRUE(access::is_client_key(rotated.out.substr(0, rotated.out.size() - 1))) << rotated.err;
  EXPECT_THAT(gantry({"keys", "show", "one"}).out, HasSubstr("(until "));
  EXPECT_EQ(gantry({"keys", "delete", "one"}).out, "key_4 is deleted\n");
  EXPECT_THAT(gantry({"keys", "show", "one"}).err, HasSubstr("there is no key one"));
}

TEST_F(Administration, asks_for_an_id_where_a_name_is_two_keys) {
  ASSERT_EQ(gantry({"accounts", "create", "--name", "web"}).code, kOk);
  ASSERT_EQ(gantry({"keys", "create", "--name", "one"}).code, kOk);
  ASSERT_EQ(gantry({"keys", "create", "--name", "one", "--project", "web"}).code, kOk);
  const auto shown = gantry({"keys", "show", "one"});
  EXPECT_EQ(shown.code, kUsage);
  EXPECT_THAT(shown.err, AllOf(HasSubstr("2 keys have the name one"), HasSubstr("key_")));
}

TEST_F(Administration, sets_limits_of_projects_and_the_organisation) {
  const auto made = gantry({"accounts", "create", "--name", "web", "--monthly", "$100"});
  EXPECT_EQ(made.code, kOk) << made.err;
  EXPECT_THAT(made.out, HasSubstr("$100.00"));
  EXPECT_EQ(gantry({"accounts", "set", "project:web", "--daily", "10 USD", "--disable"}).code, kOk);
  EXPECT_EQ(gantry({"accounts", "set", "organisation", "--total", "$1000.50"}).code, kOk);
  const auto list = gantry({"accounts", "list", "--keys"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("web (disabled)"), HasSubstr("$10.00"), HasSubstr("$1000.50"),
                              HasSubstr("key_3")));
  EXPECT_THAT(gantry({"accounts", "delete", "project:web"}).out, HasSubstr("is deleted"));
}

TEST_F(Administration, tells_what_was_spent) {
  const auto none = gantry({"usage"});
  EXPECT_EQ(none.code, kOk) << none.err;
  EXPECT_THAT(none.out, HasSubstr("nothing was spent"));
  EXPECT_THAT(gantry({"usage", "--unexplained"}).out, HasSubstr("nothing is unexplained"));
  EXPECT_EQ(gantry({"usage", "--leases"}).out, "no gateway owns anything\n");
  EXPECT_THAT(gantry({"usage", "--by", "model,day", "--format", "csv"}).out, StartsWith("model,day,calls,"));
  EXPECT_THAT(gantry({"usage", "--format", "json", "--from", "2026-11-01", "--to", "2026-11-30"}).out,
              HasSubstr(R"({"data":{"from":"2026-11-01","to":"2026-11-30","gone":[],"rows":[)"));
}

TEST_F(Administration, tells_what_is_wrong_and_what_to_do) {
  const struct {
    const char* name;
    std::vector<std::string> words;
    const char* said;
  } rows[] = {
      {"an amount that is none",
       {"keys", "create", "--name", "x", "--daily", "lots"},
       "limits.daily must be US dollars"},
      {"a rate that is none",
       {"keys", "create", "--name", "x", "--rpm", "fast"},
       "policy.requests_per_minute must be"},
      {"a project that is none",
       {"keys", "create", "--name", "x", "--project", "none"},
       "project is not the name"},
      {"a feature that is none", {"keys", "create", "--name", "x", "--allow", "flying"}, "flying"},
      {"an account that is none",
       {"accounts", "set", "project:none", "--daily", "1"},
       "There is no such account"},
      {"nothing to set", {"accounts", "set", "organisation"}, "nothing to set"},
      {"nothing to change", {"keys", "update", "key_3"}, "nothing to change"},
      {"an overlap that is none", {"keys", "rotate", "key_3", "--overlap", "long"}, "is no duration"},
      {"a day that is none", {"usage", "--from", "yesterday"}, "from must be a day"},
      {"a format that is none", {"keys", "list", "--format", "xml"}, "xml"},
      {"a url without a token",
       {"keys", "list", "--url", "http://127.0.0.1:1"},
       "GANTRY_ADMIN_TOKEN is not set"},
  };
  for (const auto& row : rows) {
    const auto ended = gantry(row.words);
    EXPECT_EQ(ended.code, kUsage) << row.name;
    EXPECT_THAT(ended.err, HasSubstr(row.said)) << row.name;
    EXPECT_THAT(ended.out, IsEmpty()) << row.name;
  }
}

TEST_F(Administration, asks_the_server_that_holds_the_directory) {
  const auto held = ledger::StateDirectory::open(state());
  ASSERT_TRUE(held) << held.error().detail;
  const auto nobody = gantry({"keys", "list"});
  EXPECT_EQ(nobody.code, kCheckFailed);
  EXPECT_THAT(nobody.err, HasSubstr("is locked by process"));
  ASSERT_TRUE(access::write_server_file(
      state(), {.url = "http://127.0.0.1:1", .admin_token = Secret("gk-admin-s3cret"), .pid = 1}));
  const auto away = gantry({"keys", "list"});
  EXPECT_EQ(away.code, kCheckFailed);
  EXPECT_THAT(away.err, AllOf(HasSubstr("http://127.0.0.1:1 does not answer"), Not(HasSubstr("s3cret"))));
}

TEST_F(Administration, leaves_a_file_of_a_server_that_is_gone) {
  ASSERT_EQ(gantry({"keys", "list"}).code, kOk);
  ASSERT_TRUE(access::write_server_file(state(),
                                        {.url = "http://127.0.0.1:1", .admin_token = Secret("t"), .pid = 1}));
  EXPECT_EQ(gantry({"keys", "list"}).code, kOk);
}

TEST_F(Administration, checks_copies_and_restores_the_ledger) {
  const auto copy = (folder_ / "copy.db").string();
  const auto nothing = gantry({"ledger", "check"});
  EXPECT_EQ(nothing.code, kCheckFailed);
  EXPECT_THAT(nothing.err, HasSubstr("there is no ledger"));
  EXPECT_FALSE(std::filesystem::exists(state())) << "looking makes nothing";
  ASSERT_EQ(gantry({"keys", "create", "--name", "kept"}).code, kOk);
  EXPECT_EQ(gantry({"ledger", "check"}).out, "the ledger is whole, and its sums agree\n");
  EXPECT_EQ(gantry({"ledger", "check", "--format", "json"}).out, "{\"data\":{\"wrong\":[]}}\n");
  const auto made = gantry({"ledger", "backup", copy, "--format", "json"});
  EXPECT_EQ(made.code, kOk) << made.err;
  EXPECT_THAT(made.out, AllOf(HasSubstr(copy), HasSubstr("\"whole\":true")));
  const auto again = gantry({"ledger", "backup", copy});
  EXPECT_EQ(again.code, kUsage);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
  ASSERT_EQ(gantry({"keys", "create", "--name", "later"}).code, kOk);
  {
    const auto held = ledger::StateDirectory::open(state());
    const auto refused = gantry({"ledger", "restore", copy});
    EXPECT_EQ(refused.code, kCheckFailed);
    EXPECT_THAT(refused.err, HasSubstr("is locked by process"));
    EXPECT_EQ(gantry({"ledger", "check"}).code, kOk) << "beside whoever has it";
  }
  const auto restored = gantry({"ledger", "restore", copy});
  EXPECT_EQ(restored.code, kOk) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("the one that was there is " + state() + "/ledger.db.replaced\n"));
  EXPECT_THAT(gantry({"keys", "list"}).out, AllOf(HasSubstr("kept"), Not(HasSubstr("later"))));
  EXPECT_EQ(gantry({"ledger", "restore", copy + "-none"}).code, kUsage);
}

TEST_F(Administration, tells_what_a_gateway_owns_that_is_gone) {
  ASSERT_EQ(gantry({"keys", "list"}).code, kOk);
  const SystemTime time;
  {
    const auto ledger = ledger::open(state() + "/ledger.db", time).value();
    ASSERT_TRUE(ledger->begin_holder("gone", Duration::zero()));
    ASSERT_TRUE(ledger->begin_holder("alive", std::chrono::hours{1}));
  }
  const auto page = gantry({"usage"});
  EXPECT_THAT(page.out,
              AllOf(HasSubstr("holder 1 is gone since"), HasSubstr("$0.00 leased and not proven unspent"),
                    HasSubstr("gantry ledger end"), Not(HasSubstr("holder 2"))));
  const auto csv = gantry({"usage", "--format", "csv"});
  EXPECT_THAT(csv.out, Not(HasSubstr("gone")));
  EXPECT_THAT(csv.err, HasSubstr("holder 1 is gone since"));
  EXPECT_THAT(gantry({"usage", "--leases"}).out, AllOf(HasSubstr("gone"), HasSubstr("alive")));
  EXPECT_THAT(gantry({"usage", "--leases", "--format", "csv"}).out, StartsWith("holder,state_id,"));
  const auto refused = gantry({"ledger", "end", "1"});
  EXPECT_EQ(refused.code, kUsage);
  EXPECT_THAT(refused.err, HasSubstr("its next start reads its journals"));
}

TEST_F(Administration, leaves_copies_of_a_postgresql_to_its_own_tools) {
  std::ofstream(config_, std::ios::app) << "url = \"postgres://127.0.0.1:1/none\"\n";
  const auto copied = gantry({"ledger", "backup", (folder_ / "copy.db").string()});
  EXPECT_EQ(copied.code, kUsage);
  EXPECT_THAT(copied.err, HasSubstr("pg_dump"));
  EXPECT_THAT(gantry({"ledger", "restore", "x"}).err, HasSubstr("pg_restore"));
  EXPECT_EQ(gantry({"ledger", "check"}).code, kCheckFailed) << "nobody listens there";
}

TEST(AdminClient, sends_a_token_over_tls_or_within_the_machine) {
  for (const auto* url :
       {"https://gantry.example", "http://127.0.0.1:8700", "http://[::1]:1", "http://localhost"})
    EXPECT_TRUE(is_safe_for_tokens(url)) << url;
  for (const auto* url : {"http://gantry.example", "http://10.0.0.1", "ftp://x", ""})
    EXPECT_FALSE(is_safe_for_tokens(url)) << url;
  const auto reply = ask_server("http://gantry.example", Secret("t"), {.method = "GET", .path = "/"});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().fault, Fault::bad_input);
}

}  // namespace
}  // namespace gantry::cli
