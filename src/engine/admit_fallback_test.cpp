// Who fails over: the chain that Gantry walks, and the `models` that OpenRouter is given
// (docs/decisions/0009).

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/admit.hpp"

namespace gantry::engine {
namespace {

using testing::HasSubstr;

constexpr auto kGantry = config::Fallback::gantry;
constexpr auto kOpenRouter = config::Fallback::openrouter;
constexpr auto kBoth = config::Fallback::both;

config::Config make_config(config::Fallback who) {
  config::Config config;
  for (const auto& [name, models] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"default", {"a/one", "b/two", "c/three"}},
           {"fast", {"f/one", "f/two"}},
           {"mixed", {"a/one", "here:x", "b/two", "here:y/z"}}}) {
    auto& route = config.routes[name];
    route.name = name;
    route.models = models;
    route.fallback = who;
  }
  return config;
}

// One attempt of a row, and what is sent with it: the body's members behind the messages' place.
struct Sent {
  std::size_t candidate;
  bool again;
  std::string fields;
};
struct Row {
  const char* name;
  config::Fallback who;
  std::string fields;  // the client's, before max_tokens and messages
  std::optional<std::string_view> header;
  std::string chain;
  std::vector<Sent> attempts;
};

std::string body_of(const std::string& fields) {
  return "{" + fields + R"("max_tokens":5,"messages":[{"role":"user","content":"hi"}]})";
}

std::string joined(const std::vector<std::string_view>& chain) {
  std::string out;
  for (const auto each : chain) out.append(out.empty() ? "" : " ").append(each.empty() ? "-" : each);
  return out;
}

void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto config = make_config(row.who);
    const auto body = body_of(row.fields);
    wire::RequestScanner scanner;
    const auto facts = scanner.chat(body);
    ASSERT_TRUE(facts) << facts.error().message;
    const auto out = admit(body, *facts, config, row.header);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ(joined(out->chain), row.chain);
    for (const auto& attempt : row.attempts) {
      wire::Splice splice(body);
      edit(splice, *facts, *out, wire::kChat, {.candidate = attempt.candidate, .again = attempt.again});
      EXPECT_EQ(splice.joined(), body_of(attempt.fields)) << "candidate " << attempt.candidate;
    }
  }
}

TEST(FallbackByGantry, walks_the_chain_itself_and_sends_no_models) {
  check({
      {"a route",
       kGantry,
       R"("model":"fast",)",
       {},
       "f/one f/two",
       {{0, false, R"("model":"f/one",)"}, {1, false, R"("model":"f/two",)"}}},
      {"no model", kGantry, "", {}, "a/one b/two c/three", {{1, false, R"("model":"b/two",)"}}},
      {"a plain id",
       kGantry,
       R"("model":"x/y",)",
       {},
       "x/y a/one b/two c/three",
       {{0, false, R"("model":"x/y",)"}}},
      {"a plain id alone", kGantry, R"("model":"x/y",)", "none", "x/y", {{0, false, R"("model":"x/y",)"}}},
  });
}

TEST(FallbackByGantry, takes_the_clients_own_models_as_the_chain_and_out_of_the_body) {
  check({
      {"behind a plain id",
       kGantry,
       R"("model":"x/y","models":["p/q","r/s:free"],)",
       {},
       "x/y p/q r/s:free",
       {{0, false, R"("model":"x/y",)"}, {1, false, R"("model":"p/q",)"}, {0, true, R"("model":"x/y",)"}}},
      {"before the model",
       kGantry,
       R"("models": [ "p/q" ] , "model":"x/y",)",
       {},
       "x/y p/q",
       {{0, false, R"("model":"x/y",)"}, {1, false, R"("model":"p/q",)"}}},
      {"without a model",
       kGantry,
       R"("models":["p/q","r/s"],)",
       {},
       "p/q r/s",
       {{0, false, R"("model":"p/q",)"}, {1, false, R"("model":"r/s",)"}}},
      {"behind a route's primary",
       kGantry,
       R"("model":"fast","models":["p/q"],)",
       {},
       "f/one p/q",
       {{0, false, R"("model":"f/one",)"}, {1, false, R"("model":"p/q",)"}}},
      {"the model once more", kGantry, R"("model":"x/y","models":["x/y","p/q","p/q"],)", {}, "x/y p/q", {}},
      {"switched off",
       kGantry,
       R"("model":"x/y","models":["p/q"],)",
       "none",
       "x/y",
       {{0, false, R"("model":"x/y",)"}}},
      {"a preset among them",
       kGantry,
       R"("models":["@preset/p","x/y@preset/p"],)",
       {},
       "@preset/p x/y@preset/p",
       {{0, false, R"("model":"@preset/p",)"}}},
      {"an empty list says nothing",
       kGantry,
       R"("model":"fast","models":[],)",
       {},
       "f/one f/two",
       {{0, false, R"("model":"f/one","models":[],)"}}},
      {"nor does null",
       kGantry,
       R"("model":"fast","models":null,)",
       {},
       "f/one f/two",
       {{0, false, R"("model":"f/one","models":null,)"}}},
  });
}

TEST(FallbackByOpenRouter, sends_the_rest_of_the_chain_with_every_try_of_the_one_candidate) {
  check({
      {"a route",
       kOpenRouter,
       R"("model":"fast",)",
       {},
       "f/one",
       {{0, false, R"("models":["f/two"],"model":"f/one",)"},
        {0, true, R"("models":["f/two"],"model":"f/one",)"}}},
      {"no model",
       kOpenRouter,
       "",
       {},
       "a/one",
       {{0, false, R"("model":"a/one","models":["b/two","c/three"],)"}}},
      {"a plain id",
       kOpenRouter,
       R"("model":"b/two",)",
       {},
       "b/two",
       {{0, false, R"("models":["a/one","c/three"],"model":"b/two",)"}}},
      {"a plain id alone",
       kOpenRouter,
       R"("model":"x/y",)",
       "none",
       "x/y",
       {{0, false, R"("model":"x/y",)"}}},
      {"in the place of null",
       kOpenRouter,
       R"("model":"fast","models":null,)",
       {},
       "f/one",
       {{0, false, R"("model":"f/one","models":["f/two"],)"}}},
  });
}

TEST(FallbackByOpenRouter, leaves_the_clients_own_models_untouched) {
  check({
      {"with a plain id",
       kOpenRouter,
       R"("model":"x/y","models":[ "p/q" ,"not a model"],)",
       {},
       "x/y",
       {{0, false, R"("model":"x/y","models":[ "p/q" ,"not a model"],)"}}},
      {"without a model", kOpenRouter, R"("models":["p/q"],)", {}, "-", {{0, true, R"("models":["p/q"],)"}}},
      {"with a route",
       kOpenRouter,
       R"("model":"fast","models":["p/q"],)",
       {},
       "f/one",
       {{0, false, R"("model":"f/one","models":["p/q"],)"}}},
      {"with the legacy field",
       kOpenRouter,
       R"("model":"x/y","route":"fallback","models":["p/q"],)",
       {},
       "x/y",
       {{0, false, R"("model":"x/y","route":"fallback","models":["p/q"],)"}}},
  });
}

TEST(FallbackByBoth, sends_the_rest_with_the_first_attempt_only_and_then_walks_the_chain) {
  check({
      {"a route",
       kBoth,
       R"("model":"fast",)",
       {},
       "f/one f/two",
       {{0, false, R"("models":["f/two"],"model":"f/one",)"},
        {1, false, R"("model":"f/two",)"},
        {0, true, R"("model":"f/one",)"}}},
      {"the client's own, as they are written",
       kBoth,
       R"("model":"x/y","models":[ "p/q" ],)",
       {},
       "x/y p/q",
       {{0, false, R"("model":"x/y","models":[ "p/q" ],)"},
        {1, false, R"("model":"p/q",)"},
        {0, true, R"("model":"x/y",)"}}},
      {"the client's own without a model",
       kBoth,
       R"("models":["p/q","r/s"],)",
       {},
       "p/q r/s",
       {{0, false, R"("model":"p/q","models":["r/s"],)"}, {1, false, R"("model":"r/s",)"}}},
      {"switched off",
       kBoth,
       R"("model":"x/y","models":["p/q"],)",
       "none",
       "x/y",
       {{0, false, R"("model":"x/y",)"}}},
  });
}

TEST(Fallback, never_hands_a_model_of_another_upstream_to_openrouter) {
  check({
      {"by openrouter",
       kOpenRouter,
       R"("model":"mixed",)",
       {},
       "a/one here:x here:y/z",
       {{0, false, R"("models":["b/two"],"model":"a/one",)"}, {1, false, R"("model":"here:x",)"}}},
      {"by both",
       kBoth,
       R"("model":"mixed",)",
       {},
       "a/one here:x b/two here:y/z",
       {{0, false, R"("models":["b/two"],"model":"a/one",)"}, {1, false, R"("model":"here:x",)"}}},
      {"by gantry", kGantry, R"("model":"mixed",)", {}, "a/one here:x b/two here:y/z", {}},
  });
}

TEST(Fallback, passes_the_legacy_route_field_and_presets_untouched) {
  check({
      {"route",
       kGantry,
       R"("model":"x/y","route":"fallback",)",
       "none",
       "x/y",
       {{0, false, R"("model":"x/y","route":"fallback",)"}}},
      {"preset",
       kBoth,
       R"("model":"x/y@preset/p","preset":"q",)",
       "none",
       "x/y@preset/p",
       {{0, false, R"("model":"x/y@preset/p","preset":"q",)"}}},
  });
}

TEST(ClientsModels, are_refused_when_gantry_cannot_ask_them) {
  const auto config = make_config(kGantry);
  wire::RequestScanner scanner;
  std::string many;
  for (int i = 0; i < 17; ++i) many += (i ? ",\"a/" : "\"a/") + std::to_string(i) + "\"";
  for (const auto& [fields, expected] : std::vector<std::pair<std::string, std::string>>{
           {R"("models":["a/b","gpt-4"],)", "models[1] is not a model id: \"gpt-4\""},
           {R"("models":["fast"],)", "models[0] is not a model id"},
           {R"("models":[)" + many + "],", "models names 17 models; at most 16 are asked"}}) {
    const auto body = body_of(fields);
    const auto facts = scanner.chat(body);
    ASSERT_TRUE(facts);
    const auto out = admit(body, *facts, config, {});
    ASSERT_FALSE(out) << fields;
    EXPECT_EQ(out.error().status, 400);
    EXPECT_EQ(out.error().param, "models");
    EXPECT_THAT(out.error().message, HasSubstr(expected));
    EXPECT_FALSE(out.error().remedy.empty());
  }
}

}  // namespace
}  // namespace gantry::engine
