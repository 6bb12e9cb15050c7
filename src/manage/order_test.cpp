#include "manage/order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <deque>

namespace gantry::manage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kNewKey = "sk-or-v1-the-new-one";

std::string info(const std::string& hash, const std::string& name) {
  return fmt::format(
      R"({{"hash":"{}","name":"{}","label":"sk-or-v1-abc...def","disabled":false,"limit":5,"limit_reset":"daily"}})",
      hash, name);
}
Answer listing(const std::string& keys) { return {.status = 200, .body = R"({"data":[)" + keys + "]}"}; }
Answer one(const std::string& hash, const std::string& name) {
  return {.status = 200, .body = R"({"data":)" + info(hash, name) + "}"};
}
Answer made(const std::string& hash, const std::string& name) {
  return {.status = 201, .body = fmt::format(R"({{"data":{},"key":"{}"}})", info(hash, name), kNewKey)};
}

// Answers in order; notes what it was asked.
struct Desk {
  std::deque<Answer> answers;
  std::vector<std::string> asked = {};
  std::string out = {}, err = {};
  bool full = false;  // nothing can be written

  bool carry_out(const Order& order) {
    const bool done =
        manage::carry_out(order,
                          [this](std::string_view method, const std::string& path, const std::string& body) {
                            asked.push_back(fmt::format("{} {} {}", method, path, body));
                            if (answers.empty()) return Answer{.failure = "no more answers"};
                            auto answer = answers.front();
                            answers.pop_front();
                            return answer;
                          },
                          {.out =
                               [this](const std::string& text) {
                                 if (!full) out += text;
                                 return !full;
                               },
                           .err = [this](const std::string& text) { err += text; }});
    EXPECT_THAT(err, Not(HasSubstr(std::string(kNewKey)))) << "a key goes to the standard output alone";
    return done;
  }
};

using Verb = Order::Verb;

TEST(Create, prints_the_key_alone_and_the_rest_beside_it) {
  Desk desk{.answers = {made("aa11", "app")}};
  EXPECT_TRUE(desk.carry_out({.verb = Verb::create, .settings = {.name = "app", .limit = "5"}}));
  EXPECT_EQ(desk.out, std::string(kNewKey) + "\n");
  EXPECT_THAT(desk.err, HasSubstr("secret store"));
  EXPECT_THAT(desk.asked, ElementsAre(R"(POST /keys {"name":"app","limit":5})"));
}

TEST(Create, as_json_holds_both) {
  Desk desk{.answers = {made("aa11", "app")}};
  EXPECT_TRUE(desk.carry_out({.verb = Verb::create, .settings = {.name = "app"}, .json = true}));
  EXPECT_THAT(desk.out, StartsWith(R"({"key":"sk-or-v1-the-new-one","info":{"hash":"aa11",)"));
}

TEST(Create, tells_which_key_is_lost_when_it_cannot_be_written) {
  Desk desk{.answers = {made("aa11", "app")}, .full = true};
  EXPECT_FALSE(desk.carry_out({.verb = Verb::create, .settings = {.name = "app"}}));
  EXPECT_THAT(desk.err, HasSubstr("gantry upstream-keys delete aa11"));
}

TEST(List, goes_through_all_pages_and_ends_where_a_server_does_not_page) {
  Desk paged{.answers = {listing(info("aa", "one") + "," + info("bb", "two")), listing(info("cc", "three")),
                         listing("")}};
  EXPECT_TRUE(paged.carry_out({.verb = Verb::list}));
  EXPECT_THAT(paged.asked, ElementsAre("GET /keys?include_disabled=false&offset=0 ",
                                       "GET /keys?include_disabled=false&offset=2 ",
                                       "GET /keys?include_disabled=false&offset=3 "));
  for (const auto* name : {"one", "two", "three"}) EXPECT_THAT(paged.out, HasSubstr(name));
  Desk unpaged{
      .answers = {listing(info("aa", "one")), listing(info("aa", "one")), listing(info("aa", "one"))}};
  EXPECT_TRUE(unpaged.carry_out({.verb = Verb::list, .include_disabled = true}));
  EXPECT_EQ(unpaged.asked.size(), 2u);
}

TEST(Find, takes_a_name_or_the_beginning_of_a_hash_if_it_is_one_key) {
  const auto two = listing(info("aa11", "app") + "," + info("aa22", "web"));
  struct Row {
    std::string_view key, told;
  };
  const Row rows[] = {{"app", ""}, {"aa2", ""}, {"aa", "2 keys have this"}, {"ap", "no key has this"}};
  for (const auto& row : rows) {
    Desk desk{.answers = {two, listing("")}};
    EXPECT_EQ(desk.carry_out({.verb = Verb::show, .key = std::string(row.key)}), row.told.empty()) << row.key;
    EXPECT_THAT(desk.err, HasSubstr(std::string(row.told))) << row.key;
  }
  const std::string hash(64, 'a');
  Desk direct{.answers = {one(hash, "elsewhere")}};
  EXPECT_TRUE(direct.carry_out({.verb = Verb::show, .key = hash}));
  EXPECT_THAT(direct.asked, ElementsAre("GET /keys/" + hash + " "));
}

TEST(Rotate, makes_the_successor_and_leaves_the_old_key_valid) {
  Desk desk{.answers = {listing(info("aa11", "app")), listing(""), made("bb22", "app")}};
  EXPECT_TRUE(desk.carry_out({.verb = Verb::rotate, .key = "app"}));
  EXPECT_EQ(desk.asked.back(),
            R"(POST /keys {"name":"app","limit":5,"limit_reset":"daily","include_byok_in_limit":false})");
  EXPECT_EQ(desk.out, std::string(kNewKey) + "\n");
  EXPECT_THAT(desk.err, HasSubstr("gantry upstream-keys disable aa11"));
}

TEST(Rotate, can_disable_the_old_key_at_once) {
  Desk desk{.answers = {listing(info("aa11", "app")), listing(""), made("bb22", "app"), one("aa11", "app")}};
  EXPECT_TRUE(desk.carry_out({.verb = Verb::rotate, .key = "app", .disable_old = true}));
  EXPECT_EQ(desk.asked.back(), R"(PATCH /keys/aa11 {"disabled":true})");
  EXPECT_EQ(desk.out, std::string(kNewKey) + "\n");
}

TEST(Rotate, prints_the_key_also_when_the_old_one_cannot_be_disabled) {
  Desk desk{.answers = {listing(info("aa11", "app")), listing(""), made("bb22", "app"), {.status = 500}}};
  EXPECT_FALSE(desk.carry_out({.verb = Verb::rotate, .key = "app", .disable_old = true}));
  EXPECT_EQ(desk.out, std::string(kNewKey) + "\n");
  EXPECT_THAT(desk.err, HasSubstr("the key was not changed"));
}

TEST(Change, says_only_what_was_asked_for) {
  Desk update{.answers = {listing(info("aa11", "app")), listing(""), one("aa11", "app")}};
  EXPECT_TRUE(update.carry_out({.verb = Verb::update, .key = "app", .settings = {.limit = ""}}));
  EXPECT_EQ(update.asked.back(), R"(PATCH /keys/aa11 {"limit":null})");
  Desk disable{.answers = {listing(info("aa11", "app")), listing(""), one("aa11", "app")}};
  EXPECT_TRUE(disable.carry_out({.verb = Verb::disable, .key = "aa11"}));
  EXPECT_EQ(disable.asked.back(), R"(PATCH /keys/aa11 {"disabled":true})");
  Desk remove{
      .answers = {listing(info("aa11", "app")), listing(""), {.status = 200, .body = R"({"deleted":true})"}}};
  EXPECT_TRUE(remove.carry_out({.verb = Verb::remove, .key = "app"}));
  EXPECT_EQ(remove.asked.back(), "DELETE /keys/aa11 ");
  EXPECT_THAT(remove.out, HasSubstr("deleted app"));
}

TEST(Refusal, says_what_happened_why_and_what_to_do) {
  struct Row {
    std::string_view name;
    Answer answer;
    std::string_view why, remedy;
  };
  const auto error = [](int status, std::string_view message) {
    return Answer{.status = status,
                  .body = fmt::format(R"({{"error":{{"code":{},"message":"{}"}}}})", status, message)};
  };
  const Row rows[] = {
      {"an unknown key", error(401, "User not found"), "401 User not found",
       "does not know the management key"},
      {"an ordinary key", error(403, "Only management keys"), "403 Only management keys",
       "no management key"},
      {"a wrong setting", error(400, "limit: too low"), "400 limit: too low", "mend what it names"},
      {"asked too often", error(429, "Slow down"), "429 Slow down", "wait a minute"},
      {"a page of a proxy", {.status = 502, .body = "<html>"}, "502", "status.openrouter.ai"},
      {"no way there", {.failure = "connection refused"}, "connection refused", "check the network"},
      {"an answer that was lost",
       {.failure = "timed out", .maybe_done = true},
       "timed out",
       "may have been done all the same"},
      {"something else",
       {.status = 200, .body = "hello"},
       "not what the management API promises",
       "base_url"},
      {"a key in a message", error(400, "sk-or-v1-secretsecret"), "400 ***", ""},
  };
  for (const auto& row : rows) {
    Desk desk{.answers = {row.answer}};
    EXPECT_FALSE(desk.carry_out({.verb = Verb::create, .settings = {.name = "x"}})) << row.name;
    EXPECT_THAT(desk.out, IsEmpty()) << row.name;
    EXPECT_THAT(desk.err, StartsWith("no key was made: ")) << row.name;
    EXPECT_THAT(desk.err, HasSubstr(std::string(row.why))) << row.name;
    EXPECT_THAT(desk.err, HasSubstr(std::string(row.remedy))) << row.name;
  }
  Desk missing{.answers = {error(404, "no such key")}};
  EXPECT_FALSE(missing.carry_out({.verb = Verb::show, .key = std::string(64, 'b')}));
  EXPECT_THAT(missing.err, HasSubstr("there is no such key"));
}

}  // namespace
}  // namespace gantry::manage
