#include "config/build.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string lines(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& p : problems) out += p.where + " | " + p.message + " | " + p.remedy + "\n";
  return out;
}

Config good(std::string_view text, const Inputs& inputs = {}) {
  auto draft = build(text, text.empty() ? "" : "gantry.toml", inputs);
  EXPECT_EQ(lines(draft.problems), "");
  return draft.config;
}

TEST(Build, needs_nothing_and_then_has_the_checklists_defaults) {
  const auto config = good("");
  const auto& route = config.routes.at("default");
  EXPECT_EQ(route.models, kDefaultChain);
  EXPECT_EQ(route.max_tokens, 4096);
  EXPECT_EQ(route.retries, 3);
  EXPECT_EQ(route.timeouts.silence, 60s);
  EXPECT_EQ(route.max_prompt, 100'000u);
  EXPECT_FALSE(route.temperature);
  EXPECT_EQ(config.server.listen_address, "127.0.0.1");
  EXPECT_EQ(config.server.listen_port, 8700);
  EXPECT_EQ(config.upstream.base_url, "https://openrouter.ai/api/v1");
  EXPECT_EQ(to_string(config.upstream.keys.at(0).reference), "env OPENROUTER_API_KEY");
  EXPECT_EQ(config.verify.min_credit_usd, "10");
  EXPECT_EQ(config.log.format, "text");
}

TEST(Build, reads_every_kind_of_value) {
  const auto config = good(R"(
fallback_for_plain_ids = false
[server]
listen = "[::1]:9000"
max_body = "1MiB"
threads = 2
drain_delay = "0s"
[upstream]
base_url = "https://eu.openrouter.ai/api/v1/"
key = { command = ["pass", "openrouter key"] }
[attribution]
referer = "https://example.com"
categories = ["cli-agent", "game"]
[routes.default]
temperature = 1
max_prompt = "context"
[routes.quick]
primary = "openai/gpt-4.1-mini"
fallbacks = []
timeouts = { call = "20s", silence = "10s", first_token = "10s", stall = "1.5s" }
attribution.title = "Quick"
attribution.force = true
[log]
level = "warn"
[verify]
min_credit = "2.50 USD"
)");
  EXPECT_FALSE(config.fallback_for_plain_ids);
  EXPECT_EQ(config.server.listen_address, "::1");
  EXPECT_EQ(config.server.listen_port, 9000);
  EXPECT_EQ(config.server.max_body, 1u << 20);
  EXPECT_EQ(config.server.drain_delay, 0s);
  EXPECT_EQ(config.upstream.base_url, "https://eu.openrouter.ai/api/v1");
  EXPECT_EQ(config.upstream.keys.at(0).reference.from, SecretReference::From::command);
  EXPECT_THAT(config.upstream.keys.at(0).reference.words, ElementsAre("pass", "openrouter key"));
  EXPECT_EQ(config.routes.at("default").temperature, 1.0);
  EXPECT_EQ(config.routes.at("default").max_prompt, 0u);
  EXPECT_EQ(config.routes.at("default").attribution.referer, "https://example.com");
  const auto& quick = config.routes.at("quick");
  EXPECT_THAT(quick.models, ElementsAre("openai/gpt-4.1-mini"));
  EXPECT_EQ(quick.timeouts.stall, 1500ms);
  EXPECT_EQ(quick.attribution.title, "Quick");
  EXPECT_TRUE(quick.attribution.force);
  EXPECT_EQ(quick.attribution.referer, "https://example.com");
  EXPECT_THAT(quick.attribution.categories, ElementsAre("cli-agent", "game"));
  EXPECT_EQ(config.log.level, "warn");
  EXPECT_EQ(config.verify.min_credit_usd, "2.5");
}

TEST(Build, takes_the_checklists_own_models) {
  const auto config = good(R"(
[routes.default]
primary = "anthropic/claude-3.5-sonnet"
fallbacks = ["openai/gpt-4-turbo", "meta-llama/llama-3.1-70b-instruct"]
temperature = 0.7
)");
  EXPECT_THAT(
      config.routes.at("default").models,
      ElementsAre("anthropic/claude-3.5-sonnet", "openai/gpt-4-turbo", "meta-llama/llama-3.1-70b-instruct"));
}

TEST(Build, gives_a_route_without_fallbacks_the_default_routes_models_less_its_primary) {
  const auto config = good(R"(
[routes.alone]
primary = "openai/gpt-4.1"
[routes.default]
fallbacks = ["openai/gpt-4.1", "google/gemini-2.5-flash"]
)");
  EXPECT_THAT(config.routes.at("alone").models,
              ElementsAre("openai/gpt-4.1", "anthropic/claude-sonnet-4.5", "google/gemini-2.5-flash"));
  const auto other = good("[routes.default]\nprimary = \"openai/gpt-4.1\"\n");
  EXPECT_THAT(other.routes.at("default").models,
              ElementsAre("openai/gpt-4.1", "anthropic/claude-sonnet-4.5", "google/gemini-2.5-flash",
                          "meta-llama/llama-3.3-70b-instruct"));
}

TEST(Build, reads_what_a_route_says_of_failover_and_providers) {
  const auto config = good(R"(
[provider]
zdr = true
only = ["deepinfra/turbo", "google-vertex"]
max_price_prompt = "$3"
[routes.default]
fallback = "both"
fallback_on_policy = true
delivery = "assured"
min_rate = 2
[routes.open]
primary = "openai/gpt-4.1"
fallback = "openrouter"
[routes.open.provider]
zdr = false
data_collection = "deny"
only = []
ignore = ["azure"]
max_price_completion = "15.50 USD"
)");
  const auto& first = config.routes.at("default");
  EXPECT_EQ(first.fallback, Fallback::both);
  EXPECT_TRUE(first.fallback_on_policy);
  EXPECT_EQ(first.delivery, DeliveryMode::assured);
  EXPECT_EQ(first.min_rate, 2.0);
  EXPECT_TRUE(first.provider.zdr);
  EXPECT_EQ(first.provider.data_collection, DataCollection::allow);
  EXPECT_THAT(first.provider.only, ElementsAre("deepinfra/turbo", "google-vertex"));
  EXPECT_EQ(first.provider.max_price_prompt, "3");
  const auto& open = config.routes.at("open");
  EXPECT_EQ(open.fallback, Fallback::openrouter);
  EXPECT_FALSE(open.fallback_on_policy);
  EXPECT_EQ(open.delivery, DeliveryMode::stream);
  EXPECT_EQ(open.min_rate, 0.0);
  EXPECT_FALSE(open.provider.zdr);
  EXPECT_EQ(open.provider.data_collection, DataCollection::deny);
  EXPECT_TRUE(open.provider.only.empty());
  EXPECT_THAT(open.provider.ignore, ElementsAre("azure"));
  EXPECT_EQ(open.provider.max_price_prompt, "3");
  EXPECT_EQ(open.provider.max_price_completion, "15.5");
}

TEST(Build, demands_nothing_of_providers_and_fails_over_itself_unless_told) {
  const auto route = good("").routes.at("default");
  EXPECT_EQ(route.provider, ProviderRules{});
  EXPECT_EQ(route.fallback, Fallback::gantry);
  EXPECT_EQ(route.delivery, DeliveryMode::stream);
}

TEST(Build, lowers_the_default_max_tokens_to_a_ceiling) {
  EXPECT_EQ(good("[routes.default]\nmax_tokens_ceiling = 1000\n").routes.at("default").max_tokens, 1000);
}

TEST(Build, flags_beat_variables_beat_the_file) {
  Inputs inputs;
  const auto* file = "[upstream]\nbase_url = \"https://file.example\"\n[server]\nlisten = \"127.0.0.1:1\"\n";
  EXPECT_EQ(good(file, inputs).upstream.base_url, "https://file.example");
  inputs.environment["OPENROUTER_BASE_URL"] = "https://variable.example/";
  EXPECT_EQ(good(file, inputs).upstream.base_url, "https://variable.example");
  inputs.base_url = "https://flag.example";
  inputs.listen = "127.0.0.1:2";
  const auto config = good(file, inputs);
  EXPECT_EQ(config.upstream.base_url, "https://flag.example");
  EXPECT_EQ(config.server.listen_port, 2);
  EXPECT_EQ(config.origins.at("server.listen"), "--listen");
}

TEST(Build, takes_the_proxy_from_the_environment_unless_the_file_has_one) {
  Inputs inputs;
  inputs.environment = {{"HTTPS_PROXY", "http://upper:3128"}, {"NO_PROXY", "internal.example"}};
  EXPECT_EQ(good("", inputs).upstream.proxy, "http://upper:3128");
  EXPECT_EQ(good("", inputs).upstream.no_proxy, "internal.example");
  inputs.environment["https_proxy"] = "lower:3128";
  EXPECT_EQ(good("", inputs).upstream.proxy, "http://lower:3128");
  EXPECT_EQ(good("[upstream]\nproxy = \"http://file:1\"\n", inputs).upstream.proxy, "http://file:1");
  // HTTPS_PROXY is not for plain http upstreams.
  EXPECT_EQ(good("[upstream]\nbase_url = \"http://127.0.0.1:9\"\n", inputs).upstream.proxy, "");
}

TEST(Build, a_variable_never_replaces_the_key_that_the_file_names) {
  Inputs inputs;
  inputs.environment["OPENROUTER_API_KEY"] = "sk-or-v1-development";
  const auto config = good("[upstream]\nkey = { file = \"/k\" }\n", inputs);
  EXPECT_EQ(to_string(config.upstream.keys.at(0).reference), "file /k");
}

struct Bad {
  const char* name;
  const char* text;
  const char* expected;  // "where | message | remedy" lines
};

class BadConfig : public testing::TestWithParam<Bad> {};
TEST_P(BadConfig, is_told_exactly) {
  const auto draft = build(GetParam().text, "g.toml", {});
  EXPECT_EQ(lines(draft.problems), GetParam().expected);
}

const Bad kBad[] = {
    {"syntax", "[server\n",
     "g.toml:1 | Error while parsing table header: expected ']', saw '\\n' | correct the TOML syntax "
     "there\n"},
    {"unknown_section", "[sever]\nlisten = 1\n",
     "g.toml:1 | \"sever\" is not a setting | did you mean server?\n"},
    {"unknown_key", "[server]\nlisen = \"x\"\n",
     "g.toml:2 | \"lisen\" is not a setting of [server] | did you mean listen?\n"},
    {"key_of_another_section", "[server]\nbase_url = \"x\"\n",
     "g.toml:2 | \"base_url\" is not a setting of [server] | it belongs in [upstream]\n"},
    {"key_that_nothing_resembles", "[log]\ncolour_of_lines = 1\n",
     "g.toml:2 | \"colour_of_lines\" is not a setting of [log] | `gantry config reference` lists the "
     "settings\n"},
    {"number_without_unit", "[routes.default.timeouts]\nsilence = 60\n",
     "g.toml:2 | routes.default.timeouts.silence must be a duration from \"1ms\" to \"24h\", and this is an "
     "integer | "
     "write it like: silence = \"60s\"\n"},
    {"duration_without_unit", "[server]\nidle_time = \"75\"\n",
     "g.toml:2 | server.idle_time must be a duration from \"1s\" to \"1h\", and this is \"75\" | write it "
     "like: "
     "idle_time = \"60s\"\n"},
    {"size_too_large", "[server]\nmax_body = \"2GiB\"\n",
     "g.toml:2 | server.max_body must be a size from \"1KiB\" to \"1GiB\", and this is \"2GiB\" | write it "
     "like: "
     "max_body = \"64MiB\"\n"},
    {"money_without_unit", "[verify]\nmin_credit = 10\n",
     "g.toml:2 | verify.min_credit must be money such as \"$10\" or \"10 USD\", and this is an integer | "
     "write it "
     "like: min_credit = \"$10\"\n"},
    {"too_many_retries", "[routes.default]\nretries = 11\n",
     "g.toml:2 | routes.default.retries must be an integer from 0 to 10, and this is 11 | write it like: "
     "retries = 1\n"},
    {"hot_temperature", "[routes.default]\ntemperature = 2.5\n",
     "g.toml:2 | routes.default.temperature must be a number from 0 to 2, and this is 2.5 | write it like: "
     "temperature "
     "= 0.7\n"},
    {"temperature_nan", "[routes.default]\ntemperature = nan\n",
     "g.toml:2 | routes.default.temperature must be a number from 0 to 2, and this is nan | write it like: "
     "temperature "
     "= 0.7\n"},
    {"choice", "[log]\nlevel = \"loud\"\n",
     "g.toml:2 | log.level must be one of \"trace\", \"debug\", \"info\", \"warn\", \"error\", and this is "
     "\"loud\" | "
     "write it like: level = \"trace\"\n"},
    {"model_without_author", "[routes.default]\nprimary = \"gpt-4\"\n",
     "g.toml:2 | routes.default.primary must be a model id as author/slug, or UPSTREAM:MODEL, and this is "
     "\"gpt-4\" | write it "
     "like: "
     "primary = \"openai/gpt-4.1\"\n"},
    {"repeated_model", "[routes.default]\nprimary = \"a/b\"\nfallbacks = [\"c/d\", \"a/b\"]\n",
     "g.toml:3 | routes.default names a/b twice | name each model of a chain once\n"},
    {"route_without_primary", "[routes.quick]\nretries = 1\n",
     "g.toml:1 | routes.quick has no primary | write primary = \"author/slug\" in it\n"},
    {"route_name", "[routes.\"a/b\"]\nprimary = \"a/b\"\n",
     "g.toml:1 | \"a/b\" cannot be the name of a route | use lower-case letters, digits, '-' and '_', at "
     "most 64\n"},
    {"route_that_is_no_table", "routes = { fast = \"a/b\" }\n",
     "g.toml:1 | routes.fast must be a section, and this is text | write it as a section: [routes.fast]\n"},
    {"three_categories", "[attribution]\ncategories = [\"a\", \"b\", \"c\"]\n",
     "g.toml:2 | attribution.categories must be a list of at most 2 categories in lower case with hyphens, "
     "and this is "
     "a list of 3 | write it like: categories = [\"general-chat\"]\n"},
    {"fallback_by_nobody", "[routes.default]\nfallback = \"none\"\n",
     "g.toml:2 | routes.default.fallback must be one of \"gantry\", \"openrouter\", \"both\", and this is "
     "\"none\" | write it like: fallback = \"gantry\"\n"},
    {"negative_rate", "[routes.default]\nmin_rate = -1\n",
     "g.toml:2 | routes.default.min_rate must be a number from 0 to 100000, and this is -1 | write it like: "
     "min_rate = 0.7\n"},
    {"provider_with_a_space", "[routes.default.provider]\nonly = [\"Google Vertex\"]\n",
     "g.toml:2 | routes.default.provider.only must be a list of at most 64 provider slugs such as deepinfra "
     "or "
     "google-vertex/us-east5, and this is \"Google Vertex\" | write it like: only = [\"deepinfra\", "
     "\"google-vertex/us-east5\"]\n"},
    {"price_without_unit", "[provider]\nmax_price_prompt = 3\n",
     "g.toml:2 | provider.max_price_prompt must be money such as \"$10\" or \"10 USD\", and this is an "
     "integer "
     "| write it like: max_price_prompt = \"$10\"\n"},
    {"no_provider_left", "[provider]\nonly = [\"a\", \"b\"]\nignore = [\"b\", \"a\"]\n",
     "g.toml:3 | routes.default.provider.ignore leaves none of the providers that "
     "routes.default.provider.only "
     "allows | take one of them out of ignore, or allow another\n"},
    {"region_of_providers", "[provider]\nregion = \"eu\"\n",
     "g.toml:2 | \"region\" is not a setting of [provider] | it belongs in [upstream]\n"},
    {"header_injection", "[attribution]\ntitle = \"a\\r\\nX-Evil: 1\"\n",
     "g.toml:2 | attribution.title must be one line of text, and this is text with a line break or control "
     "character | "
     "write it like: title = \"…\"\n"},
    {"only_one_tls_file", "[server]\ntls_key = \"/k.pem\"\n",
     "g.toml:2 | server.tls_certificate and server.tls_key come together, and only one of them is set | set "
     "both to "
     "serve TLS, or neither\n"},
    {"plain_http", "[upstream]\nbase_url = \"http://openrouter.ai/api/v1\"\n",
     "g.toml:2 | upstream.base_url is plain http to openrouter.ai, where the key and every prompt can be "
     "read on the "
     "way | use https://, or set allow_plain_http = true under [upstream]\n"},
    {"url", "[upstream]\nbase_url = \"openrouter.ai\"\n",
     "g.toml:2 | upstream.base_url is not usable: it begins with neither https:// nor http:// | write it "
     "like "
     "https://openrouter.ai/api/v1\n"},
    {"proxy_password", "[upstream]\nproxy = \"http://me:word@proxy:1\"\n",
     "g.toml:2 | upstream.proxy holds a user name or password | keep it out of this file: set the variable "
     "HTTPS_PROXY "
     "instead\n"},
    {"silence_longer_than_the_call", "[routes.default.timeouts]\nsilence = \"20m\"\n",
     "g.toml:2 | routes.default.timeouts.silence (20m) is longer than the whole call may take (10m) | lower "
     "silence or "
     "raise call\n"},
    {"max_tokens_over_the_ceiling", "[routes.default]\nmax_tokens = 5000\nmax_tokens_ceiling = 1000\n",
     "g.toml:2 | routes.default.max_tokens (5000) is above its max_tokens_ceiling (1000) | lower max_tokens "
     "or raise "
     "the ceiling\n"},
    {"slow_probe", "[health]\nprobe_time = \"2m\"\n",
     "g.toml:2 | health.probe_time (2m) is longer than health.window (1m) | lower probe_time or raise "
     "window\n"},
    {"secret_as_text", "[upstream]\nkey = \"hunter2\"\n",
     "g.toml:2 | upstream.key must be a reference as env, file or command, and this is text | write it like: "
     "key = { "
     "env = \"OPENROUTER_API_KEY\" }\n"},
    {"secret_as_shell", "[upstream]\nkey = { command = \"pass show key\" }\n",
     "g.toml:2 | upstream.key must be a reference as env, file or command, and this is another table | write "
     "it like: "
     "key = { env = \"OPENROUTER_API_KEY\" }\n"},
    {"several_at_once", "[server]\nthreads = \"4\"\nlisten = \"x\"\n[log]\nformat = \"xml\"\n",
     "g.toml:2 | server.threads must be an integer from 0 to 256, and this is text | write it like: threads "
     "= 1\n"
     "g.toml:3 | server.listen must be an address as \"HOST:PORT\", and this is \"x\" | write it like: "
     "listen = "
     "\"127.0.0.1:8700\"\n"
     "g.toml:5 | log.format must be one of \"text\", \"json\", and this is \"xml\" | write it like: format = "
     "\"text\"\n"},
};
INSTANTIATE_TEST_SUITE_P(Table, BadConfig, testing::ValuesIn(kBad),
                         [](const auto& info) { return info.param.name; });

TEST(Build, lets_the_operator_ask_for_what_is_dangerous) {
  good("[server]\nlisten = \"0.0.0.0:80\"\n");  // calls need a client key there
  good("[server]\nlisten = \"0.0.0.0:80\"\nallow_unauthenticated = true\n");
  good("[upstream]\nbase_url = \"http://10.0.0.1/api/v1\"\nallow_plain_http = true\n");
  good("[upstream]\nbase_url = \"http://localhost:9/api/v1\"\n");
}

TEST(Build, refuses_a_key_wherever_it_stands_and_never_says_it) {
  const char* places[] = {
      "[upstream]\nkey = \"sk-or-v1-0123456789abcdef\"\n",
      "# sk-or-v1-0123456789abcdef\n",
      "\"sk-or-v1-0123456789abcdef\" = 1\n",
      "[upstream]\nkey = { command = [\"echo\", \"sk-or-v1-0123456789abcdef\"] }\n",
      "[upstream]\nbase_url = \"https://sk-or-v1-0123456789abcdef@openrouter.ai\"\n",
      "[routes.default]\nprimary = \"sk\\u002dor-v1-0123456789abcdef\"\n",
      "broken = = sk-or-v1-0123456789abcdef\n",
  };
  for (const auto* text : places) {
    const auto problems = lines(build(text, "g.toml", {}).problems);
    EXPECT_THAT(problems, HasSubstr("an OpenRouter key stands in this file")) << text;
    EXPECT_THAT(problems, Not(HasSubstr("0123456789"))) << text;
  }
}

TEST(Build, refuses_a_key_in_flags_and_variables) {
  Inputs inputs;
  inputs.listen = "sk-or-v1-0123456789abcdef";
  inputs.environment["OPENROUTER_BASE_URL"] = "https://openrouter.ai/sk-or-v1-0123456789abcdef";
  const auto problems = lines(build("", "", inputs).problems);
  EXPECT_THAT(problems, HasSubstr("--listen | an OpenRouter key stands there"));
  EXPECT_THAT(problems, HasSubstr("OPENROUTER_BASE_URL | an OpenRouter key stands there"));
  EXPECT_THAT(problems, Not(HasSubstr("0123456789")));
}

TEST(Build, names_the_flag_that_is_wrong) {
  Inputs inputs;
  inputs.listen = "8700";
  EXPECT_EQ(lines(build("", "", inputs).problems),
            "--listen | must be an address as \"HOST:PORT\", and this is \"8700\" | write it like "
            "127.0.0.1:8700\n");
}

}  // namespace
}  // namespace gantry::config
