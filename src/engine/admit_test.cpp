#include "engine/admit.hpp"

#include <gmock/gmock.h>

#include <optional>

namespace gantry::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

config::Config make_config() {
  config::Config config;
  auto& plain = config.routes["default"];
  plain.name = "default";
  plain.models = {"acme/one", "beta/two", "gamma/three"};
  auto& cheap = config.routes["cheap"];
  cheap.name = "cheap";
  cheap.models = {"tiny/model"};
  cheap.max_tokens = 100;
  cheap.max_tokens_ceiling = 200;
  cheap.temperature = 0.7;
  return config;
}

struct AdmitTest : testing::Test {
  config::Config config = make_config();
  wire::RequestScanner scanner;
  wire::RequestFacts facts;

  wire::RequestFacts scan(std::string_view body) {
    auto scanned = scanner.chat(body);
    EXPECT_TRUE(scanned) << scanned.error().message;
    return *scanned;
  }
  std::expected<Admission, wire::Refusal> admit_body(std::string_view body,
                                                     std::optional<std::string_view> fallback = {}) {
    facts = scan(body);  // what is decided points into it
    return admit(body, facts, config, fallback);
  }
  std::string edited(std::string_view body, const config::Route& route, std::string_view model) {
    facts = scan(body);
    wire::Splice splice(body);
    Admission admission;
    admission.route = &route;
    admission.chain = {model};
    edit(splice, facts, admission, wire::kChat, {});
    return splice.joined();
  }
};

constexpr std::string_view kMessages = R"("messages":[{"role":"user","content":"hi"}])";
std::string with_model(std::string_view model) {
  return R"({"model":")" + std::string(model) + R"(",)" + std::string(kMessages) + "}";
}

TEST_F(AdmitTest, a_route_name_gives_the_routes_chain) {
  const auto out = admit_body(with_model("cheap"));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->route_name, "cheap");
  EXPECT_THAT(out->chain, ElementsAre("tiny/model"));
}

TEST_F(AdmitTest, a_plain_id_gets_the_default_routes_models_as_fallbacks) {
  const auto out = admit_body(with_model("beta/two"));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->route_name, "-");
  EXPECT_THAT(out->chain, ElementsAre("beta/two", "acme/one", "gamma/three"));
}

TEST_F(AdmitTest, fallbacks_can_be_switched_off_per_call_and_in_the_configuration) {
  EXPECT_THAT(admit_body(with_model("beta/two"), "none")->chain, ElementsAre("beta/two"));
  config.fallback_for_plain_ids = false;
  EXPECT_THAT(admit_body(with_model("beta/two"))->chain, ElementsAre("beta/two"));
}

TEST_F(AdmitTest, no_model_means_the_default_route) {
  const auto out = admit_body("{" + std::string(kMessages) + "}");
  EXPECT_EQ(out->route_name, "default");
  EXPECT_THAT(out->chain, ElementsAre("acme/one", "beta/two", "gamma/three"));
}

TEST_F(AdmitTest, a_model_without_provider_prefix_is_refused_with_the_routes_that_exist) {
  const auto out = admit_body(with_model("gpt-4"));
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().status, 400);
  EXPECT_EQ(out.error().param, "model");
  EXPECT_THAT(out.error().message, HasSubstr("gpt-4"));
  EXPECT_THAT(out.error().remedy, HasSubstr("cheap, default"));
}

TEST_F(AdmitTest, a_prompt_over_the_routes_limit_is_refused_and_names_the_setting) {
  config.routes["default"].max_prompt = 1;
  const auto out = admit_body("{" + std::string(kMessages) + "}");
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error().message + out.error().remedy, HasSubstr("max_prompt"));
}

TEST_F(AdmitTest, edits_touch_nothing_else) {
  const auto& cheap = config.routes["cheap"];
  const auto& plain = config.routes["default"];
  const struct {
    const char* name;
    std::string body;
    const config::Route& route;
    std::string_view model;
    std::string expected;
  } rows[] = {
      {"a limit that is there stays", R"({ "model" : "a/b", "max_tokens": 7, "messages":["hi"] })", plain,
       "a/b", R"({ "model" : "a/b", "max_tokens": 7, "messages":["hi"] })"},
      {"the default limit is put in", R"({"model":"a/b","messages":[]})", plain, "a/b",
       R"({"max_tokens":4096,"model":"a/b","messages":[]})"},
      {"null counts as absent", R"({"model":"a/b","max_tokens":null,"messages":[]})", plain, "a/b",
       R"({"model":"a/b","max_tokens":4096,"messages":[]})"},
      {"either name of the limit will do", R"({"model":"a/b","max_completion_tokens":9,"messages":[]})",
       plain, "a/b", R"({"model":"a/b","max_completion_tokens":9,"messages":[]})"},
      {"the model is replaced in place", R"({"model":"cheap","max_tokens":5,"temperature":1,"messages":[]})",
       cheap, "tiny/model", R"({"model":"tiny/model","max_tokens":5,"temperature":1,"messages":[]})"},
      {"the ceiling clamps", R"({"model":"tiny/model","max_tokens":5000,"temperature":1,"messages":[]})",
       cheap, "tiny/model", R"({"model":"tiny/model","max_tokens":200,"temperature":1,"messages":[]})"},
      {"an absent model and a route's temperature are put in together", R"({"messages":[]})", cheap,
       "tiny/model", R"({"model":"tiny/model","max_tokens":100,"temperature":0.7,"messages":[]})"},
  };
  for (const auto& row : rows) {
    // The rows are about edits: give each a message that counts.
    std::string body = row.body, expected = row.expected;
    for (auto* text : {&body, &expected}) {
      for (const char* const list : {"[]", "[\"hi\"]"})
        if (const auto at = text->find(list); at != std::string::npos)
          text->replace(at, std::string_view(list).size(), R"([{"role":"user","content":"hi"}])");
    }
    EXPECT_EQ(edited(body, row.route, row.model), expected) << row.name;
  }
}

TEST_F(AdmitTest, a_limit_is_lowered_to_what_can_be_paid_for_and_never_raised) {
  const auto& [plain, cheap] = std::pair(config.routes["default"], config.routes["cheap"]);
  const struct {
    const char* name;
    const config::Route& route;
    std::string given, sent;
  } rows[] = {
      {"the client's", plain, R"("max_tokens":5000,)", R"("max_tokens":90,)"},
      {"both names", plain, R"("max_tokens":500,"max_completion_tokens":91,)",
       R"("max_tokens":90,"max_completion_tokens":90,)"},
      {"the route's", plain, "", R"("max_tokens":90,)"},
      {"below a ceiling", cheap, R"("max_tokens":5000,"temperature":1,)",
       R"("max_tokens":90,"temperature":1,)"},
      {"one that is small enough", plain, R"("max_tokens":7,)", R"("max_tokens":7,)"},
  };
  for (const auto& row : rows) {
    const auto body = [](const std::string& fields) { return "{" + fields + std::string(kMessages) + "}"; };
    const std::string before = body(row.given);
    const auto facts = scanner.chat(before);
    ASSERT_TRUE(facts);
    Admission admission;
    admission.route = &row.route;
    admission.chain = {""};
    wire::Splice splice(before);
    edit(splice, *facts, admission, wire::kChat, {.most_tokens = 90});
    EXPECT_EQ(splice.joined(), body(row.sent)) << row.name;
  }
}

TEST_F(AdmitTest, user_and_session_are_the_clients_own) {
  const std::string body = R"({"user":"u\"1","session_id":"","max_tokens":5,)" + std::string(kMessages) + "}";
  const auto facts = scanner.chat(body);
  ASSERT_TRUE(facts);
  Admission admission;
  admission.route = &config.routes["default"];
  admission.chain = {""};
  wire::Splice splice(body);
  edit(splice, *facts, admission, wire::kChat, {.space = "key_12"});
  EXPECT_EQ(splice.joined(),
            R"({"user":"key_12:u\"1","session_id":"key_12:","max_tokens":5,)" + std::string(kMessages) + "}");
}

TEST_F(AdmitTest, endpoints_may_cost_no_more_than_the_bound_rests_on) {
  config.routes["default"].provider.max_price_prompt = "3";
  const std::string body =
      R"({"provider":{"max_price":{"completion":1}},"max_tokens":5,)" + std::string(kMessages) + "}";
  const auto facts = scanner.chat(body);
  ASSERT_TRUE(facts);
  const auto admitted = admit(body, *facts, config, std::nullopt);
  ASSERT_TRUE(admitted);
  const spend::PriceCap cap{.prompt = "2.5", .completion = "10"};
  wire::Splice splice(body);
  edit(splice, *facts, *admitted, wire::kChat, {.price_cap = &cap});
  EXPECT_THAT(splice.joined(), HasSubstr(R"("prompt":2.5)")) << "the lower of route and bound";
  EXPECT_THAT(splice.joined(), HasSubstr(R"("completion":1)")) << "the client's own is lower still";
}

}  // namespace
}  // namespace gantry::engine
