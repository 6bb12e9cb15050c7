#include "access/admin_test_kit.hpp"

namespace gantry::access {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct AdminAccounts : AdminTest {};

TEST_F(AdminAccounts, are_a_tree) {
  ask("POST", "/projects", R"({"name":"web","limits":{"monthly":"100"}})");
  ask("POST", "/keys", R"({"name":"backend","project":"web"})");
  const auto tree = ask("GET", "/accounts");
  EXPECT_EQ(tree.status, 200);
  EXPECT_THAT(tree.body,
              AllOf(testing::StartsWith(R"({"data":{"id":"organisation","kind":"organisation")"),
                    HasSubstr(R"("id":"project_10","kind":"project","name":"web")"),
                    HasSubstr(R"("limits":{"daily":null,"weekly":null,"monthly":"100","total":null})"),
                    Not(HasSubstr("backend"))));
  EXPECT_THAT(ask("GET", "/accounts", "", "keys=true").body,
              HasSubstr(R"("id":"key_11","kind":"key","name":"backend")"));
  expect_problems(ask("GET", "/accounts", "", "keys=maybe"), {"keys"});
  EXPECT_THAT(ask("GET", "/accounts/project:web").body, AllOf(HasSubstr("project_10"), HasSubstr("backend")));
  EXPECT_THAT(ask("GET", "/accounts/project%3Aweb").body, HasSubstr("project_10"));
  EXPECT_THAT(ask("GET", "/accounts/project_10").body, HasSubstr("backend"));
  EXPECT_THAT(ask("GET", "/accounts/key_11").body, HasSubstr(R"("kind":"key")"));
  for (const auto* id : {"project_99", "project:none", "key_99", "web", "nobody", "organisation_1"})
    EXPECT_EQ(ask("GET", std::string("/accounts/") + id).status, 404) << id;
}

TEST_F(AdminAccounts, take_limits) {
  ask("POST", "/projects", R"({"name":"web"})");
  ask("POST", "/keys", R"({"name":"backend","project":"web"})");
  for (const auto* id : {"organisation", "project:web", "project_10", "key_11"}) {
    const auto changed = ask("PATCH", std::string("/accounts/") + id, R"({"limits":{"monthly":"100"}})");
    EXPECT_EQ(changed.status, 200) << changed.body;
    EXPECT_THAT(changed.body, HasSubstr(R"("monthly":"100")")) << id;
  }
  EXPECT_THAT(ask("PATCH", "/accounts/organisation", R"({"limits":{"monthly":null,"total":1e3}})").body,
              HasSubstr(R"("limits":{"daily":null,"weekly":null,"monthly":null,"total":"1000"})"));
  expect_problems(
      ask("PATCH", "/accounts/organisation", R"({"limits":{"monthly":"lots"},"disabled":true,"x":1})"),
      {"x", "limits.monthly", "disabled"});
  expect_problems(ask("PATCH", "/accounts/key_3", R"({"disabled":true})"), {"name"});
}

TEST_F(AdminAccounts, are_renamed_and_disabled_when_they_are_projects) {
  ask("POST", "/projects", R"({"name":"web"})");
  EXPECT_THAT(ask("PATCH", "/accounts/project:web", R"({"name":"shop","disabled":true})").body,
              AllOf(HasSubstr(R"("name":"shop")"), HasSubstr(R"("disabled":true)")));
  expect_problems(ask("PATCH", "/accounts/project:shop", R"({"name":"default"})"), {"name"});
  expect_problems(ask("POST", "/projects", R"({"name":"shop"})"), {"name"});
  expect_problems(ask("POST", "/projects", R"({"name":"project_7","limits":[]})"), {"limits", "name"});
  expect_problems(ask("POST", "/projects", "{}"), {"name"});
}

TEST_F(AdminAccounts, are_deleted_when_they_are_projects_without_keys) {
  ask("POST", "/projects", R"({"name":"web"})");
  ask("POST", "/keys", R"({"name":"backend","project":"web"})");
  const auto kept = ask("DELETE", "/accounts/project:web");
  EXPECT_EQ(kept.status, 409);
  EXPECT_THAT(kept.body, AllOf(HasSubstr("still has 1 key."), HasSubstr("keys?project=project_10")));
  ask("DELETE", "/keys/key_11");
  EXPECT_EQ(ask("DELETE", "/accounts/project:web").body, R"({"deleted":true,"id":"project_10"})");
  EXPECT_EQ(ask("DELETE", "/accounts/organisation").status, 409);
  EXPECT_THAT(ask("DELETE", "/accounts/project:default").body, HasSubstr("without a client key"));
  EXPECT_EQ(ask("DELETE", "/accounts/project:web").status, 404);
}

}  // namespace
}  // namespace gantry::access
