#include "wire/generation.hpp"

#include <gmock/gmock.h>

#include <string>

namespace gantry::wire {
namespace {

TEST(Generation, is_read_to_the_last_digit) {
  const auto facts = read_generation(
      R"({"data":{"id":"gen-1","model":"acme/alpha","provider_name":"Acme","total_cost":0.000000280001,
          "upstream_inference_cost":null,"is_byok":false,"cancelled":true,"tokens_prompt":9,
          "native_tokens_prompt":11,"native_tokens_completion":null,"tokens_completion":3,"new":[{}]}})");
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_EQ(facts->id, "gen-1");
  EXPECT_EQ(facts->model, "acme/alpha");
  EXPECT_EQ(facts->provider, "Acme");
  EXPECT_EQ(facts->cost.value, 280001);
  EXPECT_EQ(facts->upstream_cost, std::nullopt);
  EXPECT_TRUE(facts->cancelled);
  EXPECT_EQ(facts->prompt_tokens, 11);
  EXPECT_EQ(facts->completion_tokens, 3);
}

TEST(Generation, of_ones_own_key_tells_the_providers_bill_too) {
  const auto facts =
      read_generation(R"({"data":{"total_cost":"0.01","is_byok":true,"upstream_inference_cost":0.2}})");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->cost.value, 10'000'000'000);
  EXPECT_EQ(facts->upstream_cost, PicoUsd{200'000'000'000});
  EXPECT_TRUE(facts->is_byok);
}

TEST(Generation, without_a_cost_is_not_one_that_costs_nothing) {
  for (const std::string body :
       {R"({"data":{"id":"gen-1"}})", R"({"data":{"total_cost":null}})", R"({"data":{"total_cost":-1}})",
        R"({"data":{"total_cost":"dear"}})", R"({"data":[]})", R"({})", R"([])", "", "{"})
    EXPECT_FALSE(read_generation(body)) << body;
  const auto free = read_generation(R"({"data":{"total_cost":0}})");
  ASSERT_TRUE(free);
  EXPECT_EQ(free->cost, PicoUsd{});
}

}  // namespace
}  // namespace gantry::wire
