// A route's demands and the providers that are down, in the request that is sent.

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/admit.hpp"

namespace gantry::engine {
namespace {

using testing::HasSubstr;

constexpr std::string_view kRest = R"("max_tokens":5,"messages":[{"role":"user","content":"hi"}]})";

struct ProviderAdmission : testing::Test {
  config::Config config;
  wire::RequestScanner scanner;
  config::ProviderRules& rules = config.routes["default"].provider;
  std::vector<std::string_view> avoid;

  ProviderAdmission() {
    auto& route = config.routes["default"];
    route.name = "default";
    route.models = {"a/one", "here:x"};
  }
  std::expected<Admission, wire::Refusal> admitted(const std::string& body, const wire::RequestFacts& facts) {
    return admit(body, facts, config, "none");
  }
  // What is sent for a client's fields, up to max_tokens; a candidate of the default chain.
  std::string sent(const std::string& fields, std::size_t candidate = 0) {
    const std::string body = "{" + fields + std::string(kRest);
    const auto facts = scanner.chat(body);
    const auto out =
        admit(body, *facts, config, candidate == 0 ? std::optional<std::string_view>("none") : std::nullopt);
    EXPECT_TRUE(out) << out.error().message;
    wire::Splice splice(body);
    edit(splice, *facts, *out, wire::kChat, {.candidate = candidate, .avoid = avoid});
    auto text = splice.joined();
    EXPECT_TRUE(text.ends_with(kRest)) << text;
    return text.substr(1, text.size() - kRest.size() - 1);
  }
};

TEST_F(ProviderAdmission, another_upstream_is_sent_only_what_openais_api_knows) {
  EXPECT_EQ(sent(R"("route":"fallback","top_k":3,"provider":{"order":["x"]},"trace":{},)", 1),
            R"("model":"here:x","top_k":3,)");
}

TEST_F(ProviderAdmission, changes_no_byte_without_a_policy) {
  const std::string fields = R"("model":"a/one", "provider" : {"zdr":false ,"x":[]} ,)";
  EXPECT_EQ(sent(fields), fields);
}

TEST_F(ProviderAdmission, puts_the_routes_policy_in) {
  rules.zdr = true;
  rules.max_price_prompt = "3";
  EXPECT_EQ(sent(R"("model":"a/one",)"),
            R"("provider":{"zdr":true,"max_price":{"prompt":3}},"model":"a/one",)");
  EXPECT_EQ(sent(R"("model":"a/one","provider":null,)"),
            R"("model":"a/one","provider":{"zdr":true,"max_price":{"prompt":3}},)");
  EXPECT_EQ(sent(R"("provider": { "sort":"price" } ,"model":"a/one",)"),
            R"("provider": {"zdr":true,"max_price":{"prompt":3}, "sort":"price" } ,"model":"a/one",)");
  const std::string tighter = R"("model":"a/one","provider":{"zdr":true,"max_price":{"prompt":"2.50"}},)";
  EXPECT_EQ(sent(tighter), tighter);
}

TEST_F(ProviderAdmission, puts_model_and_policy_in_together) {
  rules.data_collection = config::DataCollection::deny;
  EXPECT_EQ(sent(""), R"("model":"a/one","provider":{"data_collection":"deny"},)");
}

TEST_F(ProviderAdmission, refuses_before_anything_is_sent_and_names_the_setting) {
  rules.only = {"deepinfra"};
  const std::string body = R"({"model":"a/one","provider":{"only":["azure"]},)" + std::string(kRest);
  const auto facts = scanner.chat(body);
  const auto out = admitted(body, *facts);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().status, 400);
  EXPECT_THAT(out.error().message, HasSubstr("only in [routes.default.provider]"));
}

TEST_F(ProviderAdmission, adds_providers_that_are_down_to_the_ignored_ones) {
  avoid = {"azure"};
  EXPECT_EQ(sent(R"("model":"a/one",)"), R"("provider":{"ignore":["azure"]},"model":"a/one",)");
  EXPECT_EQ(sent(R"("model":"a/one","provider":{"only":["azure"]},)"),
            R"("model":"a/one","provider":{"only":["azure"]},)");
  rules.only = {"azure", "deepinfra"};
  EXPECT_EQ(sent(R"("model":"a/one",)"),
            R"("provider":{"only":["azure","deepinfra"],"ignore":["azure"]},"model":"a/one",)");
  avoid = {"azure", "deepinfra"};
  EXPECT_EQ(sent(R"("model":"a/one",)"), R"("provider":{"only":["azure","deepinfra"]},"model":"a/one",)")
      << "the policy stands when all that it allows is down";
}

TEST_F(ProviderAdmission, does_not_replace_a_presets_provider_for_what_is_down) {
  avoid = {"azure"};
  for (const std::string fields :
       {R"("model":"a/one@preset/p",)", R"("model":"@preset/p",)", R"("model":"a/one","preset":"p",)",
        R"("model":"a/one","preset":"p","provider":null,)"})
    EXPECT_EQ(sent(fields), fields);
  EXPECT_EQ(sent(R"("model":"a/one","preset":"p","provider":{},)"),
            R"("model":"a/one","preset":"p","provider":{"ignore":["azure"]},)");
  rules.zdr = true;
  EXPECT_EQ(sent(R"("model":"a/one","preset":"p",)"),
            R"("provider":{"zdr":true,"ignore":["azure"]},"model":"a/one","preset":"p",)");
}

TEST_F(ProviderAdmission, sends_no_provider_of_ours_to_another_upstream) {
  rules.zdr = true;
  avoid = {"azure"};
  EXPECT_EQ(sent("", 1), R"("model":"here:x",)");
}

TEST_F(ProviderAdmission, tells_what_the_call_demands) {
  const auto demands = [this](const std::string& fields) {
    const std::string body = "{" + fields + std::string(kRest);
    const auto facts = scanner.chat(body);
    return admitted(body, *facts)->demands;
  };
  EXPECT_EQ(demands(""), wire::ProviderDemands{});
  EXPECT_TRUE(demands(R"("provider":{"zdr":true},)").zdr);
  EXPECT_TRUE(demands(R"("provider":{"only":["a"]},)").only);
  rules.data_collection = config::DataCollection::deny;
  EXPECT_TRUE(demands("").deny_data_collection);
}

}  // namespace
}  // namespace gantry::engine
