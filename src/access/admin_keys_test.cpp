#include "access/admin_test_kit.hpp"
#include "access/key_ring.hpp"
#include "wire/json_index.hpp"

namespace gantry::access {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The text of the key in a reply; "" when there is none.
std::string key_in(const AdminReply& reply) {
  wire::JsonIndex index;
  EXPECT_FALSE(index.parse(reply.body)) << reply.body;
  const auto key = index.root().find("key");
  return key ? key->string().value_or("") : "";
}

struct AdminKeys : AdminTest {};

TEST_F(AdminKeys, are_made_with_their_text_once) {
  const auto made = ask("POST", "/keys", R"({"name":"backend"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto text = key_in(made);
  EXPECT_TRUE(is_client_key(text));
  EXPECT_EQ(
      made.body,
      R"({"data":{"id":"key_10","name":"backend","project":{"id":"project_2","name":"default"},"disabled":false,)"
      R"("created_at":"2026-11-24T09:30:00Z","expires_at":null,)"
      R"("limits":{"daily":null,"weekly":null,"monthly":null,"total":null},)"
      R"("policy":{"routes":null,"models":null,"requests_per_minute":null,"tokens_per_minute":null,"concurrency":null,)"
      R"("plugins":false,"server_tools":false,"presets":false,"debug":false,"response_cache":false},)"
      R"("secrets":[{"shown":")" +
          shown(text) + R"(","created_at":"2026-11-24T09:30:00Z","expires_at":null}]},"key":")" + text +
          R"("})");
  const auto& kept = ledger.raw().keys.back();
  ASSERT_EQ(kept.secrets.size(), 1U);
  EXPECT_EQ(kept.secrets[0].hash, hash_of(text));
  for (const auto* path : {"/keys", "/keys/key_10", "/accounts", "/accounts/key_10"})
    EXPECT_THAT(ask("GET", path).body, Not(HasSubstr(text))) << path;
  EXPECT_EQ(KeyRing(ledger.raw()).find(text, ledger.clock).standing, Standing::accepted);
}

TEST_F(AdminKeys, are_made_with_limits_policy_and_an_end) {
  ask("POST", "/projects", R"({"name":"web"})");
  const auto made =
      ask("POST", "/keys",
          R"({"name":"batch","project":"web","limits":{"daily":"2.50","monthly":50},)"
          R"("policy":{"models":["openai/*"],"plugins":true},"expires_at":"2027-01-01T00:00:00Z"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(made.body,
              AllOf(HasSubstr(R"("project":{"id":"project_10","name":"web"})"),
                    HasSubstr(R"("limits":{"daily":"2.5","weekly":null,"monthly":"50","total":null})"),
                    HasSubstr(R"("models":["openai/*"])"), HasSubstr(R"("plugins":true)"),
                    HasSubstr(R"("expires_at":"2027-01-01T00:00:00Z")")));
  EXPECT_EQ(ask("POST", "/keys", R"({"name":"batch","project":"project_10"})").status,
            400);                                                      // the name is taken
  EXPECT_EQ(ask("POST", "/keys", R"({"name":"batch"})").status, 201);  // in another project it is not
}

TEST_F(AdminKeys, that_cannot_be_tell_everything_that_is_wrong) {
  ask("POST", "/keys", R"({"name":"taken"})");
  const struct {
    const char* name;
    const char* body;
    std::vector<std::string> fields;
  } rows[] = {
      {"no JSON", "{", {"body", "project"}},
      {"no object", "[1]", {"body"}},
      {"no name", "{}", {"name"}},
      {"a name that is taken", R"({"name":"taken"})", {"name"}},
      {"a name like an id", R"({"name":"key_1"})", {"name"}},
      {"the gateway's own name", R"({"name":"-"})", {"name"}},
      {"no such project", R"({"name":"a","project":"none"})", {"project"}},
      {"a past end", R"({"name":"a","expires_at":"2026-01-01T00:00:00Z"})", {"expires_at"}},
      {"everything",
       R"({"name":"","limits":{"daily":-1,"hourly":1},"policy":{"debug":3},"expires_at":"soon","colour":1})",
       {"colour", "name", "limits.hourly", "limits.daily", "policy.debug", "expires_at"}},
  };
  const auto before = ledger.raw().keys.size();
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    auto expected = row.fields;
    if (std::string_view(row.body) == "{") expected = {"body"};
    expect_problems(ask("POST", "/keys", row.body), expected);
  }
  EXPECT_EQ(ledger.raw().keys.size(), before);
}

TEST_F(AdminKeys, are_listed_by_project) {
  ask("POST", "/projects", R"({"name":"web"})");
  ask("POST", "/keys", R"({"name":"one"})");
  ask("POST", "/keys", R"({"name":"two","project":"web"})");
  EXPECT_THAT(ask("GET", "/keys").body, AllOf(HasSubstr("\"one\""), HasSubstr("\"two\"")));
  EXPECT_THAT(ask("GET", "/keys", "", "project=web").body,
              AllOf(Not(HasSubstr("\"one\"")), HasSubstr("\"two\"")));
  expect_problems(ask("GET", "/keys", "", "project=none&colour=1"), {"colour", "project"});
}

TEST_F(AdminKeys, are_shown_with_what_they_spent) {
  ask("POST", "/keys", R"({"name":"one","limits":{"monthly":"10"}})");
  ledger.figures[{10}][2] = {.limit = {},
                             .settled = PicoUsd{3'000'000'000'000},
                             .pending = PicoUsd{500'000'000'000},
                             .leased = PicoUsd{1},
                             .overshoot = {}};
  const auto shown = ask("GET", "/keys/key_10");
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(
      shown.body,
      HasSubstr(R"("monthly":{"settled":"3","pending":"0.5","leased":"0.000000000001","overshoot":"0",)"
                R"("limit":"10","remaining":"6.499999999999","begins_at":"2026-11-01T00:00:00Z",)"
                R"("resets_at":"2026-12-01T00:00:00Z"})"));
  EXPECT_THAT(
      shown.body,
      HasSubstr(
          R"("weekly":{"settled":"0","pending":"0","leased":"0","overshoot":"0","limit":null,)"
          R"("remaining":null,"begins_at":"2026-11-23T00:00:00Z","resets_at":"2026-11-30T00:00:00Z"})"));
  EXPECT_THAT(shown.body, HasSubstr(R"("begins_at":null,"resets_at":null)"));
}

TEST_F(AdminKeys, change_only_in_what_is_said) {
  ask("POST", "/keys", R"({"name":"one","limits":{"daily":"1","monthly":"10"},"policy":{"models":["a/b"]}})");
  const auto changed =
      ask("PATCH", "/keys/key_10",
          R"({"limits":{"daily":null,"weekly":"3"},"policy":{"debug":true},"disabled":true})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_THAT(changed.body,
              AllOf(HasSubstr(R"("limits":{"daily":null,"weekly":"3","monthly":"10","total":null})"),
                    HasSubstr(R"("models":["a/b"])"), HasSubstr(R"("debug":true)"),
                    HasSubstr(R"("disabled":true)"), HasSubstr(R"("name":"one")")));
  EXPECT_EQ(ask("PATCH", "/keys/key_10", "").status, 200);
  const auto enabled =
      ask("PATCH", "/keys/key_10", R"({"disabled":false,"name":"two","expires_at":"2028-01-01T00:00:00Z"})");
  EXPECT_THAT(enabled.body,
              AllOf(HasSubstr(R"("disabled":false)"), HasSubstr(R"("name":"two")"), HasSubstr("2028-01-01")));
  EXPECT_THAT(ask("PATCH", "/keys/key_10", R"({"expires_at":null})").body,
              HasSubstr(R"("expires_at":null,"limits")"));
  EXPECT_EQ(ask("PATCH", "/keys/key_10", R"({"name":"two"})").status, 200);  // its own name
  expect_problems(ask("PATCH", "/keys/key_10", R"({"project":"web","disabled":null})"),
                  {"project", "disabled"});
}

TEST_F(AdminKeys, with_a_policy_of_a_newer_version_are_not_widened) {
  ask("POST", "/keys", R"({"name":"one"})");
  ledger.raw().keys.back().policy = R"({"only_on_sundays":true})";
  EXPECT_EQ(ask("PATCH", "/keys/key_10", R"({"policy":{"debug":true}})").status, 409);
  EXPECT_EQ(ask("PATCH", "/keys/key_10", R"({"limits":{"daily":"1"}})").status, 200);
  EXPECT_EQ(ledger.raw().keys.back().policy, R"({"only_on_sundays":true})");
  EXPECT_THAT(ask("GET", "/keys/key_10").body, HasSubstr(R"("policy":null)"));
}

TEST_F(AdminKeys, are_rotated_with_an_overlap) {
  const auto first = key_in(ask("POST", "/keys", R"({"name":"one"})"));
  const auto rotated = ask("POST", "/keys/key_10/rotate");
  ASSERT_EQ(rotated.status, 201) << rotated.body;
  const auto second = key_in(rotated);
  EXPECT_NE(first, second);
  EXPECT_THAT(rotated.body, HasSubstr(R"("expires_at":"2026-11-25T09:30:00Z")"));
  const auto stands = [&](const std::string& text, Duration later) {
    return KeyRing(ledger.raw()).find(text, ledger.clock + later).standing;
  };
  EXPECT_EQ(stands(first, std::chrono::hours{23}), Standing::accepted);
  EXPECT_EQ(stands(first, std::chrono::hours{24}), Standing::rotated_out);
  EXPECT_EQ(stands(second, std::chrono::hours{24}), Standing::accepted);
  ask("POST", "/keys/key_10/rotate", R"({"overlap_seconds":0})");
  EXPECT_EQ(stands(second, {}), Standing::rotated_out);
  expect_problems(ask("POST", "/keys/key_10/rotate", R"({"overlap_seconds":-1,"overlap":"1h"})"),
                  {"overlap", "overlap_seconds"});
}

TEST_F(AdminKeys, are_deleted) {
  ask("POST", "/keys", R"({"name":"one"})");
  const auto gone = ask("DELETE", "/keys/key_10");
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(gone.body, R"({"deleted":true,"id":"key_10"})");
  for (const auto* method : {"GET", "PATCH", "DELETE"})
    EXPECT_EQ(ask(method, "/keys/key_10").status, 404) << method;
}

TEST_F(AdminKeys, that_stand_for_calls_without_one_only_have_limits) {
  EXPECT_EQ(ask("PATCH", "/keys/key_3", R"({"limits":{"daily":"1"}})").status, 200);
  EXPECT_EQ(ask("PATCH", "/keys/key_3", R"({"disabled":true})").status, 409);
  EXPECT_EQ(ask("DELETE", "/keys/key_3").status, 409);
  EXPECT_EQ(ask("POST", "/keys/key_3/rotate").status, 409);
}

TEST_F(AdminKeys, are_not_made_without_the_ledger) {
  ledger.failure = Failure{Fault::system, "the disk is full"};
  for (const auto& [method, path] : {std::pair{"GET", "/keys"},
                                     {"POST", "/keys"},
                                     {"GET", "/keys/key_10"},
                                     {"PATCH", "/keys/key_10"},
                                     {"DELETE", "/keys/key_10"},
                                     {"POST", "/keys/key_10/rotate"},
                                     {"GET", "/accounts"},
                                     {"POST", "/projects"},
                                     {"GET", "/usage"},
                                     {"GET", "/usage/unexplained"}}) {
    const auto reply = ask(method, path, R"({"name":"x"})");
    if (reply.status == 400) continue;
    EXPECT_EQ(reply.status, 503) << method << path;
    EXPECT_THAT(reply.body, HasSubstr("the disk is full"));
  }
}

TEST_F(AdminKeys, paths_and_methods_are_checked) {
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(ask("GET", "/keys/key_10/secrets").status, 404);
  EXPECT_EQ(ask("GET", "/keys/").status, 404);
  EXPECT_EQ(ask("HEAD", "/keys").status, 200);
  const auto wrong = ask("PUT", "/keys/key_10");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.allow, "GET, PATCH, DELETE");
  EXPECT_EQ(ask("GET", "/openapi.yaml").content_type, "application/yaml");
  EXPECT_THAT(ask("GET", "/openapi.yaml").body, testing::StartsWith("openapi: 3.1.0\n"));
  EXPECT_TRUE(is_admin_path("/admin/v1/keys/key_10/rotate"));
  EXPECT_FALSE(is_admin_path("/admin/v1/breakers"));
  EXPECT_FALSE(is_admin_path("/v1/keys"));
}

}  // namespace
}  // namespace gantry::access
