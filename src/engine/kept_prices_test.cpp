// The list of models as it is kept for the next start.
#include "engine/kept_prices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gantry::engine {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kHere = "https://openrouter.ai/api/v1";
constexpr std::string_view kModels = R"({"data":[
  {"id":"acme/alpha","canonical_slug":"acme/alpha-2","name":"Alpha","description":"long","context_length":8000,
   "top_provider":{"context_length":8000,"max_completion_tokens":4000,"is_moderated":true},
   "supported_parameters":["tools","web_search_options"],
   "pricing":{"prompt":"0.000001","completion":"0.000002","web_search":"0.01",
              "overrides":[{"min_prompt_tokens":200000,"prompt":"0.000002","completion":"0.000004"}]}},
  {"id":"acme/beta","pricing":{"prompt":"-1","completion":"-1"},"top_provider":null},
  {"id":"acme/latest","alias_target":{"slug":"acme/alpha"}},
  7]})";

TEST(KeptPrices, say_the_same_as_the_list_that_they_are_of) {
  const auto document = prices_to_keep(kHere, kModels);
  ASSERT_TRUE(document);
  EXPECT_THAT(*document, Not(HasSubstr("description")));
  const auto kept = kept_prices(*document, kHere), told = wire::PriceTable::parse(kModels);
  ASSERT_TRUE(kept && told);
  ASSERT_EQ(kept->all().size(), told->all().size());
  for (const auto name : {"acme/alpha", "acme/alpha-2", "acme/alpha:nitro", "acme/beta", "acme/latest"}) {
    const auto *here = kept->find(name), *there = told->find(name);
    ASSERT_TRUE(here && there) << name;
    EXPECT_EQ(here->id, there->id);
    EXPECT_EQ(here->context_length, there->context_length);
    EXPECT_EQ(here->max_completion_tokens, there->max_completion_tokens);
    EXPECT_EQ(here->searches, there->searches);
    ASSERT_EQ(here->pricing.has_value(), there->pricing.has_value()) << name;
    if (!here->pricing) continue;
    EXPECT_EQ(here->pricing->base.find(wire::PriceKey::completion)->units,
              there->pricing->base.find(wire::PriceKey::completion)->units);
    EXPECT_EQ(here->pricing->overrides.size(), there->pricing->overrides.size());
  }
}

TEST(KeptPrices, are_the_same_while_no_price_changes) {
  constexpr std::string_view kOne = R"({"data":[{"id":"a/b","description":"one","pricing":{"prompt":"1"}}]})";
  constexpr std::string_view kTwo = R"({"data":[{"description":"two","id":"a/b","pricing":{"prompt":"1"}}]})";
  EXPECT_EQ(*prices_to_keep(kHere, kOne), *prices_to_keep(kHere, kTwo));
}

TEST(KeptPrices, are_of_one_upstream) {
  const auto document = prices_to_keep(kHere, kModels);
  EXPECT_EQ(kept_prices(*document, "http://127.0.0.1:1/api/v1").error().fault, Fault::not_found);
}

TEST(KeptPrices, that_are_broken_are_not_read) {
  for (const std::string_view document :
       {"", "{", R"({"data":[{"id":"a/b"}]})", R"({"from":"https://openrouter.ai/api/v1","data":[]})"})
    EXPECT_FALSE(kept_prices(document, kHere)) << document;
}

TEST(KeptPrices, have_a_bound) {
  std::string models =
      R"({"data":[{"id":"a/b","pricing":{"prompt":")" + std::string(kMostKept, '1') + R"("}}]})";
  EXPECT_EQ(prices_to_keep(kHere, models).error().fault, Fault::too_large);
}

TEST(KeptMoment, is_read_as_it_was_written_and_nothing_else_is) {
  const WallTime at{std::chrono::seconds{1'790'000'000}};
  EXPECT_EQ(kept_moment(moment_to_keep(at)), at);
  for (const auto text : {"", "x", "1x", "-1", "99999999999999999999", "9000000001"})
    EXPECT_FALSE(kept_moment(text)) << text;
}

}  // namespace
}  // namespace gantry::engine
