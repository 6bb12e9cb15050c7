#include "wire/price_table.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace gantry::wire {
namespace {

using testing::HasSubstr;

constexpr std::string_view kModels = R"({"data":[
 {"id":"acme/alpha","canonical_slug":"acme/alpha-2026-01-02","context_length":32000,
  "top_provider":{"context_length":16000,"max_completion_tokens":4096},
  "pricing":{"prompt":"0.000001","completion":"0.000002"},"a_field_of_tomorrow":[{}]},
 {"id":"acme/alpha:free","canonical_slug":"acme/alpha-2026-01-02","context_length":null,
  "top_provider":{"context_length":8000},"pricing":{"prompt":"0","completion":"0"}},
 {"id":"acme/auto","pricing":{"prompt":"-1","completion":"-1"}},
 {"id":"seek/sonar","pricing":{"prompt":"0","completion":"0","web_search":"0.005"},
  "supported_parameters":["web_search_options"]},
 {"id":"seek/asked","pricing":{"prompt":"0","completion":"0","web_search":"0.005"},"supported_parameters":["tools"]},
 {"id":"seek/unpriced","pricing":{"prompt":"0","completion":"0"},"supported_parameters":["web_search_options"]},
 {"id":"~acme/latest","pricing":{"prompt":"-1","completion":"-1"},"alias_target":{"slug":"acme/alpha-2026-01-02"}},
 {"id":"~acme/lost","pricing":{"prompt":"3","completion":"3"},"alias_target":{"slug":"acme/gone"}},
 {"id":"acme/bare"}, {"id":"acme/alpha","pricing":{"prompt":"9","completion":"9"}},
 {"id":null}, {}, null, 7]})";

constexpr std::string_view kEndpoints = R"({"data":{"id":"acme/alpha","endpoints":[
 {"name":"x","tag":"acme","provider_name":"Acme Cloud","context_length":32000,"max_completion_tokens":null,
  "pricing":{"prompt":"0.000001","completion":"0.000002"}},
 {"tag":"acme/priority","provider_name":"Acme Cloud","pricing":{"prompt":"0.000003","completion":"0.000006"}},
 {"tag":"bolt/eu/flex","provider_name":"Bolt","context_length":16000,"max_completion_tokens":2048,
  "pricing":{"prompt":"0.0000005","completion":"0.000001","a_price_of_tomorrow":"1"}},
 {"tag":"cave","provider_name":"Cave","pricing":{"prompt":"-1","completion":"0"}},
 null, "x", {}]}})";

PriceTable table(std::string_view models = kModels) {
  auto parsed = PriceTable::parse(models);
  EXPECT_TRUE(parsed) << parsed.error().detail;
  return parsed ? std::move(*parsed) : PriceTable();
}

std::string prompt_price(const Pricing* pricing) {
  if (!pricing) return "none";
  CostSum sum;
  sum.add(*pricing->base.find(PriceKey::prompt), 1'000'000);
  return to_decimal(*sum.total());
}
std::string prompt_price(const std::optional<Pricing>& pricing) {
  return prompt_price(pricing ? &*pricing : nullptr);
}

TEST(PriceTable, finds_a_models_price_by_every_name_it_is_asked_for) {
  const PriceTable prices = table();
  struct Row {
    std::string id, price;
  };
  for (const Row& row :
       {Row{"acme/alpha", "1"}, Row{"acme/alpha-2026-01-02", "1"}, Row{"acme/alpha:nitro", "1"},
        Row{"acme/alpha:floor@preset/x", "1"}, Row{"acme/alpha:free", "0"}, Row{"~acme/latest", "1"},
        Row{"~acme/lost", "3000000"}, Row{"acme/auto", "none"}, Row{"acme/bare", "none"}}) {
    const ModelPrices* const model = prices.find(row.id);
    ASSERT_TRUE(model) << row.id;
    EXPECT_EQ(prompt_price(model->pricing), row.price) << row.id;
  }
  for (const std::string_view id : {"acme/beta", "acme/alpha:extended", "", "@preset/x"})
    EXPECT_FALSE(prices.find(id)) << id;
}

TEST(PriceTable, knows_limits_and_who_searches_unasked) {
  const PriceTable prices = table();
  EXPECT_EQ(prices.find("acme/alpha")->context_length, 32000);
  EXPECT_EQ(prices.find("acme/alpha")->max_completion_tokens, 4096);
  EXPECT_EQ(prices.find("acme/alpha:free")->context_length, 8000);
  EXPECT_FALSE(prices.find("acme/auto")->context_length);
  EXPECT_TRUE(prices.find("seek/sonar")->searches);
  EXPECT_FALSE(prices.find("seek/asked")->searches);
  EXPECT_FALSE(prices.find("seek/unpriced")->searches);
}

TEST(PriceTable, keeps_endpoints_and_tiers_apart) {
  PriceTable prices = table();
  EXPECT_TRUE(prices.find("acme/alpha")->endpoints.empty());
  ASSERT_TRUE(prices.add_endpoints(kEndpoints));
  const ModelPrices& model = *prices.find("~acme/latest");
  ASSERT_EQ(model.endpoints.size(), 5U) << "null and text are passed over";
  EXPECT_EQ(model.endpoints[0].tier, Tier::standard);
  EXPECT_EQ(model.endpoints[1].tier, Tier::priority);
  EXPECT_EQ(model.endpoints[2].tier, Tier::flex);
  EXPECT_EQ(model.endpoints[0].context_length, 32000);
  EXPECT_FALSE(model.endpoints[0].max_completion_tokens);
  EXPECT_EQ(model.endpoints[2].max_completion_tokens, 2048);
  EXPECT_EQ(prompt_price(model.endpoints[2].pricing), "0.5");
  EXPECT_FALSE(model.endpoints[3].pricing) << "a price is not known";
  EXPECT_FALSE(model.endpoints[4].pricing) << "nothing is known";
}

TEST(PriceTable, knows_the_price_list_of_who_answered) {
  PriceTable prices = table();
  const ModelPrices& model = *prices.find("acme/alpha");
  EXPECT_EQ(prompt_price(model.of("Acme Cloud")), "1") << "without endpoints the model's own";
  ASSERT_TRUE(prices.add_endpoints(kEndpoints));
  EXPECT_EQ(prompt_price(model.of("Acme Cloud")), "1") << "the standard tier";
  EXPECT_EQ(prompt_price(model.of("Bolt")), "0.5");
  EXPECT_EQ(prompt_price(model.of("Cave")), "none");
  EXPECT_EQ(prompt_price(model.of("Nobody")), "1");
}

TEST(PriceTable, says_what_is_wrong_with_a_list) {
  EXPECT_THAT(PriceTable::parse("{").error().detail, HasSubstr("not JSON"));
  EXPECT_THAT(PriceTable::parse(R"({"data":{}})").error().detail, HasSubstr("no list named data"));
  PriceTable prices = table();
  EXPECT_EQ(prices.add_endpoints("[").error().fault, Fault::malformed);
  EXPECT_EQ(prices.add_endpoints(R"({"data":{"id":"acme/alpha"}})").error().fault, Fault::malformed);
  EXPECT_EQ(prices.add_endpoints(R"({"data":{"id":"acme/gone","endpoints":[]}})").error().fault,
            Fault::not_found);
  EXPECT_TRUE(prices.find("acme/alpha")->endpoints.empty());
}

TEST(PriceTable, reads_the_public_list) {
  const char* const shared = std::getenv("GANTRY_SHARED");
  const auto path = std::filesystem::path(shared ? shared : "") / "openrouter/models.json";
  std::ifstream in(path);
  if (!shared || !in) GTEST_SKIP() << "there is no " << path;
  const std::string body{std::istreambuf_iterator<char>(in), {}};
  const PriceTable prices = table(body);
  std::size_t priced = 0;
  for (const ModelPrices& model : prices.all()) priced += model.pricing ? 1 : 0;
  EXPECT_GT(prices.all().size(), 100U);
  EXPECT_GT(priced, prices.all().size() * 9 / 10) << "all but routers";
  EXPECT_FALSE(prices.find("openrouter/auto")->pricing);
}

}  // namespace
}  // namespace gantry::wire
