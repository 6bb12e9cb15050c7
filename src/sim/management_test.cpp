// The management API (CONTRACT §9).
#include "sim/sim_fixture.hpp"

namespace gantry::sim::test {
namespace {

using namespace std::chrono_literals;

class Management : public SimTest {
 protected:
  Management() : SimTest({.key = kKey}) {}

  std::unique_ptr<FakeExchange> ask(std::string method, std::string path, std::string body = "",
                                    const std::string& key = kManagementKey) {
    return start(std::move(method), "/api/v1" + path, std::move(body), with(key, ""));
  }
  struct Made {
    std::string key, hash;
  };
  Made make(const std::string& body = R"({"name":"one"})") {
    const auto ex = ask("POST", "/keys", body);
    EXPECT_EQ(ex->status, 201) << ex->body;
    const auto reply = json(ex->body);
    return {std::string(reply.at("key").as_string()), std::string(reply.at("data").at("hash").as_string())};
  }
  boost::json::value info(const std::string& hash) {
    return json(ask("GET", "/keys/" + hash)->body).at("data");
  }
  std::size_t listed(const std::string& query = "") {
    return json(ask("GET", "/keys" + query)->body).at("data").as_array().size();
  }
};

TEST_F(Management, is_for_management_keys_alone) {
  for (const std::string path : {"/keys", "/keys/abc", "/credits"}) {
    EXPECT_EQ(ask("GET", path, "", kKey)->status, 403) << path;
    EXPECT_EQ(ask("GET", path, "", "")->status, 401) << path;
    EXPECT_EQ(ask("GET", path, "", "sk-or-v1-nobody-knows-this-one")->status, 401) << path;
  }
  EXPECT_EQ(ask("POST", "/keys", R"({"name":"x"})", kKey)->status, 403);
  EXPECT_EQ(post(chat("sim/plain"), "", kManagementKey)->status, 403);
}

TEST_F(Management, a_made_key_is_told_once_and_works) {
  const auto ex =
      ask("POST", "/keys",
          R"({"name":"app","limit":50,"limit_reset":"monthly","expires_at":"2027-12-31T23:59:59Z"})");
  ASSERT_EQ(ex->status, 201);
  const auto reply = json(ex->body);
  const std::string key(reply.at("key").as_string());
  const auto data = reply.at("data");
  EXPECT_TRUE(key.starts_with("sk-or-v1-"));
  EXPECT_EQ(data.at("hash").as_string().size(), 64u);
  EXPECT_EQ(data.at("name").as_string(), "app");
  EXPECT_EQ(data.at("limit_remaining").as_int64(), 50);
  EXPECT_EQ(data.at("limit_reset").as_string(), "monthly");
  EXPECT_EQ(data.at("expires_at").as_string(), "2027-12-31T23:59:59.000Z");
  EXPECT_TRUE(data.at("updated_at").is_null());
  EXPECT_EQ(post(chat("sim/plain"), "tokens=46", key)->status, 200);
  const std::string hash(data.at("hash").as_string());
  EXPECT_EQ(info(hash).at("usage").as_double(), 0.0001);
  EXPECT_EQ(info(hash).at("limit_remaining").as_double(), 49.9999);
  for (const auto& path : {std::string("/keys"), "/keys/" + hash})
    EXPECT_EQ(ask("GET", path)->body.find(key), std::string::npos) << path;
  EXPECT_EQ(json(get("/api/v1/key", key)->body).at("data").at("limit").as_int64(), 50);
}

TEST_F(Management, the_key_of_the_simulator_is_one_of_them) {
  EXPECT_EQ(listed(), 1u);
  const auto first = json(ask("GET", "/keys")->body).at("data").at(0);
  EXPECT_EQ(first.at("label").as_string(), "sk-or-v1-012...def");
  EXPECT_EQ(
      ask("PATCH", "/keys/" + std::string(first.at("hash").as_string()), R"({"disabled":true})")->status,
      200);
  EXPECT_EQ(get("/api/v1/key")->status, 401);
  start("POST", "/sim/reset", "", {});
  EXPECT_EQ(get("/api/v1/key")->status, 200) << "a reset undoes it";
}

TEST_F(Management, a_disabled_key_is_refused_until_it_is_enabled) {
  const auto made = make();
  const auto change = [&](const char* body) { return ask("PATCH", "/keys/" + made.hash, body)->status; };
  EXPECT_EQ(change(R"({"disabled":true})"), 200);
  EXPECT_EQ(post(chat("sim/plain"), "", made.key)->status, 401);
  EXPECT_EQ(get("/api/v1/key", made.key)->status, 401);
  EXPECT_EQ(listed(), 1u);
  EXPECT_EQ(listed("?include_disabled=true"), 2u);
  EXPECT_EQ(change(R"({"disabled":false})"), 200);
  EXPECT_EQ(post(chat("sim/plain"), "", made.key)->status, 200);
  EXPECT_FALSE(info(made.hash).at("updated_at").is_null());
}

TEST_F(Management, a_deleted_key_is_gone) {
  const auto made = make();
  const auto gone = ask("DELETE", "/keys/" + made.hash);
  EXPECT_EQ(gone->status, 200);
  EXPECT_EQ(gone->body, R"({"deleted":true})");
  EXPECT_EQ(post(chat("sim/plain"), "", made.key)->status, 401);
  EXPECT_EQ(listed("?include_disabled=true"), 1u);
  for (const auto* method : {"GET", "PATCH", "DELETE"})
    EXPECT_EQ(ask(method, "/keys/" + made.hash, *method == 'P' ? "{}" : "")->status, 404) << method;
}

TEST_F(Management, null_is_another_thing_than_nothing) {
  const auto made = make(R"({"name":"one","limit":5,"limit_reset":"daily","include_byok_in_limit":true})");
  const auto changed = [&](const char* body) {
    return json(ask("PATCH", "/keys/" + made.hash, body)->body).at("data");
  };
  EXPECT_EQ(changed("{}").at("limit").as_int64(), 5);
  EXPECT_EQ(changed(R"({"name":"two"})").at("limit_reset").as_string(), "daily");
  EXPECT_TRUE(changed(R"({"limit_reset":null})").at("limit_reset").is_null());
  const auto unlimited = changed(R"({"limit":null})");
  EXPECT_TRUE(unlimited.at("limit").is_null());
  EXPECT_TRUE(unlimited.at("limit_remaining").is_null());
  EXPECT_EQ(unlimited.at("name").as_string(), "two");
  EXPECT_TRUE(unlimited.at("include_byok_in_limit").as_bool());
}

TEST_F(Management, a_key_ends_when_it_expires) {
  const auto made =
      make(R"({"name":"short","expires_at":"2026-09-22T00:00:00Z"})");  // the fixture's clock: the day before
  EXPECT_EQ(post(chat("sim/plain"), "", made.key)->status, 200);
  advance(24h);
  EXPECT_EQ(post(chat("sim/plain"), "", made.key)->status, 401);
}

TEST_F(Management, each_key_has_its_own_limit) {
  const auto poor = make(R"({"name":"poor","limit":0.00001})");
  EXPECT_EQ(post(chat("openai/gpt-4.1"), "", poor.key)->status, 402);
  EXPECT_EQ(post(chat("openai/gpt-4.1"))->status, 200);
  const auto own = make(R"({"name":"own","limit":0.0001,"include_byok_in_limit":true})");
  EXPECT_EQ(post(chat("sim/byok", R"(,"max_tokens":46)"), "tokens=46", own.key)->status, 200);
  EXPECT_EQ(info(own.hash).at("limit_remaining").as_double(), -0.000005) << "the fee and the provider's bill";
}

TEST_F(Management, each_mistake_is_a_400_that_names_it) {
  const auto made = make();
  struct Row {
    std::string_view method, body, told;
  };
  const Row rows[] = {
      {"POST", "{}", "name"},
      {"POST", "", "not a JSON object"},
      {"POST", R"({"name":""})", "name"},
      {"POST", R"({"name":"x","limit":"50"})", "limit"},
      {"POST", R"({"name":"x","limit":-1})", "limit"},
      {"POST", R"({"name":"x","limit_reset":"yearly"})", "limit_reset"},
      {"POST", R"({"name":"x","expires_at":"2027-12-31T23:59:59+01:00"})", "in UTC"},
      {"POST", R"({"name":"x","expires_at":"2027-02-30T00:00:00Z"})", "in UTC"},
      {"POST", R"({"name":"x","include_byok_in_limit":1})", "include_byok_in_limit"},
      {"PATCH", R"({"name":null})", "name"},
      {"PATCH", R"({"disabled":null})", "disabled"},
      {"PATCH", "[]", "not a JSON object"},
  };
  for (const auto& row : rows) {
    const auto path = row.method == "POST" ? std::string("/keys") : "/keys/" + made.hash;
    const auto ex = ask(std::string(row.method), path, std::string(row.body));
    EXPECT_EQ(ex->status, 400) << row.body;
    EXPECT_NE(ex->body.find(row.told), std::string::npos) << row.body << ": " << ex->body;
  }
  EXPECT_EQ(ask("GET", "/keys?offset=x")->status, 400);
}

TEST_F(Management, a_long_list_comes_in_pages) {
  for (int i = 0; i < 120; ++i) make();
  EXPECT_EQ(listed(), 100u);
  EXPECT_EQ(listed("?offset=100"), 21u);
  EXPECT_EQ(listed("?offset=121"), 0u);
}

}  // namespace
}  // namespace gantry::sim::test
