#include "access/key_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace gantry::access {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Words = std::vector<std::string>;

Features with(Feature feature) {
  Features out{};
  out.at(static_cast<std::size_t>(feature)) = true;
  return out;
}

TEST(KeyPolicy, of_a_new_key_asks_any_model_and_nothing_that_reaches_further) {
  const KeyPolicy policy;
  EXPECT_TRUE(policy.allows_route("default"));
  EXPECT_TRUE(policy.allows_model("openai/gpt-4.1"));
  for (const auto feature : kFeatures) EXPECT_FALSE(policy.allows(feature)) << name(feature);
  EXPECT_FALSE(policy.requests_per_minute || policy.tokens_per_minute || policy.concurrency);
}

TEST(KeyPolicy, allows_models_by_id_or_by_what_stands_before_a_star) {
  const struct {
    const char* name;
    Words models;
    std::string_view model;
    bool allowed;
  } rows[] = {
      {"the id itself", {"openai/gpt-4.1"}, "openai/gpt-4.1", true},
      {"another model", {"openai/gpt-4.1"}, "openai/gpt-4.1-mini", false},
      {"a variant has another price", {"openai/gpt-4.1"}, "openai/gpt-4.1:nitro", false},
      {"all variants", {"openai/gpt-4.1:*"}, "openai/gpt-4.1:nitro", true},
      {"all variants, without the plain one", {"openai/gpt-4.1:*"}, "openai/gpt-4.1", false},
      {"all of an author", {"openai/*"}, "openai/gpt-4.1:nitro", true},
      {"an author whose name begins so", {"open/*"}, "openai/gpt-4.1", false},
      {"the author alone", {"openai/*"}, "openai/", false},
      {"an alias has an author of its own", {"openai/*"}, "~openai/gpt-latest", false},
      {"another upstream's", {"local:*"}, "local:llama3.1:8b", true},
      {"a preset behind it is another question", {"openai/gpt-4.1"}, "openai/gpt-4.1@preset/x", true},
      {"only a preset", {"openai/*"}, "@preset/x", false},
      {"the second of two", {"a/b", "c/d"}, "c/d", true},
      {"none", {}, "a/b", false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(KeyPolicy{.models = row.models}.allows_model(row.model), row.allowed) << row.name;
}

TEST(KeyPolicy, says_which_setting_forbids_a_request_and_how_that_changes) {
  const std::vector<std::string_view> gpt{"openai/gpt-4.1"}, two{"openai/gpt-4.1", "anthropic/x"};
  const struct {
    const char* name;
    KeyPolicy policy;
    Asked asked;
    const char* message;  // null = it may go on
    const char* remedy;
  } rows[] = {
      {"a plain id", {}, {.route = "", .models = gpt, .chain = {}}, nullptr, ""},
      {"a route", {}, {.route = "fast", .models = {}, .chain = two}, nullptr, ""},
      {"a route that is allowed",
       {.routes = Words{"fast"}},
       {.route = "fast", .models = {}, .chain = two},
       nullptr,
       ""},
      {"another route",
       {.routes = Words{"fast"}},
       {.route = "slow", .models = {}, .chain = two},
       "may not use the route slow: its policy (routes) allows fast",
       "gantry keys update key_7 --routes"},
      {"no route at all",
       {.routes = Words{}},
       {.route = "slow", .models = {}, .chain = two},
       "allows none",
       ""},
      {"no route, for a plain id",
       {.routes = Words{}},
       {.route = "", .models = gpt, .chain = {}},
       nullptr,
       ""},
      {"another model",
       {.models = Words{"anthropic/*"}},
       {.route = "", .models = gpt, .chain = {}},
       "may not use the model openai/gpt-4.1: its policy (models) allows anthropic/*",
       "gantry keys update key_7 --models"},
      {"one of the client's own chain",
       {.models = Words{"anthropic/*"}},
       {.route = "", .models = two, .chain = {}},
       "may not use the model openai/gpt-4.1",
       ""},
      {"one of a route's chain",
       {.models = Words{"anthropic/*"}},
       {.route = "fast", .models = {}, .chain = two},
       nullptr,
       ""},
      {"nothing of a route's chain",
       {.models = Words{"google/*"}},
       {.route = "fast", .models = {}, .chain = two},
       "none of the models of the route fast",
       "--models"},
      {"plugins",
       {},
       {.route = "", .models = gpt, .chain = {}, .features = with(Feature::plugins)},
       "may not use plugins: its policy (plugins)",
       "gantry keys update key_7 --allow plugins"},
      {"server tools",
       {},
       {.route = "", .models = gpt, .chain = {}, .features = with(Feature::server_tools)},
       "server tools",
       "--allow server_tools"},
      {"presets",
       {},
       {.route = "", .models = gpt, .chain = {}, .features = with(Feature::presets)},
       "presets",
       "--allow presets"},
      {"debug",
       {},
       {.route = "", .models = gpt, .chain = {}, .features = with(Feature::debug)},
       "debug",
       "--allow debug"},
      {"the cache",
       {},
       {.route = "", .models = gpt, .chain = {}, .features = with(Feature::response_cache)},
       "response cache",
       "--allow response_cache"},
      {"a feature that is allowed",
       {.features = with(Feature::debug)},
       {.route = "", .models = gpt, .chain = {}, .features = with(Feature::debug)},
       nullptr,
       ""},
  };
  for (const auto& row : rows) {
    const auto refusal = why_not(row.policy, row.asked, "key_7");
    EXPECT_EQ(refusal.has_value(), row.message != nullptr) << row.name;
    if (!refusal || !row.message) continue;
    EXPECT_EQ(refusal->status, 403) << row.name;
    EXPECT_EQ(refusal->error_type, "permission_denied") << row.name;
    EXPECT_THAT(refusal->message, HasSubstr(row.message)) << row.name;
    EXPECT_THAT(refusal->remedy, HasSubstr(row.remedy)) << row.name;
  }
}

TEST(KeyPolicy, tells_back_no_text_that_is_no_model) {
  const std::vector<std::string_view> odd{"gk-secret secret"};
  const auto refusal = why_not({.models = Words{"a/b"}}, {.route = "", .models = odd, .chain = {}}, "key_7");
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->message, testing::Not(HasSubstr("secret")));
}

KeyPolicy any_policy() {
  const auto words =
      rc::gen::element<std::optional<Words>>(std::nullopt, Words{}, Words{"openai/*"}, Words{"a/b", "c:d"});
  const auto routes =
      rc::gen::element<std::optional<Words>>(std::nullopt, Words{}, Words{"default"}, Words{"a", "b"});
  const auto rate = rc::gen::element<std::optional<std::int64_t>>(std::nullopt, 1, 60, 1'000'000'000'000);
  KeyPolicy out{.routes = *routes,
                .models = *words,
                .requests_per_minute = *rate,
                .tokens_per_minute = *rate,
                .concurrency = *rate};
  for (auto& feature : out.features) feature = *rc::gen::arbitrary<bool>();
  return out;
}

TEST(KeyPolicyJson, is_read_back_as_it_was_written) {
  EXPECT_TRUE(rc::check("parse(to_json(p)) == p", [] {
    const auto policy = any_policy();
    const auto back = parse_policy(to_json(policy));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == policy);
  }));
}

TEST(KeyPolicyJson, names_every_member) {
  EXPECT_EQ(
      to_json({}),
      R"({"routes":null,"models":null,"requests_per_minute":null,"tokens_per_minute":null,"concurrency":null,)"
      R"("plugins":false,"server_tools":false,"presets":false,"debug":false,"response_cache":false})");
}

TEST(KeyPolicyJson, refuses_what_it_does_not_understand) {
  const struct {
    const char* name;
    std::string_view json;
    const char* why;
  } rows[] = {
      {"no JSON", "{", "not JSON"},
      {"a list", "[]", "policy must be an object"},
      {"an unknown member", R"({"colour":1})", "policy.colour is not known; there are routes, models"},
      {"a member twice", R"({"debug":true,"debug":false})", "policy.debug is named twice"},
      {"the same, spelt with an escape", R"({"debug":true,"deb\u0075g":false})",
       "policy.debug is named twice"},
      {"a flag that is none", R"({"debug":1})", "policy.debug must be true or false"},
      {"a flag that is null", R"({"debug":null})", "policy.debug must be true or false"},
      {"no rate at all", R"({"concurrency":0})", "policy.concurrency must be a whole number from 1"},
      {"a rate with a fraction", R"({"requests_per_minute":1.5})",
       "requests_per_minute must be a whole number"},
      {"a rate as a text", R"({"tokens_per_minute":"5"})", "tokens_per_minute must be a whole number"},
      {"a model without an author", R"({"models":["gpt"]})", "policy.models must be null for all, or a list"},
      {"a star in the middle", R"({"models":["a/*b"]})", "policy.models must be"},
      {"a star alone", R"({"models":["*"]})", "policy.models must be"},
      {"a star behind a word", R"({"models":["a/b*"]})", "policy.models must be"},
      {"a model with a preset", R"({"models":["a/b@preset/c"]})", "policy.models must be"},
      {"a text", R"({"routes":"default"})", "policy.routes must be null for all, or a list"},
      {"a key", R"({"routes":["gk-0123456789"]})", "policy.routes must be"},
      {"a route that cannot be", R"({"routes":["A B"]})", "policy.routes must be"},
  };
  for (const auto& row : rows) {
    const auto policy = parse_policy(row.json);
    ASSERT_FALSE(policy) << row.name;
    EXPECT_EQ(policy.error().fault, Fault::bad_input) << row.name;
    EXPECT_THAT(policy.error().detail, HasSubstr(row.why)) << row.name;
  }
}

TEST(KeyPolicyChange, leaves_what_is_absent_and_lifts_what_is_null) {
  wire::JsonIndex index;
  ASSERT_FALSE(index.parse(R"({"models":null,"requests_per_minute":5,"debug":true})"));
  Problems problems;
  const auto change = read_policy({"policy", index.root()}, problems);
  ASSERT_TRUE(problems.empty());
  const KeyPolicy before{.routes = Words{"a"}, .models = Words{"a/b"}, .concurrency = 3};
  const auto after = changed(before, change);
  EXPECT_EQ(after.routes, Words{"a"});
  EXPECT_EQ(after.models, std::nullopt);
  EXPECT_EQ(after.requests_per_minute, 5);
  EXPECT_EQ(after.concurrency, 3);
  EXPECT_TRUE(after.allows(Feature::debug));
  EXPECT_FALSE(after.allows(Feature::plugins));
}

}  // namespace
}  // namespace gantry::access
