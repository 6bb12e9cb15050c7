#include "route/scope_names.hpp"

#include <gmock/gmock.h>

#include <set>

namespace gantry::route {
namespace {

using Origin = ScopeNames::Origin;

TEST(ScopeNames, a_scope_has_one_number_for_ever) {
  ScopeNames names({});
  const ScopeId upstream = names.intern(Scope::upstream, kUntracked, "openrouter", Origin::configuration);
  const ScopeId model = names.intern(Scope::model, upstream, "a/b", Origin::configuration);
  EXPECT_TRUE(upstream.tracked());
  EXPECT_NE(model, upstream);
  EXPECT_EQ(names.intern(Scope::model, upstream, "a/b", Origin::outside), model);
  EXPECT_EQ(names.find(Scope::model, upstream, "a/b"), model);
  EXPECT_EQ(names.at(model).name, "a/b");
  EXPECT_EQ(names.at(model).parent, upstream);
}

TEST(ScopeNames, kind_and_parent_tell_the_same_name_apart) {
  ScopeNames names({});
  std::set<std::uint32_t> slots;
  for (const char* upstream_name : {"one", "two"}) {
    const auto upstream = names.intern(Scope::upstream, kUntracked, upstream_name, Origin::configuration);
    slots.insert(upstream.slot);
    const auto key = names.intern(Scope::key, upstream, "x", Origin::configuration);
    slots.insert(key.slot);
    slots.insert(names.intern(Scope::free_allowance, key, "x", Origin::configuration).slot);
    const auto model = names.intern(Scope::model, upstream, "x", Origin::configuration);
    slots.insert(model.slot);
    slots.insert(names.intern(Scope::provider, model, "x", Origin::outside).slot);
  }
  EXPECT_EQ(slots.size(), 10u);
  EXPECT_FALSE(slots.contains(0));
}

TEST(ScopeNames, what_is_not_known_is_not_tracked) {
  ScopeNames names({});
  EXPECT_FALSE(names.find(Scope::upstream, kUntracked, "nobody").tracked());
  EXPECT_FALSE(names.intern(Scope::model, kUntracked, "a/b", Origin::outside).tracked())
      << "below a scope that is not tracked";
}

TEST(ScopeNames, names_from_outside_do_not_take_the_room_of_configured_ones) {
  ScopeNames names({.configured = 3, .outside = 2});
  const auto upstream = names.intern(Scope::upstream, kUntracked, "u", Origin::configuration);
  for (int i = 0; i < 100; ++i)
    names.intern(Scope::model, upstream, "bogus/" + std::to_string(i), Origin::outside);
  EXPECT_TRUE(names.find(Scope::model, upstream, "bogus/1").tracked());
  EXPECT_FALSE(names.find(Scope::model, upstream, "bogus/2").tracked());
  EXPECT_EQ(names.turned_away(), 98u);
  EXPECT_TRUE(names.intern(Scope::model, upstream, "a/b", Origin::configuration).tracked());
  EXPECT_TRUE(names.intern(Scope::model, upstream, "a/c", Origin::configuration).tracked());
  EXPECT_FALSE(names.intern(Scope::model, upstream, "a/d", Origin::configuration).tracked());
  EXPECT_EQ(names.size(), names.capacity());
}

TEST(ScopeNames, what_is_not_fit_to_be_listed_is_not_tracked) {
  ScopeNames names({});
  for (const std::string& name :
       {std::string(), std::string(201, 'x'), std::string("a\nb"), std::string("caf\xc3\xa9")})
    EXPECT_FALSE(names.intern(Scope::upstream, kUntracked, name, Origin::outside).tracked()) << name;
  EXPECT_EQ(names.turned_away(), 4u);
}

TEST(ScopeNames, the_providers_of_a_model_are_listed) {
  ScopeNames names({});
  const auto upstream = names.intern(Scope::upstream, kUntracked, "u", Origin::configuration);
  const auto model = names.intern(Scope::model, upstream, "a/b", Origin::configuration);
  const auto other = names.intern(Scope::model, upstream, "a/c", Origin::configuration);
  names.intern(Scope::provider, model, "One", Origin::outside);
  names.intern(Scope::provider, other, "Three", Origin::outside);
  names.intern(Scope::provider, model, "Two", Origin::outside);
  std::vector<std::string> found;
  for (ScopeId id = names.first_below(model); id.tracked(); id = names.next_beside(id))
    found.push_back(names.at(id).name);
  EXPECT_THAT(found, testing::ElementsAre("Two", "One"));
}

}  // namespace
}  // namespace gantry::route
