#include <gmock/gmock.h>

#include <string>

#include "config/build.hpp"

namespace gantry::config {
namespace {

using testing::HasSubstr;

TEST(Watch, compares_the_totals_of_keys_that_are_not_shared) {
  const auto read = build(
      "[upstream]\nkeys = [{ env = \"A\" }, { env = \"B\", exclusive = false }]\n[watch]\nevery = \"5m\"\n"
      "low_credit = \"$25\"\nunexplained = \"0.5 USD\"\n",
      "g.toml", {});
  EXPECT_TRUE(read.problems.empty()) << to_text(read.problems);
  EXPECT_TRUE(read.config.upstream.keys.at(0).exclusive);
  EXPECT_FALSE(read.config.upstream.keys.at(1).exclusive);
  EXPECT_EQ(read.config.watch.every, std::chrono::minutes{5});
  EXPECT_EQ(read.config.watch.low_credit_usd, "25");
  EXPECT_EQ(read.config.watch.unexplained_usd, "0.5");
  EXPECT_THAT(show(read.config), HasSubstr("exclusive = false }]"));
  const auto lone = build("[upstream]\nkeys = [{ env = \"A\", exclusive = false }]\n", "g.toml", {});
  EXPECT_THAT(show(lone.config), HasSubstr("keys = [{ env = \"A\", exclusive = false }]"));
  EXPECT_FALSE(read.config == lone.config);
}

TEST(Watch, is_refused_where_it_makes_no_sense) {
  const auto messages = [](const char* text) {
    std::string all;
    for (const auto& problem : build(text, "g.toml", {}).problems) all += problem.message + "; ";
    return all;
  };
  EXPECT_THAT(messages("[watch]\nevery = \"10ms\"\n"), HasSubstr("less than a second"));
  EXPECT_THAT(messages("[watch]\nevery = \"0s\"\ncredits = true\n"), HasSubstr("turns all looks off"));
  EXPECT_THAT(messages("[upstream]\nkeys = [{ env = \"A\", exclusive = 1 }]\n"),
              HasSubstr("exclusive must be true or false"));
  EXPECT_EQ(messages("[watch]\nevery = \"0s\"\n"), "");
}

}  // namespace
}  // namespace gantry::config
