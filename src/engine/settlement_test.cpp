#include "engine/settlement.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gantry::engine {
namespace {

using route::Outcome;

const std::optional<wire::Usage> kNoUsage;
std::optional<wire::Usage> usage_of(std::optional<std::int64_t> prompt,
                                    std::optional<std::int64_t> completion, std::optional<PicoUsd> cost) {
  wire::Usage usage;
  usage.prompt_tokens = prompt, usage.completion_tokens = completion, usage.cost = cost;
  return usage;
}
const auto kTokens = usage_of(9, 2, {}), kHalf = usage_of(9, {}, {}), kCost = usage_of(9, {}, PicoUsd{7}),
           kZero = usage_of({}, {}, PicoUsd{});

TEST(Settlement, says_what_an_end_costs) {
  const struct {
    const char* name;
    AttemptFacts facts;
    Bill bill;
  } rows[] = {
      {"an answer with its cost", {.sent = true, .status = 200, .usage = kCost}, Bill::told},
      {"a cached answer is told to cost nothing", {.sent = true, .status = 200, .usage = kZero}, Bill::told},
      {"a failure that tells a cost all the same",
       {.outcome = Outcome::upstream_error,
        .sent = true,
        .status = 200,
        .told_failure = true,
        .usage = kCost},
       Bill::told},
      {"an answer that only tells tokens", {.sent = true, .status = 200, .usage = kTokens}, Bill::tokens},
      {"an answer that tells half of them", {.sent = true, .status = 200, .usage = kHalf}, Bill::unknown},
      {"an answer that tells nothing", {.sent = true, .status = 200, .usage = kNoUsage}, Bill::unknown},
      {"what was never sent", {.outcome = Outcome::unreachable, .usage = kNoUsage}, Bill::nothing},
      {"a reset after it was sent",
       {.outcome = Outcome::ambiguous, .sent = true, .usage = kNoUsage},
       Bill::unknown},
      {"silence", {.outcome = Outcome::silent, .sent = true, .usage = kNoUsage}, Bill::unknown},
      {"an error's status",
       {.outcome = Outcome::overloaded, .sent = true, .status = 503, .usage = kNoUsage},
       Bill::nothing},
      {"a timeout that upstream tells of",
       {.outcome = Outcome::upstream_error,
        .sent = true,
        .status = 504,
        .maybe_billed = true,
        .usage = kNoUsage},
       Bill::unknown},
      {"an error inside a 200 is insured",
       {.outcome = Outcome::upstream_error,
        .sent = true,
        .status = 200,
        .told_failure = true,
        .usage = kNoUsage},
       Bill::nothing},
      {"also when tokens came before it",
       {.outcome = Outcome::upstream_error,
        .sent = true,
        .status = 200,
        .told_failure = true,
        .usage = kTokens},
       Bill::nothing},
      {"but not at another upstream",
       {.outcome = Outcome::upstream_error,
        .sent = true,
        .status = 200,
        .told_failure = true,
        .insured = false,
        .usage = kTokens},
       Bill::tokens},
      {"a stream that was cut",
       {.outcome = Outcome::upstream_error, .sent = true, .status = 200, .usage = kNoUsage},
       Bill::unknown},
      {"a stream whose client left",
       {.outcome = Outcome::cancelled, .sent = true, .status = 200, .usage = kNoUsage},
       Bill::unknown},
  };
  for (const auto& row : rows) EXPECT_EQ(row.bill, bill_of(row.facts)) << row.name;
}

TEST(Settlement, says_why_money_was_wasted) {
  using spend::Waste;
  EXPECT_EQ(waste_of({.delivered = true, .client_left = true, .primary = true}), Waste::none);
  EXPECT_EQ(waste_of({.client_left = true, .primary = true}), Waste::abandoned);
  EXPECT_EQ(waste_of({.primary = true}), Waste::lost_primary);
  EXPECT_EQ(waste_of({}), Waste::retry);
}

}  // namespace
}  // namespace gantry::engine
