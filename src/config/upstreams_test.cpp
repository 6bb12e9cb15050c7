// Several keys of an upstream, and several upstreams.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "config/build.hpp"

namespace gantry::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string lines(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& p : problems) out += p.where + " | " + p.message + " | " + p.remedy + "\n";
  return out;
}

Config good(std::string_view text, const Inputs& inputs = {}) {
  auto draft = build(text, "g.toml", inputs);
  EXPECT_EQ(lines(draft.problems), "");
  return draft.config;
}

constexpr std::string_view kLocal = "[upstreams.local]\nbase_url = \"http://127.0.0.1:11434/v1/\"\n";

TEST(Keys, have_weights_and_names_by_their_place) {
  const auto config = good(R"([upstream]
keys = [
  { env = "A", weight = 3, name = "blue" },
  { file = "/run/secrets/b" },
  { command = ["pass", "c"], weight = 1000 },
]
)");
  const auto& keys = config.upstream.keys;
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(keys[0].name, "blue");
  EXPECT_EQ(keys[0].weight, 3);
  EXPECT_EQ(to_string(keys[0].reference), "env A");
  EXPECT_EQ(keys[1].name, "key-2");
  EXPECT_EQ(keys[1].weight, 1);
  EXPECT_EQ(to_string(keys[1].reference), "file /run/secrets/b");
  EXPECT_EQ(keys[2].name, "key-3");
  EXPECT_EQ(config.origins.at("upstream.keys[1]"), "g.toml:4");
}

TEST(Keys, are_openrouters_variable_when_none_is_named) {
  const auto config = good("");
  ASSERT_EQ(config.upstream.keys.size(), 1u);
  EXPECT_EQ(config.upstream.keys[0].name, "key-1");
}

TEST(OtherUpstream, is_described_with_what_upstream_has_and_what_it_declares) {
  const auto config = good(R"([upstreams.local]
base_url = "http://10.0.0.7:8000/v1/"
allow_plain_http = true
max_idle = 4
zdr = true
data_collection = "deny"
region = "eu"
[upstreams.local.prices]
"llama3.1:8b" = { prompt = "$0.05", completion = "0.08 USD" }
"free one" = { prompt = "$0", completion = "$0" }
[upstreams.backup]
base_url = "https://api.example.com/v1"
keys = [{ env = "A" }, { env = "B", weight = 2 }]
)");
  ASSERT_EQ(config.upstreams.size(), 2u);
  EXPECT_EQ(config.upstreams[0].name, "backup") << "in order of names";
  EXPECT_EQ(config.upstreams[0].keys.size(), 2u);
  EXPECT_FALSE(config.upstreams[0].zdr);
  EXPECT_EQ(config.upstreams[0].data_collection, DataCollection::allow);
  const auto& local = config.upstreams[1];
  EXPECT_EQ(local.base_url, "http://10.0.0.7:8000/v1");
  EXPECT_THAT(local.keys, IsEmpty()) << "a local server needs none";
  EXPECT_EQ(local.max_idle, 4u);
  EXPECT_TRUE(local.zdr);
  EXPECT_EQ(local.data_collection, DataCollection::deny);
  EXPECT_EQ(local.region, "eu");
  ASSERT_EQ(local.prices.size(), 2u);
  EXPECT_EQ(local.prices.at("llama3.1:8b").prompt.value, 50'000'000'000);
  EXPECT_EQ(local.prices.at("llama3.1:8b").completion.value, 80'000'000'000);
  EXPECT_EQ(config.origins.at("upstreams.local.max_idle"), "g.toml:4");
}

TEST(OtherUpstream, takes_the_proxy_from_the_environment_too) {
  Inputs inputs;
  inputs.environment["HTTPS_PROXY"] = "http://proxy:3128";
  const auto config =
      good(std::string(kLocal) + "[upstreams.far]\nbase_url = \"https://x.example\"\n", inputs);
  EXPECT_EQ(config.upstreams[0].proxy, "http://proxy:3128");
  EXPECT_EQ(config.upstreams[1].proxy, "") << "plain http";
}

TEST(Region, of_openrouters_in_region_addresses_is_declared_by_them) {
  EXPECT_EQ(good("").upstream.region, "");
  EXPECT_EQ(good("[upstream]\nbase_url = \"https://eu.openrouter.ai/api/v1\"\n").upstream.region, "eu");
  EXPECT_EQ(good("[upstream]\nbase_url = \"https://eu.openrouter.ai.evil.example/\"\n").upstream.region, "");
  Inputs inputs;
  inputs.base_url = "https://us.openrouter.ai/api/v1";
  const auto config = good("[routes.default]\nregion = \"us\"\n", inputs);
  EXPECT_EQ(config.upstream.region, "us");
}

TEST(Chain, names_models_of_other_upstreams_behind_their_names) {
  const auto config = good(std::string(kLocal) + R"([routes.default]
primary = "openrouter:openai/gpt-4.1:free"
fallbacks = ["meta/llama:free", "local:llama3.1:8b", "local:meta/llama", "@preset/mine"]
)");
  EXPECT_THAT(config.routes.at("default").models,
              ElementsAre("openai/gpt-4.1:free", "meta/llama:free", "local:llama3.1:8b", "local:meta/llama",
                          "@preset/mine"));
  const std::tuple<const char*, std::size_t, const char*> rows[] = {
      {"openai/gpt-4.1:free", 0, "openai/gpt-4.1:free"},
      {"meta/llama:local", 0, "meta/llama:local"},
      {"local:llama3.1:8b", 1, "llama3.1:8b"},
      {"local:meta/llama", 1, "meta/llama"},
      {"local/llama", 0, "local/llama"},
      {"other:llama", 0, "other:llama"},
      {"", 0, ""}};
  for (const auto& [name, upstream, model] : rows) {
    EXPECT_EQ(locate(config, name).upstream, upstream) << name;
    EXPECT_EQ(locate(config, name).model, model) << name;
  }
}

struct Bad {
  const char* name;
  const char* text;
  const char* expected;  // "where | message | remedy" lines
};
class BadUpstreams : public testing::TestWithParam<Bad> {};
TEST_P(BadUpstreams, are_told_exactly) {
  const auto draft = build(GetParam().text, "g.toml", {});
  EXPECT_EQ(lines(draft.problems), GetParam().expected);
}

const Bad kBad[] = {
    {"key_and_keys", "[upstream]\nkey = { env = \"A\" }\nkeys = [{ env = \"B\" }]\n",
     "g.toml:3 | upstream.key and upstream.keys are both set | name every key in keys, and take key out\n"},
    {"no_keys", "[upstream]\nkeys = []\n",
     "g.toml:2 | upstream.keys must be a list of 1 to 64 references as env, file or command, and this is an "
     "empty list | write it like: keys = [{ env = \"A\" }, { file = \"/run/secrets/b\", weight = 3, name = "
     "\"blue\" }]\n"},
    {"key_as_text", "[upstream]\nkeys = [\n  { env = \"A\" },\n  \"hunter2\",\n]\n",
     "g.toml:4 | upstream.keys key 2 must be a table, and this is text | write it like: { env = "
     "\"OPENROUTER_API_KEY\" }\n"},
    {"weight_of_nothing", "[upstream]\nkeys = [\n  { env = \"A\", weight = 0 },\n]\n",
     "g.toml:3 | upstream.keys key 1: weight must be an integer from 1 to 1000 | write it like: weight = "
     "3\n"},
    {"two_sources_of_a_key", "[upstream]\nkeys = [{ env = \"A\", file = \"/a\" }]\n",
     "g.toml:2 | upstream.keys key 1 must have one of env, file and command | write it like: { env = "
     "\"OPENROUTER_API_KEY\" }\n"},
    {"misspelt_setting_of_a_key", "[upstream]\nkeys = [{ env = \"A\", wieght = 2 }]\n",
     "g.toml:2 | upstream.keys key 1: \"wieght\" is not a setting of a key | did you mean weight?\n"},
    {"name_of_a_key", "[upstream]\nkeys = [{ env = \"A\", name = \"sk or\" }]\n",
     "g.toml:2 | upstream.keys key 1: name must be a word of lower-case letters, digits, '-' and '_' | write "
     "it "
     "like: name = \"blue\"\n"},
    {"two_keys_of_one_name",
     "[upstream]\nkeys = [\n  { env = \"A\", name = \"key-2\" },\n  { env = \"B\" }]\n",
     "g.toml:4 | upstream.keys key 2 has the name of key 1, key-2 | give each key a name of its own\n"},
    {"upstream_without_address", "[upstreams.local]\nzdr = true\n",
     "g.toml:1 | upstreams.local has no base_url | write base_url in it, such as "
     "\"http://127.0.0.1:11434/v1\"\n"},
    {"upstream_named_openrouter", "[upstreams.openrouter]\nbase_url = \"https://x.example\"\n",
     "g.toml:1 | upstreams.openrouter is what [upstream] describes | move its settings to [upstream], or "
     "give "
     "this one another name\n"},
    {"upstream_name", "[upstreams.\"Local One\"]\nbase_url = \"https://x.example\"\n",
     "g.toml:1 | \"Local One\" cannot be the name of an upstream | use lower-case letters, digits, '-' and "
     "'_', "
     "at most 64\n"},
    {"plain_http", "[upstreams.local]\nbase_url = \"http://10.0.0.7/v1\"\n",
     "g.toml:2 | upstreams.local.base_url is plain http to 10.0.0.7, where the key and every prompt can be "
     "read "
     "on the way | use https://, or set allow_plain_http = true under [upstreams.local]\n"},
    {"unknown_setting", "[upstreams.local]\nbase_url = \"http://127.0.0.1\"\nmax_idel = 3\n",
     "g.toml:3 | \"max_idel\" is not a setting of [upstreams.NAME] | did you mean max_idle?\n"},
    {"half_a_price",
     "[upstreams.local]\nbase_url = \"http://127.0.0.1\"\n[upstreams.local.prices]\n\"a\" = { prompt = "
     "\"$1\" }\n",
     "g.toml:4 | upstreams.local.prices of \"a\" must have prompt and completion | write it like: { prompt = "
     "\"$0.05\", completion = \"$0.08\" }\n"},
    {"price_without_unit",
     "[upstreams.local]\nbase_url = \"http://127.0.0.1\"\n[upstreams.local.prices.a]\nprompt = 1\ncompletion "
     "= "
     "\"$1\"\n",
     "g.toml:4 | upstreams.local.prices of \"a\": \"prompt\" must be money such as \"$0.05\" or \"0.05 USD\" "
     "| "
     "write it like: { prompt = \"$0.05\", completion = \"$0.08\" }\n"},
    {"misspelt_upstream_in_a_chain",
     "[upstreams.local]\nbase_url = \"http://127.0.0.1\"\n[routes.default]\nfallbacks = [\n  \"a/b\",\n  "
     "\"locl:x\"]\n[routes.other]\nprimary = \"c/d\"\n",
     "g.toml:6 | routes.default.fallbacks names the upstream locl, and there is none of that name | did you "
     "mean "
     "local?\n"},
    {"unknown_upstream_in_a_chain", "[routes.default]\nprimary = \"llama3:8b\"\nfallbacks = []\n",
     "g.toml:2 | routes.default.primary names the upstream llama3, and there is none of that name | describe "
     "it "
     "under [upstreams.llama3], or name a model as author/slug\n"},
    {"probe_without_a_model_of_openrouter",
     "[upstreams.local]\nbase_url = \"http://127.0.0.1\"\n[routes.default]\nprimary = \"local:x\"\nfallbacks "
     "= "
     "[]\n[health]\nprobe = true\n",
     "g.toml:7 | health.probe asks OpenRouter, and the default route names no model of its | name one in "
     "routes.default, or set probe = false\n"},
    {"region_that_nobody_declares", "[routes.default]\nregion = \"eu\"\n",
     "g.toml:2 | no upstream of routes.default's chain is declared to be in its region, eu | declare region "
     "under "
     "[upstream] or [upstreams.NAME], or take region out of the route\n"},
};
INSTANTIATE_TEST_SUITE_P(Table, BadUpstreams, testing::ValuesIn(kBad),
                         [](const auto& info) { return info.param.name; });

TEST(ShownUpstreams, can_be_read_again_and_mean_the_same) {
  const char* texts[] = {
      "[upstream]\nkeys = [{ env = \"A\" }]\n", "[upstream]\nkeys = [{ env = \"A\", name = \"a\" }]\n",
      "[upstream]\nkeys = [{ env = \"A\", weight = 7 }, { command = [\"a\", \"b \\\" c\"], name = \"b\" }]\n",
      "[upstreams.local]\nbase_url = \"http://127.0.0.1\"\nregion = \"eu\"\n[routes.default]\nregion = "
      "\"eu\"\n"
      "fallbacks = [\"local:llama3.1:8b\"]\n",
      "[upstreams.b]\nbase_url = \"https://b.example\"\nkey = { file = \"/b\" }\nzdr = true\n"
      "[upstreams.a]\nbase_url = \"https://a.example\"\nprices = { \"x \\\" y\" = { prompt = \"$0.0000001\", "
      "completion = \"$15\" } }\n"};
  for (const auto* text : texts) {
    const auto first = good(text);
    const auto shown = show(first);
    const auto again = build(shown, "shown.toml", {});
    ASSERT_EQ(lines(again.problems), "") << shown;
    EXPECT_TRUE(again.config == first) << shown;
  }
  EXPECT_THAT(show(good(texts[0])), HasSubstr("key = { env = \"A\" }  # g.toml:2\n# keys is unset  # "));
  EXPECT_THAT(show(good(texts[1])), HasSubstr("keys = [{ env = \"A\", name = \"a\" }]  # g.toml:2\n"));
}

// ---- with secrets

class LoadUpstreams : public testing::Test {
 protected:
  LoadUpstreams() {
    std::string name = (std::filesystem::temp_directory_path() / "gantry-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~LoadUpstreams() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, std::string_view text) {
    const auto path = (folder_ / name).string();
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0600);
    return path;
  }
  std::expected<Snapshot, std::vector<Problem>> load_text(std::string_view text) {
    inputs_.file = write("g.toml", text);
    return load(inputs_);
  }
  // Without the folder's name before each line.
  std::string told(const std::vector<Problem>& problems) {
    auto out = lines(problems);
    const auto folder = folder_.string() + "/";
    for (auto at = out.find(folder); at != out.npos; at = out.find(folder)) out.erase(at, folder.size());
    return out;
  }
  std::filesystem::path folder_;
  Inputs inputs_;
};

TEST_F(LoadUpstreams, resolves_every_key) {
  inputs_.environment = {{"A", "sk-or-v1-a"}, {"B", "local-b"}};
  const auto config =
      load_text("[upstream]\nkeys = [{ env = \"A\" }, { file = \"" + write("k", "sk-or-v1-k") +
                "\" }]\n[upstreams.b]\nbase_url = \"https://b.example\"\nkey = { env = \"B\" }\n" +
                std::string(kLocal));
  ASSERT_TRUE(config) << told(config.error());
  EXPECT_EQ((*config)->upstream.keys[0].secret.reveal(), "sk-or-v1-a");
  EXPECT_EQ((*config)->upstream.keys[1].secret.reveal(), "sk-or-v1-k");
  EXPECT_EQ((*config)->upstreams[0].key().reveal(), "local-b");
  EXPECT_TRUE((*config)->upstreams[1].key().empty());
}

TEST_F(LoadUpstreams, names_the_place_of_each_key_that_is_missing) {
  inputs_.environment = {{"A", "sk-or-v1-a"}};
  const auto config = load_text(R"([upstream]
keys = [
  { env = "A" },
  { env = "B", name = "blue" },
  { file = "/nonexistent/key" },
]
[upstreams.far]
base_url = "https://far.example"
key = { env = "FAR" }
)");
  ASSERT_FALSE(config);
  EXPECT_EQ(
      told(config.error()),
      "g.toml:4 | upstream.keys: blue: the variable B is not set | set it to the key, or take the entry out\n"
      "g.toml:5 | upstream.keys: key-3: /nonexistent/key cannot be read: No such file or directory | put the "
      "key, and nothing else, where upstream.keys: key-3 points\n"
      "g.toml:9 | upstreams.far.key: the variable FAR is not set | set it to the key, or take the entry "
      "out\n");
}

TEST_F(LoadUpstreams, refuses_the_same_key_twice_with_both_places_and_without_saying_it) {
  inputs_.environment = {{"A", "sk-or-v1-same"}, {"B", "sk-or-v1-other"}, {"C", "sk-or-v1-same"}};
  const auto config = load_text(
      "[upstream]\nkeys = [\n  { env = \"A\" },\n  { env = \"B\" },\n  { env = \"C\", name = \"again\" "
      "},\n]\n");
  ASSERT_FALSE(config);
  EXPECT_EQ(told(config.error()),
            "g.toml:5 | upstream.keys: again is the same key as key-1 (g.toml:3) | take one of the two out; "
            "to use a "
            "key more often, give it a larger weight\n");
  EXPECT_THAT(lines(config.error()), Not(HasSubstr("same\"")));
}

TEST_F(LoadUpstreams, the_same_key_at_two_upstreams_is_fine) {
  inputs_.environment = {{"A", "sk-or-v1-a"}};
  const auto config = load_text(
      "[upstream]\nkey = { env = \"A\" }\n[upstreams.eu]\nbase_url = "
      "\"https://eu.openrouter.ai/api/v1\"\nkey = { env = \"A\" }\n");
  ASSERT_TRUE(config) << told(config.error());
  EXPECT_EQ((*config)->upstreams[0].region, "eu");
}

TEST_F(LoadUpstreams, shows_no_secret) {
  inputs_.environment = {
      {"A", "sk-or-v1-a"}, {"B", "local-secret"}, {"HTTPS_PROXY", "http://me:word@proxy:1"}};
  const auto config = load_text(
      "[upstream]\nkeys = [{ env = \"A\" }]\n[upstreams.b]\nbase_url = "
      "\"https://b.example\"\nkey = { env = \"B\" }\n");
  ASSERT_TRUE(config) << told(config.error());
  const auto text = show(**config);
  for (const auto* secret : {"sk-or-v1", "local-secret", "word@"}) EXPECT_THAT(text, Not(HasSubstr(secret)));
}

TEST_F(LoadUpstreams, reads_the_management_key_only_for_the_accounts_credit) {
  inputs_.environment = {{"OPENROUTER_MANAGEMENT_KEY", "sk-or-mgmt-1"}};
  const auto without = load_text("");
  ASSERT_TRUE(without) << told(without.error());
  EXPECT_TRUE((*without)->watch.management_key.empty());
  const auto with = load_text("[watch]\ncredits = true\n");
  ASSERT_TRUE(with) << told(with.error());
  EXPECT_TRUE((*with)->watch.management_key.matches("sk-or-mgmt-1"));
  EXPECT_FALSE(**with == **without);
  EXPECT_THAT(show(**with), Not(HasSubstr("mgmt-1")));
  inputs_.environment.clear();
  const auto missing = load_text("[watch]\ncredits = true\n");
  ASSERT_FALSE(missing);
  EXPECT_THAT(told(missing.error()), HasSubstr("watch.credits needs upstream.management_key: the variable"));
}

TEST(ManagementKey, is_a_reference_of_openrouters_alone) {
  const auto usual = build("", "g.toml", {}).config;
  EXPECT_EQ(to_string(usual.upstream.management_key), "env OPENROUTER_MANAGEMENT_KEY");
  const auto named = build("[upstream]\nmanagement_key = { file = \"/run/secrets/m\" }\n", "g.toml", {});
  EXPECT_TRUE(named.problems.empty());
  EXPECT_EQ(to_string(named.config.upstream.management_key), "file /run/secrets/m");
  EXPECT_THAT(show(named.config),
              testing::HasSubstr("management_key = { file = \"/run/secrets/m\" }  # g.toml:2\n"));
  const auto elsewhere =
      build("[upstreams.local]\nbase_url = \"http://127.0.0.1:1/v1\"\nmanagement_key = { env = \"M\" }\n",
            "g.toml", {});
  ASSERT_EQ(elsewhere.problems.size(), 1u);
  EXPECT_THAT(elsewhere.problems[0].message, testing::HasSubstr("is not a setting of [upstreams.NAME]"));
  const auto literal = build("[upstream]\nmanagement_key = \"word\"\n", "g.toml", {});
  ASSERT_EQ(literal.problems.size(), 1u);
  EXPECT_THAT(literal.problems[0].remedy, testing::HasSubstr("OPENROUTER_MANAGEMENT_KEY"));
  EXPECT_THAT(literal.problems[0].message, testing::Not(testing::HasSubstr("word")));
}

}  // namespace
}  // namespace gantry::config
