// What holds for any client under any policy, over a small world of endpoints.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "wire/decimal.hpp"
#include "wire/json_index.hpp"
#include "wire/provider_test_kit.hpp"

namespace gantry::wire {
namespace {

const Slugs kEndpoints = {"a", "a/x", "a/y", "a/flex", "b", "b/x", "b/priority", "c"};

Slugs some_slugs() {
  Slugs out;
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) out.push_back(*rc::gen::elementOf(kEndpoints));
  return out;
}

// An object as a client may send it, and what it says.
struct Said {
  bool zdr = false, deny = false;
  Slugs only, ignore;
  std::string prompt;  // a decimal, "" for none
  [[nodiscard]] bool allows(const std::string& endpoint) const {
    const auto covered = [&](const auto& each) { return covers(each, endpoint); };
    return (only.empty() || std::ranges::any_of(only, covered)) && std::ranges::none_of(ignore, covered);
  }
};

Said read(const std::string& object) {
  Said said;
  if (object.empty()) return said;
  JsonIndex index;
  RC_ASSERT(!index.parse(object));
  const auto list = [](const JsonValue& value) {
    Slugs out;
    value.each_element([&](const JsonValue& each) { out.push_back(*each.string()); });
    return out;
  };
  index.root().each_member([&](const JsonValue& key, const JsonValue& value) {
    if (key.equals("zdr")) said.zdr = value.is_true();
    if (key.equals("data_collection")) said.deny = value.equals("deny");
    if (key.equals("only")) said.only = list(value);
    if (key.equals("ignore")) said.ignore = list(value);
    if (const auto prompt = value.find("prompt"))
      said.prompt = prompt->string().value_or(std::string(prompt->raw()));
  });
  return said;
}

std::string quoted(const Slugs& slugs) {
  std::string out;
  for (const auto& each : slugs) out += (out.empty() ? "\"" : ",\"") + each + "\"";
  return "[" + out + "]";
}

std::string some_object() {
  if (*rc::gen::inRange(0, 6) == 0) return *rc::gen::element<std::string>("", "null", "{}");
  std::vector<std::string> members;
  const auto maybe = [&](const std::string& member) {
    if (*rc::gen::inRange(0, 2) == 0) members.push_back(member);
  };
  maybe(*rc::gen::element<std::string>(R"("zdr":true)", R"("zdr":false)", R"("zdr":null)"));
  maybe(*rc::gen::element<std::string>(R"("data_collection":"deny")", R"("data_collection":"allow")"));
  maybe(R"("only":)" + quoted(some_slugs()));
  maybe(R"("ignore":)" + quoted(some_slugs()));
  maybe(R"("order":)" + quoted(some_slugs()));
  maybe(*rc::gen::element<std::string>(R"("allow_fallbacks":false)", R"("allow_fallbacks":true)"));
  maybe(*rc::gen::element<std::string>(R"("max_price":{"prompt":2,"image":1})",
                                       R"("max_price":{"prompt":"2.5"})", R"("max_price":{})",
                                       R"("max_price":null)"));
  maybe(R"("future": [1 , {"zdr":false}])");
  std::string out;
  for (const auto& member : members) out += (out.empty() ? "" : " ,") + member;
  return "{" + out + "}";
}

Rules some_rules() {
  return {.zdr = *rc::gen::arbitrary<bool>(),
          .deny = *rc::gen::arbitrary<bool>(),
          .only = some_slugs(),
          .ignore = some_slugs(),
          .prompt = *rc::gen::element<std::string>("", "1", "2.2", "3")};
}

bool at_most(const std::string& price, const std::string& limit) {
  if (limit.empty()) return true;
  return !price.empty() && *compare_decimals(price, limit) <= 0;
}

TEST(ProviderMerge, is_never_looser_than_the_policy_or_the_client) {
  EXPECT_TRUE(rc::check("what is sent satisfies both", [] {
    const auto rules = some_rules();
    const auto client = some_object();
    const auto avoid = some_slugs();
    RC_LOG() << client << " under only " << quoted(rules.only) << " ignore " << quoted(rules.ignore)
             << " avoid " << quoted(avoid);
    const auto merged = merge(client, rules, avoid);
    RC_PRE(merged.has_value());
    const auto object = merged->object.value_or(client == "null" ? "" : client);
    RC_LOG() << " gives " << object;
    const Said asked = read(client == "null" ? "" : client), now = read(object);
    const Said policy{rules.zdr, rules.deny, rules.only, rules.ignore, rules.prompt};
    RC_ASSERT(now.zdr == (asked.zdr || rules.zdr));
    RC_ASSERT(now.deny == (asked.deny || rules.deny));
    RC_ASSERT(at_most(now.prompt, rules.prompt));
    RC_ASSERT(at_most(now.prompt, asked.prompt));
    const auto allowed = [&](const Said& said) {
      return std::ranges::count_if(kEndpoints, [&](const auto& each) { return said.allows(each); });
    };
    for (const auto& endpoint : kEndpoints) {
      const bool both = policy.allows(endpoint) && asked.allows(endpoint);
      if (now.allows(endpoint)) RC_ASSERT(both);
      // And no stricter, but for what is down.
      if (avoid.empty()) RC_ASSERT(now.allows(endpoint) == both);
    }
    if (!now.only.empty() && allowed(asked) > 0 && avoid.empty() == false) {
      const auto without = read(merge(client, rules)->object.value_or(client));
      RC_ASSERT((allowed(without) == 0) == (allowed(now) == 0));
    }
  }));
}

TEST(ProviderMerge, changes_nothing_the_second_time) {
  EXPECT_TRUE(rc::check("merging what was merged is the identity", [] {
    const auto rules = some_rules();
    const auto avoid = some_slugs();
    const auto merged = merge(some_object(), rules, avoid);
    RC_PRE((merged.has_value() &&
            merged->object.has_value()));  // one expression: && as it is written would not stop
    const auto again = merge(*merged->object, rules, avoid);
    RC_ASSERT(again.has_value());
    RC_ASSERT(!again->object.has_value());
    RC_ASSERT((again->demands == merged->demands));
  }));
}

TEST(ProviderMerge, leaves_alone_what_it_does_not_act_on) {
  EXPECT_TRUE(rc::check("members of other names keep their bytes", [] {
    const auto rules = some_rules();
    const auto value =
        *rc::gen::element<std::string>(R"({ "only" : [] })", "1e400", R"("\ud83d")", "[ ]", "null");
    const auto member = R"("other" :)" + value;
    const auto merged = merge("{" + member + "}", rules, some_slugs());
    RC_PRE((merged.has_value() &&
            merged->object.has_value()));  // one expression: && as it is written would not stop
    RC_ASSERT(merged->object->ends_with(member + "}"));
  }));
}

}  // namespace
}  // namespace gantry::wire
