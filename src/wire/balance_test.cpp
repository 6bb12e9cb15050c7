#include "wire/balance.hpp"

#include <gmock/gmock.h>

namespace gantry::wire {
namespace {

TEST(KeyBalance, is_read_to_the_last_digit) {
  const auto told = read_key_balance(
      R"({"data":{"label":"sk-or-v1-abc...123","limit":100,"limit_remaining":74.500000000001,
          "usage":25.5,"usage_daily":1e-6,"is_free_tier":false,"new":[{}]}})");
  ASSERT_TRUE(told) << told.error().detail;
  EXPECT_EQ(told->left, PicoUsd{74'500'000'000'001});
  EXPECT_EQ(told->usage, PicoUsd{25'500'000'000'000});
}

TEST(KeyBalance, may_lack_a_limit_or_be_overdrawn) {
  EXPECT_EQ(read_key_balance(R"({"data":{"limit_remaining":null,"usage":0}})").value(),
            (KeyBalance{.left = std::nullopt, .usage = PicoUsd{0}}));
  EXPECT_EQ(read_key_balance(R"({"data":{"limit_remaining":"-0.25"}})").value(),
            (KeyBalance{.left = PicoUsd{-250'000'000'000}, .usage = std::nullopt}));
}

TEST(KeyBalance, is_not_guessed) {
  for (const auto* body :
       {"", "no", "[]", R"({"data":[]})", R"({"error":{"code":401}})", R"({"data":{"usage":-1}})",
        R"({"data":{"usage":true}})", R"({"data":{"limit_remaining":"much"}})", R"({"data":{"usage":1e30}})"})
    EXPECT_FALSE(read_key_balance(body)) << body;
}

TEST(AccountCredits, are_what_was_bought_less_what_was_used) {
  const auto told = read_account_credits(R"({"data":{"total_credits":50.0,"total_usage":62.34}})");
  ASSERT_TRUE(told) << told.error().detail;
  EXPECT_EQ(told->left(), PicoUsd{-12'340'000'000'000});
}

TEST(AccountCredits, are_not_guessed) {
  for (const auto* body :
       {"{}", R"({"data":{"total_credits":50.0}})", R"({"data":{"total_credits":50.0,"total_usage":null}})",
        R"({"data":{"total_credits":-1,"total_usage":0}})"})
    EXPECT_FALSE(read_account_credits(body)) << body;
}

}  // namespace
}  // namespace gantry::wire
