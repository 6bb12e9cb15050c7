#include "ledger/cost_page.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <vector>

#include "ledger/cost_page_test_kit.hpp"

namespace gantry::ledger {
namespace {

using testing::SizeIs;

std::vector<Cost> read(std::string_view page) {
  std::vector<Cost> costs;
  const auto done = read_cost_page(page, [&](const Cost& cost) { costs.push_back(cost); });
  EXPECT_TRUE(done) << done.error().detail;
  return costs;
}

std::string page_of(const std::vector<Cost>& costs) {
  CostPage page;
  for (const Cost& cost : costs) page.add(cost);
  EXPECT_EQ(page.costs(), costs.size());
  return page.finish();
}

TEST(CostPage, what_was_added_is_read_in_its_order) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Costs made(seed);
    std::vector<Cost> costs;
    for (std::size_t i = 0; i < seed; ++i) costs.push_back(made.any());
    const std::string page = page_of(costs);
    const auto found = read(page);
    ASSERT_THAT(found, SizeIs(costs.size()));
    for (std::size_t i = 0; i < costs.size(); ++i) EXPECT_TRUE(same(found[i], costs[i])) << seed << ", " << i;
  }
}

TEST(CostPage, numbers_use_all_their_bits) {
  using Limits = std::numeric_limits<std::int64_t>;
  std::vector<Cost> costs;
  for (const std::int64_t number : {Limits::min(), Limits::max(), std::int64_t{0}, std::int64_t{-1}})
    costs.push_back({.attempt = {static_cast<std::uint64_t>(number)},
                     .began = WallTime{Duration{number}},
                     .ended = WallTime{Duration{~number}},
                     .cost = {number},
                     .prompt_tokens = number});
  const std::string page = page_of(costs);
  const auto found = read(page);
  ASSERT_THAT(found, SizeIs(costs.size()));
  for (std::size_t i = 0; i < costs.size(); ++i) EXPECT_TRUE(same(found[i], costs[i])) << i;
}

TEST(CostPage, what_costs_have_in_common_stands_in_it_once) {
  const Cost cost{.attempt = {1},
                  .call = 2,
                  .payer = {{3}, {2}, {1}},
                  .began = WallTime{std::chrono::days{20'000}},
                  .ended = WallTime{std::chrono::days{20'000} + std::chrono::seconds{2}},
                  .hold = {5'000'000'000},
                  .cost = {1'234'567'890},
                  .prompt_tokens = 812,
                  .completion_tokens = 133,
                  .model = "maker/some-model-of-theirs",
                  .served_model = "maker/some-model-of-theirs-2026-11-24",
                  .provider = "Provider",
                  .route = "default",
                  .upstream = "openrouter",
                  .upstream_key = "main",
                  .outcome = "delivered"};
  const std::size_t one = page_of({cost}).size();
  const std::size_t more = page_of(std::vector<Cost>(101, cost)).size() - one;
  EXPECT_LE(more / 100, 50U);
}

TEST(CostPage, is_empty_again_when_it_was_finished) {
  CostPage page;
  page.add({.attempt = {1}});
  const std::string first = page.finish();
  EXPECT_EQ(page.costs(), 0U);
  page.add({.attempt = {1}});
  EXPECT_EQ(page.finish(), first);
}

TEST(CostPage, a_bit_that_changed_is_told_wherever_it_is) {
  Costs made(7);
  const std::string page = page_of({made.any(), made.any()});
  for (std::size_t bit = 0; bit < page.size() * 8; ++bit) {
    std::string changed = page;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(read_cost_page(changed, [](const Cost&) {}).error().fault, Fault::malformed) << bit;
  }
  for (std::size_t length = 0; length < page.size(); ++length)
    EXPECT_FALSE(read_cost_page(page.substr(0, length), [](const Cost&) {})) << length;
}

}  // namespace
}  // namespace gantry::ledger
