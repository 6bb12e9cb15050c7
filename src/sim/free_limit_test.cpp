#include "sim/free_limit.hpp"

#include "sim/sim_fixture.hpp"

namespace gantry::sim::test {
namespace {

using std::chrono::seconds;

// The clock begins at 13:33:20 UTC: 40 s are left of the minute.
class FreeModels : public SimTest {
 protected:
  explicit FreeModels(SimOptions options = {}) : SimTest(std::move(options)) {}

  int ask(const std::string& model = "openai/gpt-oss-20b:free", const std::string& key = kKey) {
    last = post(chat(model, R"(,"max_tokens":1)"), "", key);
    return last->status;
  }
  // How many of `calls` are answered.
  int answered(int calls) {
    int good = 0;
    for (int i = 0; i < calls; ++i) good += ask() == 200;
    return good;
  }
  std::unique_ptr<FakeExchange> last;
};

TEST_F(FreeModels, answer_twenty_calls_a_minute_and_then_say_when_the_next_begins) {
  EXPECT_EQ(answered(20), 20);
  EXPECT_EQ(ask(), 429);
  EXPECT_EQ(last->header("x-ratelimit-limit"), "20");
  EXPECT_EQ(last->header("x-ratelimit-remaining"), "0");
  EXPECT_EQ(last->header("x-ratelimit-reset"), "1790000040000");
  EXPECT_EQ(last->header("retry-after"), "");
  const auto error = json(last->body).at("error");
  EXPECT_EQ(error.at("message").as_string(), "Rate limit exceeded: free-models-per-min");
  const auto& metadata = error.at("metadata");
  EXPECT_EQ(metadata.at("headers").at("X-RateLimit-Reset").as_string(), "1790000040000");
  EXPECT_EQ(metadata.at("limit_source").as_string(), "openrouter_free_tier_minute");
  EXPECT_TRUE(metadata.at("provider_name").is_null());

  advance(seconds{39});
  EXPECT_EQ(ask(), 429);
  advance(seconds{1});
  EXPECT_EQ(answered(25), 20) << "a refused call does not count";
}

TEST_F(FreeModels, share_their_calls_among_models_and_keys_and_take_none_from_the_others) {
  EXPECT_EQ(answered(19), 19);
  EXPECT_EQ(ask("google/gemma-3-27b-it:free", "sk-or-v1-another-key"), 200);
  EXPECT_EQ(ask("qwen/qwen3-coder:free"), 429);
  EXPECT_EQ(ask("openai/gpt-oss-20b:free", "sk-or-v1-another-key"), 429);
  EXPECT_EQ(ask("openai/gpt-4.1"), 200);
}

TEST_F(FreeModels, over_their_limit_leave_a_call_to_the_next_of_its_models) {
  answered(20);
  last = post(chat("openai/gpt-oss-20b:free", R"(,"models":["openai/gpt-4.1"],"max_tokens":1)"));
  EXPECT_EQ(last->status, 200);
  EXPECT_TRUE(std::string(json(last->body).at("model").as_string()).starts_with("openai/gpt-4.1"));
}

TEST_F(FreeModels, do_not_count_calls_that_are_wrong_or_before_a_reset) {
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(post(chat("openai/gpt-oss-20b:free", R"(,"max_tokens":100000000)"))->status, 400);
  EXPECT_EQ(answered(21), 20);
  simulator->reset();
  EXPECT_EQ(answered(21), 20);
}

TEST_F(FreeModels, obey_a_script_that_says_the_day_is_used_up) {
  ASSERT_TRUE(simulator->run_script("model *:free answers rate-limit=daily\n"));
  EXPECT_EQ(ask(), 429);
  EXPECT_EQ(json(last->body).at("error").at("message").as_string(),
            "Rate limit exceeded: free-models-per-day");
  EXPECT_EQ(last->header("x-ratelimit-reset"), "1790035200000") << "00:00 UTC";
  EXPECT_EQ(ask("openai/gpt-4.1"), 200);
}

struct UnlimitedFreeModels : FreeModels {
  static SimOptions unlimited() {
    SimOptions options;
    options.free_per_minute = 0;
    return options;
  }
  UnlimitedFreeModels() : FreeModels(unlimited()) {}
};
TEST_F(UnlimitedFreeModels, answer_every_call) { EXPECT_EQ(answered(50), 50); }

}  // namespace
}  // namespace gantry::sim::test
