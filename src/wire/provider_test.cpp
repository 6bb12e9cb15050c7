#include "wire/provider_test_kit.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

namespace gantry::wire {
namespace {

using testing::HasSubstr;

constexpr const char* kSame = "<as it was sent>";

// What is sent: the new object, kSame, or "400: " and why.
std::string sent(std::string_view client, const Rules& rules, const Slugs& avoid = {}) {
  const auto merged = merge(client, rules, avoid);
  if (!merged) return std::to_string(merged.error().status) + ": " + merged.error().message;
  return merged->object.value_or(kSame);
}

struct Row {
  const char* name;
  std::string client;
  Rules rules;
  Slugs avoid = {};
  std::string expected;
};
void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) EXPECT_EQ(sent(row.client, row.rules, row.avoid), row.expected) << row.name;
}

TEST(ProviderMerge, touches_nothing_when_there_is_nothing_to_change) {
  check({
      {"no object, no policy", "", {}, {}, kSame},
      {"null, no policy", "null", {}, {}, kSame},
      {"an object, no policy", R"({ "zdr" : false,"x":[1 ,2]})", {}, {}, kSame},
      {"the client demands as much",
       R"({"zdr":true,"data_collection":"deny"})",
       {.zdr = true, .deny = true},
       {},
       kSame},
      {"the client demands more",
       R"({"only":["b"],"ignore":["x","y"],"max_price":{"prompt":1,"completion":"2"}})",
       {.only = {"a", "b"}, .ignore = {"y"}, .prompt = "1", .completion = "2.5"},
       {},
       kSame},
      {"a slug written with escapes", R"({"only":["\u0061"]})", {.only = {"a"}}, {}, kSame},
      {"a provider that is down and ignored already", R"({"ignore":["a"]})", {}, {"a", "a/x"}, kSame},
  });
}

TEST(ProviderMerge, takes_the_stricter_of_zdr_and_data_collection) {
  check({
      {"no object", "", {.zdr = true, .deny = true}, {}, R"({"zdr":true,"data_collection":"deny"})"},
      {"null", "null", {.zdr = true}, {}, R"({"zdr":true})"},
      {"an empty object", "{ }", {.zdr = true}, {}, R"({"zdr":true })"},
      {"other members", R"({"sort":"price"})", {.zdr = true}, {}, R"({"zdr":true,"sort":"price"})"},
      {"the client says no",
       R"({"sort":"price","zdr":false , "data_collection": "allow"})",
       {.zdr = true, .deny = true},
       {},
       R"({"sort":"price","zdr":true , "data_collection": "deny"})"},
      {"null members",
       R"({"zdr":null,"data_collection":null})",
       {.zdr = true, .deny = true},
       {},
       R"({"zdr":true,"data_collection":"deny"})"},
      {"members that mean nothing",
       R"({"zdr":"no","data_collection":1})",
       {.zdr = true, .deny = true},
       {},
       R"({"zdr":true,"data_collection":"deny"})"},
      {"a name written with escapes", R"({"z\u0064r":false})", {.zdr = true}, {}, R"({"z\u0064r":true})"},
      {"the client is stricter in one",
       R"({"data_collection":"deny"})",
       {.zdr = true},
       {},
       R"({"zdr":true,"data_collection":"deny"})"},
  });
}

TEST(ProviderMerge, allows_only_what_both_allow) {
  const Rules rules{.only = {"google-vertex", "deepinfra/turbo"}};
  check({
      {"no list", "{}", rules, {}, R"({"only":["google-vertex","deepinfra/turbo"]})"},
      {"null", R"({"only":null})", rules, {}, R"({"only":["google-vertex","deepinfra/turbo"]})"},
      {"an empty list says nothing",
       R"({"only":[]})",
       rules,
       {},
       R"({"only":["google-vertex","deepinfra/turbo"]})"},
      {"one of both", R"({"only":["azure","google-vertex"]})", rules, {}, R"({"only":["google-vertex"]})"},
      {"the client's region is narrower", R"({"only":["google-vertex/us-east5"]})", rules, {}, kSame},
      {"the route's variant is narrower",
       R"({"only":["deepinfra","azure"]})",
       rules,
       {},
       R"({"only":["deepinfra/turbo"]})"},
      {"a tier is not in its provider",
       R"({"only":["google-vertex/flex","google-vertex"]})",
       rules,
       {},
       R"({"only":["google-vertex"]})"},
      {"a name that begins alike is another",
       R"({"only":["google-vertex-x","google-vertex"]})",
       rules,
       {},
       R"({"only":["google-vertex"]})"},
      {"twice the same stays once where the list changes",
       R"({"only":["google-vertex","google-vertex","x"]})",
       rules,
       {},
       R"({"only":["google-vertex"]})"},
  });
}

TEST(ProviderMerge, refuses_an_empty_intersection_and_names_the_setting_and_both_lists) {
  const auto merged = merge(R"({"only":["azure"]})", {.only = {"google-vertex", "deepinfra"}});
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().status, 400);
  EXPECT_EQ(merged.error().param, "provider.only");
  EXPECT_THAT(merged.error().message, HasSubstr(R"(["azure"])"));
  EXPECT_THAT(merged.error().message,
              HasSubstr(R"(only in [routes.fast.provider] says ["google-vertex","deepinfra"])"));
  EXPECT_FALSE(merged.error().remedy.empty());
}

TEST(ProviderMerge, refuses_an_only_of_which_the_routes_ignore_leaves_nothing) {
  const auto merged = merge(R"({"only":["azure/east"]})", {.ignore = {"azure"}});
  ASSERT_FALSE(merged);
  EXPECT_THAT(merged.error().message, HasSubstr(R"(ignore in [routes.fast.provider] puts ["azure"])"));
  EXPECT_EQ(sent(R"({"only":["azure"],"ignore":["azure"]})", {}), kSame) << "the client's own doing";
}

TEST(ProviderMerge, ignores_what_either_ignores) {
  const Rules rules{.ignore = {"azure", "openai/priority"}};
  check({
      {"no list", "{}", rules, {}, R"({"ignore":["azure","openai/priority"]})"},
      {"another list", R"({"ignore":["x"]})", rules, {}, R"({"ignore":["x","azure","openai/priority"]})"},
      {"some of it",
       R"({"ignore":["azure","openai"]})",
       rules,
       {},
       R"({"ignore":["azure","openai","openai/priority"]})"},
      {"all of it", R"({"ignore":["openai/priority","azure"]})", rules, {}, kSame},
      {"a whole provider covers its region", R"({"ignore":["azure"]})", {.ignore = {"azure/eu"}}, {}, kSame},
  });
}

TEST(ProviderMerge, takes_the_smaller_price_and_keeps_the_clients_text) {
  const Rules rules{.prompt = "3", .completion = "15"};
  check({
      {"no limits", "{}", rules, {}, R"({"max_price":{"prompt":3,"completion":15}})"},
      {"null", R"({"max_price":null})", rules, {}, R"({"max_price":{"prompt":3,"completion":15}})"},
      {"empty", R"({"max_price":{ }})", rules, {}, R"({"max_price":{"prompt":3,"completion":15 }})"},
      {"other limits",
       R"({"max_price":{"image":1}})",
       rules,
       {},
       R"({"max_price":{"prompt":3,"completion":15,"image":1}})"},
      {"one of two",
       R"({"max_price":{"completion":"20.0" ,"request":0}})",
       rules,
       {},
       R"({"max_price":{"prompt":3,"completion":15 ,"request":0}})"},
      {"smaller ones, as number and as text",
       R"({"max_price":{"prompt":2.9999999999999999999,"completion":"1.50e1"}})",
       rules,
       {},
       kSame},
      {"larger by a hair",
       R"({"max_price":{"prompt":3.00000000000000000001,"completion":15}})",
       rules,
       {},
       R"({"max_price":{"prompt":3,"completion":15}})"},
      {"null components",
       R"({"max_price":{"prompt":null,"completion":"0"}})",
       rules,
       {},
       R"({"max_price":{"prompt":3,"completion":"0"}})"},
      {"absurd ones",
       R"({"max_price":{"prompt":1e400,"completion":-1}})",
       rules,
       {},
       R"({"max_price":{"prompt":3,"completion":-1}})"},
      {"only one is limited",
       R"({"max_price":{"prompt":5}})",
       {.completion = "0.5"},
       {},
       R"({"max_price":{"completion":0.5,"prompt":5}})"},
  });
}

TEST(ProviderMerge, ignores_providers_that_are_down_unless_the_client_pinned_them) {
  check({
      {"no object", "", {}, {"a", "b/x"}, R"({"ignore":["a","b/x"]})"},
      {"beside the client's",
       R"({"ignore":["c"],"sort":"price"})",
       {},
       {"a"},
       R"({"ignore":["c","a"],"sort":"price"})"},
      {"pinned by only", R"({"only":["a","b"]})", {}, {"a"}, kSame},
      {"a region of what only pins", R"({"only":["a"]})", {}, {"a/x"}, kSame},
      {"the whole of what only pins", R"({"only":["a/x"]})", {}, {"a"}, kSame},
      {"pinned by order without fallbacks", R"({"order":["a"],"allow_fallbacks":false})", {}, {"a"}, kSame},
      {"order with fallbacks pins nothing",
       R"({"order":["a"]})",
       {},
       {"a"},
       R"({"ignore":["a"],"order":["a"]})"},
      {"no fallbacks and no order pin nothing",
       R"({"allow_fallbacks":false})",
       {},
       {"a"},
       R"({"ignore":["a"],"allow_fallbacks":false})"},
      {"one of two is pinned",
       R"({"order":["a"],"allow_fallbacks":false})",
       {},
       {"a", "b"},
       R"({"ignore":["b"],"order":["a"],"allow_fallbacks":false})"},
      {"the route's list keeps another",
       "{}",
       {.only = {"a", "b"}},
       {"a"},
       R"({"only":["a","b"],"ignore":["a"]})"},
      {"nothing of the route's list would be left",
       "{}",
       {.only = {"a", "b"}},
       {"a", "b"},
       R"({"only":["a","b"]})"},
      {"nothing would be left behind the route's ignore",
       "{}",
       {.only = {"a", "b"}, .ignore = {"b"}},
       {"a"},
       R"({"only":["a","b"],"ignore":["b"]})"},
      {"it is not allowed anyway", "{}", {.only = {"a"}}, {"c"}, R"({"only":["a"]})"},
  });
}

TEST(ProviderMerge, keeps_all_other_members_and_their_order) {
  EXPECT_EQ(
      sent(
          R"( {"order":[ "b","a"], "zdr": false ,"future":{"zdr":false,"only":["x"]},"sort":{"by":"price"}} )",
          {.zdr = true, .ignore = {"c"}}),
      R"( {"ignore":["c"],"order":[ "b","a"], "zdr": true ,"future":{"zdr":false,"only":["x"]},"sort":{"by":"price"}} )");
}

TEST(ProviderMerge, refuses_what_it_must_act_on_and_cannot_read) {
  const Rules rules{.only = {"a"}, .prompt = "1"};
  const struct {
    const char* client;
    const char* param;
  } rows[] = {
      {R"({"only":"a"})", "provider.only"},
      {R"({"only":["a",1]})", "provider.only"},
      {R"({"ignore":{}})", "provider.ignore"},
      {R"({"max_price":5})", "provider.max_price"},
      {R"({"max_price":{"prompt":"cheap"}})", "provider.max_price.prompt"},
      {R"({"max_price":{"prompt":{}}})", "provider.max_price.prompt"},
      {R"({"only":["a"],"\u006fnly":["b"]})", "provider.only"},
      {R"({"only":null,"only":["b"]})", "provider.only"},
      {R"({"max_price":{"prompt":1,"prompt":9}})", "provider.max_price.prompt"},
  };
  for (const auto& row : rows) {
    const auto merged = merge(row.client, rules);
    ASSERT_FALSE(merged) << row.client;
    EXPECT_EQ(merged.error().param, row.param) << row.client;
    EXPECT_THAT(merged.error().message, HasSubstr(row.param)) << row.client;
    EXPECT_FALSE(merged.error().remedy.empty()) << row.client;
  }
  EXPECT_EQ(sent(R"({"only":"a"})", {}, {"b"}), kSame) << "without a policy it is upstream's to refuse";
}

TEST(ProviderMerge, tells_what_the_call_demands_of_any_upstream) {
  const ProviderDemands none{}, all{.zdr = true, .deny_data_collection = true, .only = true};
  EXPECT_EQ(merge("", {})->demands, none);
  EXPECT_EQ(merge(R"({"zdr":false,"data_collection":"allow","only":[],"ignore":["a"]})", {})->demands, none);
  EXPECT_EQ(merge(R"({"zdr":true,"data_collection":"deny","only":["a"]})", {})->demands, all);
  EXPECT_EQ(merge("", {.zdr = true, .deny = true, .only = {"a"}})->demands, all);
  EXPECT_EQ(merge(R"({"only":"a"})", {})->demands, all) << "what cannot be read may demand anything";
}

TEST(ProviderMerge, does_not_depend_on_the_order_of_members) {
  std::vector<std::string> members = {R"("zdr":false)", R"("only":["a","c"])", R"("ignore":["x"])",
                                      R"("max_price":{"prompt":9})", R"("sort":"price")"};
  const Rules rules{.zdr = true, .only = {"a", "b"}, .ignore = {"y"}, .prompt = "2"};
  std::ranges::sort(members);
  do {
    std::string client, expected;
    for (const auto& member : members) {
      client += (client.empty() ? "{" : ",") + member;
      auto now = member == R"("zdr":false)"                ? R"("zdr":true)"
                 : member == R"("only":["a","c"])"         ? R"("only":["a"])"
                 : member == R"("ignore":["x"])"           ? R"("ignore":["x","y"])"
                 : member == R"("max_price":{"prompt":9})" ? R"("max_price":{"prompt":2})"
                                                           : member;
      expected += (expected.empty() ? "{" : ",") + now;
    }
    ASSERT_EQ(sent(client + "}", rules), expected + "}");
  } while (std::ranges::next_permutation(members).found);
}

}  // namespace
}  // namespace gantry::wire
