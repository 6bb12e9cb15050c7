// Prices that an operator states, and holds that are learned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/build.hpp"

namespace gantry::config {
namespace {

using testing::HasSubstr;

Config good(std::string_view text) {
  auto draft = build(text, "g.toml", {});
  for (const auto& problem : draft.problems) ADD_FAILURE() << problem.where << " | " << problem.message;
  return draft.config;
}

std::string wrong_with(std::string_view text) {
  const auto draft = build(text, "g.toml", {});
  if (draft.problems.size() != 1) return std::to_string(draft.problems.size()) + " problems";
  const auto& problem = draft.problems.front();
  return problem.where + " | " + problem.message + " | " + problem.remedy;
}

constexpr std::string_view kStated = R"([routes.default.prices]
"openai/gpt-4.1" = { prompt = "$2", completion = "8 USD", input_cache_read = "$0.5", image = "$0.001", request = "$0" }
"local:llama3" = { prompt = "$0", completion = "$0" }
[routes.other]
primary = "a/b"
)";

TEST(RoutePrices, are_read_by_model) {
  const auto config = good(kStated);
  const auto& prices = config.routes.at("default").prices;
  ASSERT_EQ(prices.size(), 2u);
  const auto& price = prices.at("openai/gpt-4.1");
  EXPECT_EQ(price.prompt, PicoUsd{2'000'000'000'000});
  EXPECT_EQ(price.completion, PicoUsd{8'000'000'000'000});
  EXPECT_EQ(price.input_cache_read, PicoUsd{500'000'000'000});
  EXPECT_EQ(price.image, PicoUsd{1'000'000'000});
  EXPECT_EQ(price.request, PicoUsd{0});
  EXPECT_EQ(price.web_search, std::nullopt) << "not stated is not zero";
  EXPECT_TRUE(config.routes.at("other").prices.empty()) << "they are a route's own";
}

TEST(RoutePrices, are_shown_as_they_are_read) {
  const auto first = good(kStated);
  EXPECT_EQ(build(show(first), "shown.toml", {}).config, first);
  EXPECT_THAT(show(first), HasSubstr(R"(input_cache_read = "$0.5", request = "$0", image = "$0.001" })"));
}

TEST(RoutePrices, that_are_wrong_are_told_with_their_line) {
  EXPECT_EQ(
      wrong_with(
          "[routes.default.prices]\n\"a/b\" = { prompt = \"$1\", completion = \"$1\" }\n\"c/d\" = { prompt "
          "= \"$1\", completion = \"$1\", cache_read = \"$1\" }\n"),
      "g.toml:3 | routes.default.prices of \"c/d\": \"cache_read\" is not a price of a model | write it "
      "like: { "
      "prompt = \"$0.05\", completion = \"$0.08\" }");
  EXPECT_THAT(
      wrong_with(
          "[routes.default.prices]\n\"a/b\" = { prompt = \"$1\", completion = \"$1\", imag = \"$1\" }\n"),
      HasSubstr("did you mean image?"));
  EXPECT_THAT(
      wrong_with(
          "[routes.default.prices]\n\"a/b\" = { prompt = \"$1\", completion = \"$1\", image = \"-1\" }\n"),
      HasSubstr("g.toml:2 | routes.default.prices of \"a/b\": \"image\" must be money"));
  EXPECT_THAT(wrong_with("[routes.default.prices]\n\"a/b\" = { prompt = \"$1\" }\n"),
              HasSubstr("must have prompt and completion"));
}

TEST(RouteHold, is_money_or_learned) {
  EXPECT_EQ(good("[routes.default]\nhold = \"$0.50\"\n").routes.at("default").hold, "0.5");
  const auto learned = good("[routes.default]\nhold = \"calibrated\"\n");
  EXPECT_EQ(learned.routes.at("default").hold, kCalibrated);
  EXPECT_EQ(build(show(learned), "shown.toml", {}).config, learned);
  EXPECT_THAT(
      wrong_with("[routes.default]\nhold = \"learned\"\n"),
      HasSubstr(
          "g.toml:2 | routes.default.hold must be money such as \"$10\" or \"10 USD\", or \"calibrated\""));
}

}  // namespace
}  // namespace gantry::config
