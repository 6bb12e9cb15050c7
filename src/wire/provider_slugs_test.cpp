#include "wire/provider_slugs.hpp"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

namespace gantry::wire {
namespace {

using testing::HasSubstr;

ProviderSlugs list(std::string_view body) {
  auto parsed = ProviderSlugs::parse(body);
  EXPECT_TRUE(parsed) << parsed.error().detail;
  return parsed ? std::move(*parsed) : ProviderSlugs();
}

TEST(ProviderSlugs, finds_a_slug_by_every_form_of_a_name) {
  const auto slugs = list(R"({"data":[
    {"name":"Google","slug":"google-vertex","privacy_policy_url":null},
    {"name":"Google AI Studio","slug":"google-ai-studio","datacenters":["US"],"a_field_of_tomorrow":{"x":[1]}},
    {"name":"Acme Cloud","slug":"acme-cloud"}, {"name":"ACME-cloud","slug":"acme-cloud-2"},
    {"name":"Acme Cloud","slug":"second-of-its-name"},
    {"name":"Élan","slug":"elan"},
    {"name":"nameless"}, {"slug":"nameless"}, {"name":null,"slug":null}, {"name":"","slug":""}, null, 7]})");
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"Google", "google-vertex"},
      {"google", "google-vertex"},
      {"google-vertex", "google-vertex"},
      {"Google AI Studio", "google-ai-studio"},
      {"google-ai-studio", "google-ai-studio"},
      {"GOOGLE AI-STUDIO", "google-ai-studio"},
      {"Acme Cloud", "acme-cloud"},
      {"ACME-cloud", "acme-cloud-2"},
      {"acme cloud", ""},  // two providers answer to it
      {"Élan", "elan"},
      {"nameless", ""},
      {"Nobody", ""},
      {"", ""},
      {"…", ""},
  };
  for (const auto& [name, slug] : rows) EXPECT_EQ(slugs.find(name), slug) << name;
  EXPECT_EQ(slugs.size(), 5U);
}

TEST(ProviderSlugs, says_what_is_no_providers_list) {
  for (const std::string body : {"", "[]", "{}", R"({"data":null})", R"({"data":{}})", R"({"data":[)",
                                 "<html>", R"({"error":{"code":500,"message":"x"}})"}) {
    const auto parsed = ProviderSlugs::parse(body);
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().fault, Fault::malformed) << body;
    EXPECT_THAT(parsed.error().detail, HasSubstr("the providers list")) << body;
  }
  EXPECT_EQ(list(R"({"data":[]})").size(), 0U);
}

TEST(BareProviderName, keeps_letters_and_digits) {
  EXPECT_EQ(bare_provider_name("Z.AI"), "zai");
  EXPECT_EQ(bare_provider_name("AI21"), "ai21");
  EXPECT_EQ(bare_provider_name("google-vertex/us-east5"), "googlevertexuseast5");
  EXPECT_EQ(bare_provider_name("…"), "");
}

}  // namespace
}  // namespace gantry::wire
