#include "engine/prices.hpp"

#include <gtest/gtest.h>

namespace gantry::engine {
namespace {

constexpr WallTime kNow{std::chrono::seconds{1'795'512'600}};

wire::PriceTable table() {
  auto parsed = wire::PriceTable::parse(
      R"({"data":[{"id":"acme/alpha","canonical_slug":"acme/alpha-2026","pricing":{"prompt":"0.000001","completion":"0.000002"}},
                  {"id":"acme/beta","pricing":{"prompt":"0.00001","completion":"0.00002"}}]})");
  EXPECT_TRUE(parsed);
  return *parsed;
}
wire::Usage usage_of(std::optional<std::int64_t> prompt, std::optional<std::int64_t> completion) {
  wire::Usage usage;
  usage.prompt_tokens = prompt, usage.completion_tokens = completion;
  return usage;
}
const wire::Usage kUsage = usage_of(10, 5);

TEST(AttemptPrices, are_those_of_the_model_that_answered) {
  const auto prices = table();
  const AttemptPrices attempt(&prices, "acme/alpha", {});
  EXPECT_EQ(attempt.computed(kUsage, "", "", kNow), PicoUsd{20'000'000});
  EXPECT_EQ(attempt.computed(kUsage, "acme/alpha-2026", "", kNow), PicoUsd{20'000'000});
  EXPECT_EQ(attempt.computed(kUsage, "acme/beta", "", kNow), PicoUsd{200'000'000}) << "another one did";
  EXPECT_EQ(attempt.computed(usage_of(10, {}), "", "", kNow), std::nullopt) << "not told is not zero";
}

TEST(AttemptPrices, are_not_known_without_a_list_or_for_a_model_that_is_not_in_it) {
  const auto prices = table();
  EXPECT_EQ(AttemptPrices(nullptr, "acme/alpha", {}).computed(kUsage, "", "", kNow), std::nullopt);
  EXPECT_EQ(AttemptPrices(&prices, "acme/other", {}).computed(kUsage, "", "", kNow), std::nullopt);
}

TEST(AttemptPrices, of_all_models_that_may_answer_bound_the_call) {
  const auto prices = table();
  wire::CostDrivers drivers;
  drivers.max_tokens = 100;
  const std::string_view along[] = {"acme/beta"};
  const AttemptPrices one(&prices, "acme/alpha", {}), two(&prices, "acme/alpha", along);
  const auto small = spend::bound(drivers, one.served(kNow, {})),
             large = spend::bound(drivers, two.served(kNow, {}));
  ASSERT_TRUE(small && large);
  EXPECT_LT(small->most, large->most);
  const std::string_view unknown[] = {"acme/other"};
  const AttemptPrices three(&prices, "acme/alpha", unknown);
  EXPECT_FALSE(spend::bound(drivers, three.served(kNow, {})));
}

TEST(AttemptPrices, of_another_upstream_stand_in_the_configuration) {
  config::Upstream upstream;
  upstream.name = "home";
  upstream.prices["llama3.1:8b"] = {.prompt = {50'000'000'000},
                                    .completion = {80'000'000'000}};  // $0.05, $0.08
  const AttemptPrices known(upstream, "llama3.1:8b");
  EXPECT_EQ(known.computed(kUsage, "llama3.1:8b", "", kNow), PicoUsd{900'000});
  wire::CostDrivers drivers;
  drivers.max_tokens = 100;
  const auto bound = spend::bound(drivers, known.served(kNow, {}));
  ASSERT_TRUE(bound);
  EXPECT_EQ(bound->cap, std::nullopt);
  const AttemptPrices unknown(upstream, "other");
  EXPECT_EQ(unknown.computed(kUsage, "other", "", kNow), std::nullopt);
  EXPECT_FALSE(spend::bound(drivers, unknown.served(kNow, {})));
}

TEST(AttemptPrices, that_the_operator_states_win_over_the_list) {
  const auto prices = table();
  const config::Prices stated{{"acme/alpha",
                               {.prompt = {3'000'000'000'000},  // $3
                                .completion = {0},
                                .request = PicoUsd{1'000'000'000}}}};  // $0.001
  const PicoUsd expected{30'000'000 + 1'000'000'000};
  for (const auto asked : {"acme/alpha", "acme/alpha-2026", "acme/alpha:nitro"}) {
    const AttemptPrices attempt(&prices, asked, {}, stated);
    EXPECT_EQ(attempt.computed(kUsage, "", "", kNow), expected) << asked;
    EXPECT_EQ(attempt.computed(kUsage, "acme/alpha-2026", "Any Cloud", kNow), expected) << asked;
    EXPECT_EQ(attempt.computed(kUsage, "acme/beta", "", kNow), PicoUsd{200'000'000})
        << "of others they say nothing";
    wire::CostDrivers drivers;
    drivers.max_tokens = 1'000'000;
    const auto bound = spend::bound(drivers, attempt.served(kNow, {}));
    ASSERT_TRUE(bound);
    EXPECT_EQ(bound->cap, std::nullopt) << "nobody keeps dearer endpoints out of what is stated";
    EXPECT_LT(bound->most, PicoUsd{2'000'000'000}) << "an answer costs nothing";
  }
  EXPECT_EQ(AttemptPrices(&prices, "acme/beta", {}, stated).computed(kUsage, "acme/alpha", "", kNow),
            expected);
  EXPECT_EQ(AttemptPrices(nullptr, "acme/alpha", {}, stated).computed(kUsage, "", "", kNow), expected)
      << "also while no list has come";
  config::Upstream upstream;
  upstream.name = "home";
  upstream.prices["m"] = {.prompt = {1}, .completion = {1}};
  const config::Prices routes{{"home:m", {.prompt = {3'000'000'000'000}, .completion = {0}}}};
  EXPECT_EQ(AttemptPrices(upstream, "m", routes).computed(kUsage, "", "", kNow), PicoUsd{30'000'000});
}

TEST(RoughCost, is_tokens_times_listed_prices_or_nothing) {
  const auto prices = table();
  EXPECT_EQ(rough_cost(prices.find("acme/alpha"), 10, 5), PicoUsd{20'000'000});
  EXPECT_EQ(rough_cost(prices.find("acme/other"), 10, 5), std::nullopt);
  EXPECT_EQ(rough_cost(&prices.dearest(), 10, 5), PicoUsd{200'000'000}) << "of what has no price";
}

}  // namespace
}  // namespace gantry::engine
