// Everything but completions.
#include "sim/sim_fixture.hpp"

namespace gantry::sim::test {
namespace {

using namespace std::chrono_literals;
using Endpoints = SimTest;

TEST_F(Endpoints, are_served_below_both_prefixes) {
  for (const std::string prefix : {"/api/v1", "/v1"}) {
    for (const std::string path : {"/models", "/models/count", "/models/user", "/model/openai/gpt-4.1",
                                   "/models/openai/gpt-4.1/endpoints", "/providers", "/key", "/auth/key"}) {
      const auto ex = get(prefix + path);
      EXPECT_EQ(ex->status, 200) << prefix << path;
      EXPECT_TRUE(json(ex->body).as_object().contains("data")) << path;
      EXPECT_EQ(ex->header("x-gantry-simulated"), "1");
    }
  }
}

TEST_F(Endpoints, what_does_not_exist_is_a_404_that_names_what_does) {
  for (const auto* path : {"/", "/api/v1", "/api/v1/", "/api/v2/models", "/api/v1/embeddings",
                           "/api/v1/models/openai/gpt-4.1", "/api/v1modelz", "/sim", "/sim/other"}) {
    const auto ex = get(path);
    EXPECT_EQ(ex->status, 404) << path;
    EXPECT_EQ(json(ex->body).at("error").at("code").as_int64(), 404) << path;
    EXPECT_NE(ex->body.find("POST /chat/completions"), std::string::npos) << path;
  }
  EXPECT_EQ(start("DELETE", "/api/v1/models", "", with(kKey, ""))->status, 404);
  EXPECT_EQ(get("/api/v1/chat/completions")->status, 404);
  EXPECT_EQ(get("/api/v1/model/openai/gpt-9")->status, 404);
  EXPECT_EQ(get("/api/v1/models/openai/gpt-9/endpoints")->status, 404);
}

TEST_F(Endpoints, catalogue_reads_need_no_key_and_the_others_do) {
  for (const auto* path : {"/api/v1/models", "/api/v1/models/count", "/api/v1/model/openai/gpt-4.1",
                           "/api/v1/models/openai/gpt-4.1/endpoints", "/api/v1/providers"})
    EXPECT_EQ(get(path, "")->status, 200) << path;
  for (const auto* path : {"/api/v1/key", "/api/v1/auth/key", "/api/v1/credits", "/api/v1/generation?id=x",
                           "/api/v1/models/user"})
    EXPECT_EQ(get(path, "")->status, 401) << path;
}

TEST_F(Endpoints, percentiles_are_told_only_to_the_authenticated) {
  const auto endpoint = [&](const std::string& key) {
    return json(get("/api/v1/models/openai/gpt-4.1/endpoints", key)->body).at("data").at("endpoints").at(0);
  };
  EXPECT_TRUE(endpoint("").at("latency_last_30m").is_null());
  EXPECT_TRUE(endpoint(kKey).at("latency_last_30m").is_object());
}

TEST_F(Endpoints, the_key_tells_its_limit_and_hides_itself) {
  const auto ex = get("/api/v1/key");
  const auto data = json(ex->body).at("data");
  EXPECT_EQ(data.at("limit_remaining").as_int64(), 100);
  EXPECT_EQ(data.at("limit_reset").as_string(), "monthly");
  EXPECT_EQ(data.at("label").as_string(), "sk-or-v1-012...def");
  EXPECT_EQ(data.at("rate_limit").at("requests").as_int64(), -1);
  EXPECT_FALSE(data.at("is_management_key").as_bool());
  EXPECT_EQ(ex->body.find(kKey), std::string::npos);
  EXPECT_TRUE(json(get("/api/v1/key", kManagementKey)->body).at("data").at("is_management_key").as_bool());
}

TEST_F(Endpoints, what_a_key_has_left_can_be_set) {
  EXPECT_EQ(json(get("/api/v1/key", kKey, "credit=4.5")->body).at("data").at("limit_remaining").as_double(),
            4.5);
  EXPECT_TRUE(json(get("/api/v1/key", kKey, "credit=null")->body).at("data").at("limit_remaining").is_null());
  EXPECT_EQ(get("/api/v1/key", kKey, "503")->status, 503);
}

TEST_F(Endpoints, credits_need_a_management_key) {
  post(chat("sim/plain"), "tokens=46");
  EXPECT_EQ(get("/api/v1/credits")->status, 403);
  const auto data = json(get("/api/v1/credits", kManagementKey)->body).at("data");
  EXPECT_EQ(data.at("total_credits").as_int64(), 1000);
  EXPECT_EQ(data.at("total_usage").as_double(), 0.0001);
}

TEST_F(Endpoints, a_generation_is_not_there_at_once) {
  const auto ex = post(chat("openai/gpt-4.1"));
  const auto id = ex->header("x-generation-id");
  EXPECT_EQ(get("/api/v1/generation?id=" + id)->status, 404);
  advance(490ms);
  EXPECT_EQ(get("/api/v1/generation?id=" + id)->status, 404);
  advance(10ms);
  const auto found = get("/api/v1/generation?id=" + id);
  ASSERT_EQ(found->status, 200);
  const auto data = json(found->body).at("data");
  const auto reply = json(ex->body);
  EXPECT_EQ(data.at("total_cost"), reply.at("usage").at("cost"));
  EXPECT_EQ(data.at("tokens_prompt"), reply.at("usage").at("prompt_tokens"));
  EXPECT_EQ(data.at("native_tokens_completion"), reply.at("usage").at("completion_tokens"));
  EXPECT_EQ(data.at("finish_reason").as_string(), "stop");
  EXPECT_FALSE(data.at("streamed").as_bool());
  EXPECT_EQ(get("/api/v1/generation?id=" + id, "sk-or-v1-somebody-else")->status, 404)
      << "only for the key that made it";
  EXPECT_EQ(get("/api/v1/generation")->status, 400);
}

TEST_F(Endpoints, a_generation_can_be_late) {
  const auto ex = post(chat("sim/plain"), "generation-after=1m");
  advance(59s);
  EXPECT_EQ(get("/api/v1/generation?id=" + ex->header("x-generation-id"))->status, 404);
  advance(1s);
  EXPECT_EQ(get("/api/v1/generation?id=" + ex->header("x-generation-id"))->status, 200);
}

TEST_F(Endpoints, a_models_list_may_be_odd) {
  const auto list = json(get("/api/v1/models", "", "odd-models")->body);
  const auto& last = list.at("data").as_array().back();
  EXPECT_EQ(last.at("id").as_string(), "sim/odd-enums");
  EXPECT_TRUE(last.as_object().contains("x_tomorrow"));
}

TEST_F(Endpoints, the_journal_tells_each_attempt_and_no_secret) {
  advance(250ms);
  const auto ex = post(chat("openai/gpt-4.1"), "comments");
  get("/api/v1/key");
  const auto text = get("/sim/journal", "")->body;
  EXPECT_EQ(text.find(kKey), std::string::npos);
  const auto journal = json(text);
  EXPECT_EQ(journal.at("seen").as_int64(), 2);
  EXPECT_EQ(journal.at("dropped").as_int64(), 0);
  const auto& first = journal.at("attempts").at(0);
  EXPECT_EQ(first.at("began_ms").as_int64(), 250);
  EXPECT_EQ(first.at("model").as_string(), "openai/gpt-4.1");
  EXPECT_EQ(first.at("path").as_string(), "/api/v1/chat/completions");
  EXPECT_EQ(first.at("faults").as_string(), "comments=3");
  EXPECT_EQ(first.at("headers").at("Authorization").as_string(), "Bearer sk-or-v1-012...def");
  EXPECT_EQ(first.at("body_bytes").as_int64(), static_cast<std::int64_t>(chat("openai/gpt-4.1").size()));
  EXPECT_EQ(first.at("status").as_int64(), 200);
  EXPECT_EQ(first.at("bytes_sent").as_int64(), static_cast<std::int64_t>(ex->body.size()));
  EXPECT_TRUE(first.at("finished").as_bool());
  EXPECT_EQ(first.at("generation").as_string(), ex->header("x-generation-id"));
  EXPECT_EQ(json(get("/sim/journal?after=1", "")->body).at("attempts").as_array().size(), 1u);
}

TEST_F(Endpoints, the_body_hash_is_sha256) {
  start("POST", "/api/v1/chat/completions", "abc", with(kKey, ""));
  EXPECT_EQ(simulator->attempts().at(0).body_sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(Endpoints, a_reset_forgets_what_was_seen_and_spent) {
  post(chat("openai/gpt-4.1"));
  EXPECT_EQ(start("POST", "/sim/reset", "", {})->status, 200);
  EXPECT_TRUE(simulator->attempts().empty());
  EXPECT_EQ(json(get("/api/v1/key")->body).at("data").at("usage").as_int64(), 0);
}

TEST_F(Endpoints, a_script_can_be_sent) {
  EXPECT_EQ(start("POST", "/sim/script", "path /models answers 503", {})->status, 200);
  EXPECT_EQ(get("/api/v1/models")->status, 503);
  const auto wrong = start("POST", "/sim/script", "model * answers\nbogus", {});
  EXPECT_EQ(wrong->status, 400);
  EXPECT_NE(wrong->body.find("script:2:"), std::string::npos);
  EXPECT_EQ(get("/api/v1/models")->status, 503) << "a wrong script changes nothing";
}

class OneKey : public SimTest {
 protected:
  OneKey() : SimTest({.key = kKey, .journal_entries = 3}) {}
};

TEST_F(OneKey, only_that_key_opens) {
  EXPECT_EQ(get("/api/v1/key")->status, 200);
  EXPECT_EQ(get("/api/v1/key", "sk-or-v1-another-key-that-is-well-formed")->status, 401);
  EXPECT_EQ(post(chat("openai/gpt-4.1"), "", "sk-or-v1-another-key-that-is-well-formed")->status, 401);
}

TEST_F(OneKey, the_journal_is_bounded_and_says_what_it_dropped) {
  for (int i = 0; i < 5; ++i) get("/api/v1/providers");
  const auto journal = json(get("/sim/journal")->body);
  ASSERT_EQ(journal.at("attempts").as_array().size(), 3u);
  EXPECT_EQ(journal.at("attempts").at(0).at("number").as_int64(), 3);
  EXPECT_EQ(journal.at("dropped").as_int64(), 2);
  EXPECT_EQ(journal.at("seen").as_int64(), 5);
}

TEST(Options, that_make_no_sense_are_refused) {
  const ManualTime time;
  const SimOptions wrong[] = {
      {.catalogue_file = "no/such/file"}, {.script_file = "no/such/file"}, {.jitter = 2},
      {.tokens_per_second = -1},          {.key_limit = "much"},           {.limit_reset = "hourly"}};
  for (const auto& options : wrong) {
    const auto made = Simulator::create(time, options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().fault, Fault::bad_input);
    EXPECT_FALSE(made.error().detail.empty());
  }
}

}  // namespace
}  // namespace gantry::sim::test
