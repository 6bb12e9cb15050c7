// The admin API on a real ledger: what the one in memory of the other tests takes for granted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/admin.hpp"
#include "access/key_ring.hpp"
#include "access/own_key.hpp"
#include "wire/json_index.hpp"

namespace gantry::access {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr PicoUsd kDollar{1'000'000'000'000};

struct AdminOnLedger : testing::Test {
  ManualTime time{WallTime{std::chrono::seconds{1'795'512'600}}};  // 2026-11-24 09:30 UTC
  std::unique_ptr<ledger::Ledger> ledger = *ledger::open(":memory:", time);

  AdminReply ask(std::string method, std::string path, std::string body = {}, std::string query = {}) {
    return answer(*ledger,
                  {.method = std::move(method),
                   .path = "/admin/v1" + path,
                   .query = std::move(query),
                   .body = std::move(body)},
                  system_bytes);
  }
  std::string key_of(const AdminReply& reply) {
    wire::JsonIndex index;
    EXPECT_FALSE(index.parse(reply.body)) << reply.body;
    return index.root().find("key")->string().value_or("");
  }
  Found find(const std::string& key) {
    ring = KeyRing(*ledger->directory());
    return ring.find(key, *ledger->now());
  }
  KeyRing ring;
};

TEST_F(AdminOnLedger, a_keys_life) {
  EXPECT_EQ(ask("POST", "/projects", R"({"name":"web"})").status, 201);
  const auto made =
      ask("POST", "/keys",
          R"({"name":"backend","project":"web","limits":{"monthly":"5"},"policy":{"concurrency":2}})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto first = key_of(made);
  const auto found = find(first);
  ASSERT_EQ(found.standing, Standing::accepted);
  EXPECT_EQ(found.entry->policy.concurrency, 2);
  EXPECT_EQ(found.entry->project, "web");
  EXPECT_NE(found.entry->path.organisation, spend::AccountId{});
  const auto path = "/keys/" + found.entry->id;

  EXPECT_EQ(ask("PATCH", path, R"({"limits":{"monthly":null,"daily":0.5},"disabled":true})").status, 200);
  EXPECT_EQ(find(first).standing, Standing::disabled);
  EXPECT_EQ(find(first).entry->limits[0], PicoUsd{kDollar.value / 2});
  EXPECT_EQ(find(first).entry->limits[2], std::nullopt);
  EXPECT_EQ(ask("PATCH", path, R"({"disabled":false})").status, 200);

  const auto second = key_of(ask("POST", path + "/rotate", R"({"overlap_seconds":60})"));
  EXPECT_EQ(find(first).standing, Standing::accepted);
  EXPECT_EQ(find(second).standing, Standing::accepted);
  time.advance(std::chrono::minutes{1});
  EXPECT_EQ(find(first).standing, Standing::rotated_out);
  EXPECT_EQ(find(second).standing, Standing::accepted);

  EXPECT_EQ(ask("PATCH", "/accounts/project:web", R"({"disabled":true})").status, 200);
  EXPECT_EQ(find(second).standing, Standing::project_disabled);
  EXPECT_EQ(ask("DELETE", path).status, 200);
  EXPECT_EQ(find(second).standing, Standing::unknown);
  EXPECT_EQ(ask("DELETE", "/accounts/project:web").status, 200);
}

TEST_F(AdminOnLedger, what_a_key_spent) {
  const auto key = key_of(ask("POST", "/keys", R"({"name":"backend","limits":{"monthly":"5"}})"));
  const auto found = find(key);
  const auto holder = ledger->begin_holder("test", std::chrono::minutes{1});
  ASSERT_TRUE(holder);
  const std::vector<ledger::Entry> entries{ledger::AttemptBegun{.attempt = {1},
                                                                .call = 1,
                                                                .payer = found.entry->path,
                                                                .at = *ledger->now(),
                                                                .hold = kDollar,
                                                                .estimate = kDollar,
                                                                .model = "openai/gpt-4.1",
                                                                .route = "default",
                                                                .upstream = "openrouter",
                                                                .upstream_key = "key-1"},
                                           ledger::AttemptSettled{.attempt = {1},
                                                                  .at = *ledger->now(),
                                                                  .cost = PicoUsd{kDollar.value / 4},
                                                                  .upstream_cost = PicoUsd{kDollar.value / 2},
                                                                  .delivered = true,
                                                                  .prompt_tokens = 10,
                                                                  .completion_tokens = 5,
                                                                  .served_model = "openai/gpt-4.1",
                                                                  .provider = "OpenAI",
                                                                  .outcome = "delivered"}};
  ASSERT_TRUE(ledger->apply(*holder, 0, 1, entries));
  EXPECT_THAT(ask("GET", "/keys/" + found.entry->id).body, HasSubstr(R"("monthly":{"settled":"0.25")"));
  const auto usage = ask("GET", "/usage", "", "by=key,project,model,day&key=" + found.entry->id);
  EXPECT_THAT(
      usage.body,
      AllOf(
          HasSubstr(
              R"("key":"backend","key_id":"key_4","project":"default","project_id":"project_2","model":"openai/gpt-4.1","day":"2026-11-24")"),
          HasSubstr(R"("cost":"0.25","upstream_cost":"0.5")"), HasSubstr(R"("calls":1)")));
  EXPECT_EQ(ask("GET", "/usage/unexplained").status, 200);
  const auto spending = own_spending(*ledger, found.entry->path.key, *ledger->now());
  ASSERT_TRUE(spending) << spending.error().detail;
  EXPECT_THAT(own_key_json(*found.entry, *spending),
              AllOf(HasSubstr(R"("limit":5,"limit_remaining":4.75,"limit_reset":"monthly")"),
                    HasSubstr(R"("usage":0.25)"), HasSubstr(R"("byok_usage":0.5,"byok_usage_daily":0.5)")));
}

}  // namespace
}  // namespace gantry::access
