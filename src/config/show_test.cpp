#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config/build.hpp"
#include "config/schema.hpp"

namespace gantry::config {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Show, tells_each_values_origin) {
  Inputs inputs;
  inputs.listen = "127.0.0.1:1";
  inputs.environment["OPENROUTER_BASE_URL"] = "https://example.com";
  const auto text = show(build("[log]\nlevel = \"warn\"\n", "g.toml", inputs).config);
  EXPECT_THAT(text, HasSubstr("listen = \"127.0.0.1:1\"  # --listen\n"));
  EXPECT_THAT(text, HasSubstr("base_url = \"https://example.com\"  # OPENROUTER_BASE_URL\n"));
  EXPECT_THAT(text, HasSubstr("level = \"warn\"  # g.toml:2\n"));
  EXPECT_THAT(text, HasSubstr("threads = 0  # default\n"));
  EXPECT_THAT(text, HasSubstr("# temperature is unset  # default\n"));
  EXPECT_THAT(text, HasSubstr("# max_price_prompt is unset  # default\n"));
  EXPECT_THAT(text, HasSubstr("key = { env = \"OPENROUTER_API_KEY\" }  # default\n"));
}

TEST(Show, never_tells_a_secret) {
  Inputs inputs;
  inputs.environment = {{"HTTPS_PROXY", "http://me:word@proxy:1"}, {"OPENROUTER_API_KEY", "sk-or-v1-abc"}};
  auto config = build("", "", inputs).config;
  config.upstream.keys = {{.secret = Secret("sk-or-v1-abc")}};
  const auto text = show(config);
  EXPECT_THAT(text, Not(HasSubstr("sk-or-v1")));
  EXPECT_THAT(text, Not(HasSubstr("word@")));
  EXPECT_THAT(text, HasSubstr("# proxy is not shown: it holds a password  # HTTPS_PROXY\n"));
}

TEST(Show, can_be_read_again_and_means_the_same) {
  const char* texts[] = {
      "",
      "[routes.default]\ntemperature = 0.7\nmax_prompt = \"context\"\nmax_tokens_ceiling = 100\n",
      "[routes.a]\nprimary = \"x/y\"\n[routes.b]\nprimary = \"x/z\"\nfallbacks = []\n",
      "[attribution]\ntitle = \"quote \\\" and \\\\ and \\u00e9\"\ncategories = [\"game\"]\nforce = true\n",
      "[provider]\nzdr = true\nmax_price_prompt = \"$0\"\n[routes.default]\nfallback = \"both\"\nmin_rate = "
      "2.5\n"
      "delivery = \"assured\"\n[routes.a]\nprimary = \"x/y\"\nprovider = { ignore = [\"azure\"], zdr = false "
      "}\n",
      "[upstream]\nkey = { command = [\"a\", \"b \\\" c\", \"\"] }\nno_proxy = \"a,b\"\n",
      "[server]\nlisten = \"[::1]:0\"\nmax_body = \"1000KB\"\ndrain_limit = \"1.5s\"\n"};
  for (const auto* text : texts) {
    const auto first = build(text, "g.toml", {});
    ASSERT_TRUE(first.problems.empty()) << text << first.problems.front().message;
    const auto again = build(show(first.config), "shown.toml", {});
    ASSERT_TRUE(again.problems.empty()) << again.problems.front().where << again.problems.front().message;
    EXPECT_TRUE(again.config == first.config) << text;
  }
}

TEST(Reference, is_the_committed_page) {
  std::ifstream file(GANTRY_DOCS "/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), reference()) << "write it anew: gantry config reference > docs/configuration.md";
}

TEST(Reference, has_its_example_right) {
  const auto page = reference();
  const auto begin = page.find("```toml\n") + 8;
  const auto draft = build(page.substr(begin, page.find("```\n", begin) - begin), "example", {});
  EXPECT_TRUE(draft.problems.empty()) << draft.problems.front().message;
}

TEST(Schema, declares_every_field_once_with_a_sentence_and_a_known_section) {
  std::set<std::string> seen;
  std::set<std::string_view> known;
  for (const auto& section : sections()) known.insert(section.name);
  for (const auto& field : fields()) {
    const auto path = std::string(field.section) + "." + std::string(field.key);
    EXPECT_TRUE(seen.insert(path).second) << path;
    EXPECT_TRUE(known.contains(field.section)) << path;
    EXPECT_TRUE(field.sentence.ends_with('.')) << path;
    EXPECT_EQ(find_field(field.section, field.key), &field) << path;
  }
}

}  // namespace
}  // namespace gantry::config
