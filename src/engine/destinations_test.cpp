#include "engine/destinations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>

namespace gantry::engine {
namespace {

using testing::ElementsAre;

config::Upstream other(std::string name) {
  config::Upstream out;
  out.name = std::move(name);
  out.base_url = "http://127.0.0.1:1/v1";
  out.keys.clear();
  return out;
}

config::Config make_config() {
  config::Config config;
  config.upstream.keys.resize(2);
  auto far = other("far");
  far.region = "eu";
  far.keys.resize(3);
  auto local = other("local");
  local.zdr = true;
  local.data_collection = config::DataCollection::deny;
  config.upstreams = {far, local};
  return config;
}

TEST(Destination, is_openrouter_or_the_upstream_that_a_link_names) {
  const auto config = make_config();
  const struct {
    std::string_view link, model;
    std::size_t upstream;
    bool free;
    std::size_t keys;
  } rows[] = {{"acme/one", "acme/one", 0, false, 2},
              {"acme/one:free", "acme/one:free", 0, true, 2},
              {"acme/one:free@preset/mine", "acme/one:free@preset/mine", 0, true, 2},
              {"acme/free", "acme/free", 0, false, 2},
              {"acme/one:local", "acme/one:local", 0, false, 2},
              {"", "", 0, false, 2},
              {"local:llama3.1:8b", "llama3.1:8b", 2, false, 0},
              {"local:llama3.1:free", "llama3.1:free", 2, false, 0},
              {"far:meta/llama", "meta/llama", 1, false, 3}};
  for (const auto& row : rows) {
    const auto got = destination(row.link, config, {}, "");
    EXPECT_EQ(got.model, row.model) << row.link;
    EXPECT_EQ(got.upstream, row.upstream) << row.link;
    EXPECT_EQ(got.free, row.free) << row.link;
    EXPECT_EQ(got.keys, KeySet::first(row.keys)) << row.link;
    EXPECT_EQ(got.unmet, Unmet::none) << row.link;
  }
}

TEST(Destination, is_skipped_when_its_upstream_is_not_declared_to_meet_a_demand) {
  const auto config = make_config();
  using wire::ProviderDemands;
  const struct {
    const char* name;
    ProviderDemands demands;
    std::string_view region;
    std::array<Unmet, 3> expected;  // OpenRouter, far, local
  } rows[] = {
      {"no demand", {}, "", {Unmet::none, Unmet::none, Unmet::none}},
      {"zero data retention", {.zdr = true}, "", {Unmet::none, Unmet::zdr, Unmet::none}},
      {"no data collection",
       {.deny_data_collection = true},
       "",
       {Unmet::none, Unmet::data_collection, Unmet::none}},
      {"only some providers", {.only = true}, "", {Unmet::none, Unmet::only, Unmet::only}},
      {"a region that one declares", {}, "eu", {Unmet::region, Unmet::none, Unmet::region}},
      {"a region that none declares", {}, "us", {Unmet::region, Unmet::region, Unmet::region}},
      {"the first of several",
       {.zdr = true, .deny_data_collection = true, .only = true},
       "eu",
       {Unmet::region, Unmet::zdr, Unmet::only}},
  };
  const std::array<std::string_view, 3> chain{"acme/one", "far:x", "local:y"};
  for (const auto& row : rows) {
    const auto all = destinations(chain, config, row.demands, row.region);
    ASSERT_EQ(all.size(), chain.size());
    for (std::size_t i = 0; i < chain.size(); ++i)
      EXPECT_EQ(all[i].unmet, row.expected[i]) << row.name << ", " << chain[i];
  }
}

TEST(Destination, of_openrouter_meets_a_region_when_it_is_declared) {
  auto config = make_config();
  config.upstream.region = "eu";
  EXPECT_EQ(destination("acme/one", config, {.zdr = true}, "eu").unmet, Unmet::none);
}

TEST(Unmet, has_a_reason_for_each) {
  EXPECT_EQ(reason(Unmet::none), "");
  for (const auto each : {Unmet::zdr, Unmet::data_collection, Unmet::only, Unmet::region})
    EXPECT_TRUE(reason(each).starts_with("is ")) << static_cast<int>(each);
}

// ---- keys

TEST(Key, is_chosen_in_proportion_to_its_weight) {
  const std::array<std::uint16_t, 3> weights{1, 3, 4};
  std::array<int, 3> counts{};
  for (std::uint64_t i = 0; i < 8; ++i) ++counts[*choose_key(weights, KeySet::first(3), i << 61)];
  EXPECT_THAT(counts, ElementsAre(1, 3, 4));
}

TEST(Key, that_is_set_aside_leaves_its_share_to_the_others_by_their_weights) {
  const std::array<std::uint16_t, 3> weights{1, 1000, 3};
  KeySet set_aside;
  set_aside.add(1);
  std::array<int, 3> counts{};
  for (std::uint64_t i = 0; i < 4; ++i)
    ++counts[*choose_key(weights, KeySet::first(3).without(set_aside), i << 62)];
  EXPECT_THAT(counts, ElementsAre(1, 0, 3));
}

TEST(Key, is_none_when_all_are_set_aside) {
  const std::array<std::uint16_t, 2> weights{1, 2};
  EXPECT_EQ(choose_key(weights, KeySet{}, 7), std::nullopt);
  EXPECT_EQ(choose_key(weights, KeySet::first(2).without(KeySet::first(2)), 7), std::nullopt);
}

RC_GTEST_PROP(Key, is_always_one_of_the_usable, (std::uint64_t random)) {
  const auto count = *rc::gen::inRange<std::size_t>(1, KeySet::kMost + 1);
  const auto weights =
      *rc::gen::container<std::vector<std::uint16_t>>(count, rc::gen::inRange<std::uint16_t>(1, 1001));
  KeySet usable;
  for (std::size_t i = 0; i < count; ++i)
    if (*rc::gen::arbitrary<bool>()) usable.add(i);
  for (const std::uint64_t each : {random, std::uint64_t{0}, ~std::uint64_t{0}}) {
    const auto key = choose_key(weights, usable, each);
    RC_ASSERT(key.has_value() == !usable.empty());
    RC_ASSERT(!key || (*key < count && usable.has(*key)));
  }
}

TEST(KeySet, holds_as_many_keys_as_an_upstream_may_have) {
  EXPECT_EQ(KeySet::first(0).size(), 0u);
  EXPECT_EQ(KeySet::first(KeySet::kMost).size(), KeySet::kMost);
  EXPECT_TRUE(KeySet::first(KeySet::kMost).has(KeySet::kMost - 1));
  EXPECT_FALSE(KeySet::first(3).has(3));
}

}  // namespace
}  // namespace gantry::engine
