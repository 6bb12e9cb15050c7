#include "sim/catalogue.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "sim/errors.hpp"
#include "sim/listings.hpp"

namespace gantry::sim {
namespace {

constexpr WallTime kNow{std::chrono::seconds{1'790'000'000}};

const Catalogue& builtin() {
  static const auto made = Catalogue::builtin(kNow).value();
  return made;
}

TEST(BuiltinCatalogue, has_the_models_that_the_rest_of_gantry_names) {
  for (const auto* id : {"anthropic/claude-sonnet-4.5", "openai/gpt-4.1", "google/gemini-2.5-flash",
                         "meta-llama/llama-3.3-70b-instruct", "openai/gpt-4-turbo", "openai/gpt-3.5-turbo",
                         "meta-llama/llama-3.1-70b-instruct"})
    EXPECT_TRUE(builtin().find(id)) << id;
  EXPECT_FALSE(builtin().find("anthropic/claude-3.5-sonnet")) << "it is gone in reality";
  EXPECT_TRUE(retired("anthropic/claude-3.5-sonnet"));
}

TEST(BuiltinCatalogue, has_every_kind_of_model_that_a_client_must_cope_with) {
  int free = 0, reasoning = 0, vision = 0, overrides = 0, routers = 0, unlimited = 0, expiring = 0,
      aliases = 0, strict = 0, drawing = 0;
  for (const auto& m : builtin().models()) {
    if (m.id.starts_with("sim/")) continue;
    free += m.id.ends_with(":free");
    reasoning += m.reasons;
    vision += m.takes("image");
    overrides += !m.pricing.overrides.empty();
    routers += m.pricing.find("prompt", 0, kNow)->text == "-1";
    unlimited += m.max_completion_tokens == 0;
    expiring += !m.expiration_date.empty();
    aliases += !m.alias_slug.empty();
    strict += m.min_max_tokens == 16;
    drawing += m.output_modalities.size() > 1;
  }
  for (const int count :
       {free, reasoning, vision, overrides, routers, unlimited, expiring, aliases, strict, drawing})
    EXPECT_GT(count, 0);
}

TEST(BuiltinCatalogue, something_always_expires_in_two_weeks) {
  EXPECT_EQ(builtin().find("google/gemini-2.0-flash-001")->expiration_date,
            "2026-10-05");  // kNow is 2026-09-21
}

TEST(BuiltinCatalogue, retired_models_point_to_living_ones) {
  for (const auto* id : {"anthropic/claude-3.5-sonnet", "anthropic/claude-2", "google/gemini-pro-1.5"}) {
    EXPECT_FALSE(builtin().find(id)) << id;
    for (const auto& successor : *retired(id)) EXPECT_TRUE(builtin().find(successor)) << successor;
  }
}

TEST(Catalogue, resolves_variants_aliases_presets_and_routers) {
  struct Row {
    std::string_view asked, answered;
  };
  const Row rows[] = {{"openai/gpt-4.1:nitro", "openai/gpt-4.1"},
                      {"openai/gpt-4.1:floor", "openai/gpt-4.1"},
                      {"openai/gpt-4.1:online", "openai/gpt-4.1"},
                      {"openai/gpt-4.1@preset/mail", "openai/gpt-4.1"},
                      {"openai/gpt-oss-20b:free", "openai/gpt-oss-20b:free"},
                      {"~anthropic/claude-sonnet-latest", "anthropic/claude-sonnet-4.5"},
                      {"openrouter/auto", "openai/gpt-4.1-mini"},
                      {"openai/gpt-4.1-2025-04-14", "openai/gpt-4.1"}};
  for (const auto& row : rows) {
    const auto* found = builtin().resolve(row.asked);
    ASSERT_TRUE(found) << row.asked;
    EXPECT_EQ(found->id, row.answered) << row.asked;
  }
  EXPECT_FALSE(builtin().resolve("openai/gpt-4.1:free"));
  EXPECT_FALSE(builtin().resolve("openai/gpt-9"));
}

TEST(Catalogue, names_relatives_of_the_same_author_closest_first) {
  const auto relatives = builtin().relatives("openai/gpt-4.1-micro");
  ASSERT_EQ(relatives.size(), 3u);
  EXPECT_TRUE(relatives[0].starts_with("openai/gpt-4.1"));
  EXPECT_TRUE(builtin().relatives("nobody/nothing").empty());
}

TEST(Catalogue, aliases_that_run_in_a_circle_end) {
  const auto list = Catalogue::parse(
      R"([{"id":"a/a","alias_target":{"slug":"a/b"}},{"id":"a/b","alias_target":{"slug":"a/a"}}])", "test",
      kNow);
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->resolve("a/a"));
}

TEST(Catalogue, reads_past_nulls_unknown_fields_and_odd_types) {
  const auto list = Catalogue::parse(
      R"({"data":[{"id":"a/b","name":null,"created":"yesterday","context_length":null,"architecture":{"modality":null,
      "input_modalities":["text","thought"],"output_modalities":null,"tokenizer":7},"pricing":{"prompt":"0.1","completion":null,
      "per_moon":{"x":1},"overrides":[{"prompt":"0.2","when":"later"},5]},"top_provider":null,"supported_parameters":[1,"x",null],
      "default_parameters":[],"x":{}}],"more":1})",
      "test", kNow);
  ASSERT_TRUE(list) << list.error().detail;
  const auto* m = list->find("a/b");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->context_length, 0);
  EXPECT_EQ(m->name, "a/b");
  EXPECT_EQ(m->pricing.find("prompt", 0, kNow)->text, "0.2")
      << "an override with conditions nobody knows still replaces";
}

TEST(Catalogue, says_what_is_wrong_with_a_list) {
  struct Row {
    std::string_view text, told;
  };
  const Row rows[] = {
      {"{", "list.json: not JSON"},
      {"{}", "list.json: expected {\"data\""},
      {R"({"data":[]})", "list.json: the list holds no model"},
      {R"([{"name":"x"}])", "list.json: data[0] has no id"},
      {R"([{"id":"x"}])", "data[0] has no id of the form author/slug"},
      {"[7]", "data[0] is not an object"},
      {R"([{"id":"a/b"},{"id":"a/b"}])", "data[1] repeats the id a/b"},
      {R"([{"id":"a/b","pricing":{"prompt":"dear"}}])", "data[0] (a/b): pricing.prompt: not a price: dear"}};
  for (const auto& row : rows) {
    const auto list = Catalogue::parse(row.text, "list.json", kNow);
    ASSERT_FALSE(list) << row.text;
    EXPECT_NE(list.error().detail.find(row.told), std::string::npos)
        << row.text << ": " << list.error().detail;
  }
  EXPECT_FALSE(Catalogue::load("no/such/file", kNow));
}

TEST(Catalogue, serves_the_public_list_as_it_is) {
  const char* shared = std::getenv("GANTRY_SHARED");
  const auto file = std::filesystem::path(shared ? shared : "") / "openrouter" / "models.json";
  if (!shared || !std::filesystem::exists(file))
    GTEST_SKIP() << "the public models list is absent (GANTRY_SHARED)";
  const auto list = Catalogue::load(file.string(), kNow);
  ASSERT_TRUE(list) << list.error().detail;
  EXPECT_GT(list->models().size(), 300u);
  // The built-in list agrees with it wherever both name a model; what the simulator adds is marked there.
  int compared = 0;
  for (const auto& mine : builtin().models()) {
    const auto* theirs = list->find(mine.id);
    if (!theirs || mine.id.starts_with("sim/")) continue;
    ++compared;
    EXPECT_EQ(mine.name, theirs->name) << mine.id;
    EXPECT_EQ(mine.created, theirs->created) << mine.id;
    EXPECT_EQ(mine.context_length, theirs->context_length) << mine.id;
    EXPECT_EQ(mine.max_completion_tokens, theirs->max_completion_tokens) << mine.id;
    EXPECT_EQ(mine.supported_parameters, theirs->supported_parameters) << mine.id;
    ASSERT_EQ(mine.pricing.prices.size(), theirs->pricing.prices.size()) << mine.id;
    for (std::size_t i = 0; i < mine.pricing.prices.size(); ++i)
      EXPECT_EQ(mine.pricing.prices[i].text, theirs->pricing.prices[i].text)
          << mine.id << " " << mine.pricing.prices[i].key;
  }
  EXPECT_GT(compared, 40);
}

boost::json::value listed(std::string_view query) {
  return boost::json::parse(models_json(builtin(), parse_model_query(query), kNow));
}

TEST(ModelList, is_filtered_by_the_query) {
  const auto count = [](std::string_view query) { return listed(query).at("data").as_array().size(); };
  const auto all = count("output_modalities=all");
  EXPECT_EQ(count("sim=1&output_modalities=all"), builtin().models().size());
  EXPECT_LT(all, builtin().models().size()) << "sim/ models are shown only on demand";
  EXPECT_LT(count("output_modalities=image"), all);
  EXPECT_GT(count("output_modalities=image"), 0u);
  for (const auto& m : listed("supported_parameters=tools,reasoning").at("data").as_array()) {
    const auto text = boost::json::serialize(m.at("supported_parameters"));
    EXPECT_NE(text.find("\"tools\""), std::string::npos);
    EXPECT_NE(text.find("\"reasoning\""), std::string::npos);
  }
  EXPECT_EQ(count("q=GPT-4%2E1+mini"), 1u);
  EXPECT_EQ(count("q=no+such+thing"), 0u);
  EXPECT_EQ(listed("model_authors=anthropic").at("data").at(0).at("id").as_string().subview(0, 10),
            "anthropic/");
}

TEST(ModelList, pages_cover_the_whole_and_nothing_twice) {
  std::set<std::string> ids;
  std::string query = "limit=7";
  int pages = 0;
  while (true) {
    const auto page = listed(query);
    for (const auto& m : page.at("data").as_array()) EXPECT_TRUE(ids.emplace(m.at("id").as_string()).second);
    ++pages;
    const auto& next = page.at("links").at("next");
    if (next.is_null()) break;
    const auto path = std::string(next.as_string());
    ASSERT_TRUE(path.starts_with("/api/v1/models?"));
    query = path.substr(path.find('?') + 1);
  }
  EXPECT_EQ(static_cast<std::int64_t>(ids.size()), listed("").at("total_count").as_int64());
  EXPECT_EQ(pages, static_cast<int>((ids.size() + 6) / 7));
}

TEST(ModelList, top_level_prices_show_the_window_in_force) {
  const auto prompt_at = [](int hour) {
    const auto at = std::chrono::floor<std::chrono::days>(kNow) + std::chrono::hours{hour};
    const auto list =
        boost::json::parse(models_json(builtin(), parse_model_query("q=deepseek-chat-v3-0324"), at));
    return std::string(list.at("data").at(0).at("pricing").at("prompt").as_string());
  };
  EXPECT_EQ(prompt_at(12), "0.0000002");
  EXPECT_EQ(prompt_at(20), "0.0000001");
}

TEST(Query, values_are_decoded) {
  EXPECT_EQ(query_value("a=1&b=x%20y+z&c", "b"), "x y z");
  EXPECT_EQ(query_value("a=1&c", "c"), "");
  EXPECT_EQ(query_value("a=1", "b"), std::nullopt);
  EXPECT_EQ(percent_decode("%"), "%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz%41"), "%zzA");
}

}  // namespace
}  // namespace gantry::sim
