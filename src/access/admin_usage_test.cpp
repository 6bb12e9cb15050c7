#include "access/admin_test_kit.hpp"

namespace gantry::access {
namespace {

using ledger::UsageBy;
using testing::ElementsAre;

constexpr PicoUsd kDollar{1'000'000'000'000};

struct AdminUsage : AdminTest {
  AdminUsage() {
    ledger::UsageRow row;
    row.key = "backend", row.key_account = {12}, row.day = "2026-11-24", row.model = "openai/gpt-4.1";
    row.calls = 3, row.attempts = 4, row.prompt_tokens = 100, row.completion_tokens = 20;
    row.cost = kDollar, row.upstream_cost = {}, row.computed = PicoUsd{1}, row.assumed = {};
    row.waste = {PicoUsd{900'000'000'000}, PicoUsd{100'000'000'000}, {}, {}, {}};
    ledger.rows = {row};
    ledger.told = {{"blue", "2026-11-24", kDollar, PicoUsd{1'250'000'000'000}, PicoUsd{-250'000'000'000}}};
  }
};

TEST_F(AdminUsage, is_told_by_what_is_asked) {
  const auto told = ask("GET", "/usage", "", "by=key,day&from=2026-11-01&to=2026-11-30");
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(
      told.body,
      R"({"data":{"from":"2026-11-01","to":"2026-11-30","gone":[],"rows":[{"key":"backend","key_id":"key_12","day":"2026-11-24","calls":3,)"
      R"("attempts":4,"prompt_tokens":100,"completion_tokens":20,"cost":"1","upstream_cost":"0",)"
      R"("computed":"0.000000000001","assumed":"0","overshoot":"0","pending":"0",)"
      R"("waste":{"retry":"0.1","lost_primary":"0","abandoned":"0","probe":"0"}}]}})");
  EXPECT_THAT(ledger.asked->by, ElementsAre(UsageBy::key, UsageBy::day));
  EXPECT_EQ(ledger.asked->key, std::nullopt);
}

TEST_F(AdminUsage, is_of_this_month_by_key_unless_said_otherwise) {
  EXPECT_THAT(ask("GET", "/usage").body, testing::HasSubstr(R"("from":"2026-11-01","to":"2026-11-24")"));
  EXPECT_THAT(ledger.asked->by, ElementsAre(UsageBy::key));
}

TEST_F(AdminUsage, is_told_of_one_key_or_project) {
  EXPECT_EQ(ask("GET", "/usage", "", "key=key_12&project=default").status, 200);
  EXPECT_EQ(ledger.asked->key, spend::AccountId{12});
  EXPECT_EQ(ledger.asked->project, spend::AccountId{2});
  EXPECT_EQ(ask("GET", "/usage", "", "project=project_77").status, 200);  // one that was deleted
  EXPECT_EQ(ledger.asked->project, spend::AccountId{77});
}

TEST_F(AdminUsage, is_csv_for_those_who_ask) {
  constexpr auto kText =
      "model,calls,attempts,prompt_tokens,completion_tokens,cost,upstream_cost,computed,assumed,overshoot,"
      "pending,"
      "waste_retry,waste_lost_primary,waste_abandoned,waste_probe\r\n"
      "openai/gpt-4.1,3,4,100,20,1,0,0.000000000001,0,0,0,0.1,0,0,0\r\n";
  for (const auto& [query, accept] : {std::pair{"by=model&format=csv", ""}, {"by=model", "text/csv"}}) {
    const auto told = ask("GET", "/usage", "", query, accept);
    EXPECT_EQ(told.content_type, "text/csv; charset=utf-8");
    EXPECT_EQ(told.body, kText);
  }
  EXPECT_EQ(ask("GET", "/usage", "", "format=json", "text/csv").content_type, "application/json");
}

TEST_F(AdminUsage, is_not_told_for_a_question_that_is_wrong) {
  expect_problems(
      ask("GET", "/usage", "", "by=hour&from=yesterday&to=2026-13-01&key=x&project=none&format=xml&z=1"),
      {"z", "from", "to", "by", "key", "project", "format"});
  expect_problems(ask("GET", "/usage", "", "from=2026-11-02&to=2026-11-01"), {"from"});
}

TEST_F(AdminUsage, tells_what_gateways_own_and_what_those_still_have_that_are_gone) {
  using namespace std::chrono_literals;
  ledger.alive = {
      {.id = {5}, .name = "ab12", .began = ledger.clock - 1h, .lives_until = ledger.clock, .leased = kDollar},
      {.id = {6},
       .name = "cd34",
       .began = ledger.clock - 1h,
       .lives_until = ledger.clock + 1s,
       .leased = {}}};
  ledger.alive[0].open = 2, ledger.alive[0].open_estimate = PicoUsd{7};
  ledger.alive[0].pending = 1, ledger.alive[0].pending_estimate = PicoUsd{9};
  const std::string gone =
      R"({"holder":5,"state_id":"ab12","began_at":"2026-11-24T08:30:00Z","lease_ends_at":"2026-11-24T09:30:00Z",)"
      R"("gone":true,"leased":"1","open":{"attempts":2,"estimate":"0.000000000007"},)"
      R"("pending":{"attempts":1,"estimate":"0.000000000009"}})";
  EXPECT_THAT(ask("GET", "/usage").body, testing::HasSubstr("\"gone\":[" + gone + "],\"rows\""));
  const auto leases = ask("GET", "/usage/leases").body;
  EXPECT_THAT(leases, testing::StartsWith(R"({"data":{"rows":[)" + gone + R"(,{"holder":6,)"));
  EXPECT_THAT(leases, testing::HasSubstr("\"gone\":false,\"leased\":\"0\""));
  EXPECT_EQ(ask("GET", "/usage/leases", "", "format=csv").body,
            "holder,state_id,began_at,lease_ends_at,gone,leased,open_attempts,open_estimate,pending_attempts,"
            "pending_estimate\r\n"
            "5,ab12,2026-11-24T08:30:00Z,2026-11-24T09:30:00Z,true,1,2,0.000000000007,1,0.000000000009\r\n"
            "6,cd34,2026-11-24T08:30:00Z,2026-11-24T09:30:01Z,false,0,0,0,0,0\r\n");
  expect_problems(ask("GET", "/usage/leases", "", "format=xml&by=key"), {"by", "format"});
  ledger.alive[1].lives_until = ledger.clock + std::chrono::years{100};  // of an embedded ledger
  EXPECT_THAT(ask("GET", "/usage/leases").body, testing::HasSubstr(R"("lease_ends_at":null,"gone":false)"));
}

TEST_F(AdminUsage, that_nobody_explains_is_told_by_key_and_day) {
  EXPECT_EQ(
      ask("GET", "/usage/unexplained").body,
      R"({"data":{"from":"2026-11-01","to":"2026-11-24","rows":[{"upstream_key":"blue","day":"2026-11-24",)"
      R"("told":"1","booked":"1.25","unexplained":"-0.25"}]}})");
  EXPECT_EQ(ask("GET", "/usage/unexplained", "", "format=csv").body,
            "upstream_key,day,told,booked,unexplained\r\nblue,2026-11-24,1,1.25,-0.25\r\n");
  expect_problems(ask("GET", "/usage/unexplained", "", "by=key"), {"by"});
}

}  // namespace
}  // namespace gantry::access
