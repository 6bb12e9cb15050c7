#include "wire/models.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace gantry::wire {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// CONTRACT §8.1 and §12: nulls, unknown enum values, unknown fields.
constexpr std::string_view kList = R"({"data":[
 {"id":"acme/alpha","canonical_slug":"acme/alpha-2026-01-02","name":"Alpha","context_length":32000,
  "architecture":{"modality":"text+image->text","input_modalities":["text","image","smell"],
                  "output_modalities":["text"],"tokenizer":"Other","instruct_type":null},
  "top_provider":{"context_length":16000,"max_completion_tokens":4096,"is_moderated":false},
  "supported_parameters":["max_tokens","tools","tool_choice","response_format","a_parameter_of_tomorrow"],
  "reasoning":{"mandatory":true},"expiration_date":"2026-10-01","a_field_of_tomorrow":{"deep":[1]}},
 {"id":"acme/alpha:free","canonical_slug":"acme/alpha","context_length":8000,"architecture":null,
  "top_provider":null,"supported_parameters":null,"expiration_date":null,"reasoning":null},
 {"id":"bolt/beta:free","canonical_slug":"bolt/beta-2026-02-03","context_length":null,
  "top_provider":{"context_length":64000,"max_completion_tokens":null},
  "architecture":{"input_modalities":[],"output_modalities":null},"supported_parameters":[]},
 {"id":"cave/gamma","supported_parameters":["structured_outputs"],"context_length":"many",
  "architecture":{"input_modalities":"text"},"top_provider":7,"expiration_date":"soon",
  "reasoning":{"mandatory":null}},
 {"id":"~acme/alpha-latest","context_length":null,"supported_parameters":null,
  "alias_target":{"slug":"acme/alpha-2026-01-02","name":"Alpha"}},
 {"id":"acme/alpha","context_length":1},
 {"canonical_slug":"nobody/knows"}, {"id":null}, {"id":""}, null, 5
],"total_count":9,"links":{"next":null}})";

ModelTable table(std::string_view body = kList) {
  auto parsed = ModelTable::parse(body);
  EXPECT_TRUE(parsed) << parsed.error().detail;
  return parsed ? std::move(*parsed) : ModelTable();
}

TEST(ModelTable, reads_what_a_model_can_do) {
  const ModelTable models = table();
  const ModelFacts* const alpha = models.find("acme/alpha");
  ASSERT_TRUE(alpha);
  EXPECT_EQ(alpha->id, "acme/alpha");
  EXPECT_EQ(alpha->context_length, 32000);
  EXPECT_EQ(alpha->max_completion_tokens, 4096);
  EXPECT_EQ(alpha->inputs, (Modalities{Modality::text, Modality::image}));
  EXPECT_EQ(alpha->outputs, (Modalities{Modality::text}));
  EXPECT_EQ(alpha->tools, true);
  EXPECT_EQ(alpha->response_format, true);
  EXPECT_EQ(alpha->structured_outputs, false);
  EXPECT_EQ(alpha->reasoning_mandatory, true);
  EXPECT_EQ(alpha->expiration_date, std::chrono::sys_days(2026y / 10 / 1));
  EXPECT_FALSE(alpha->prefill);
  EXPECT_EQ(models.find("cave/gamma")->response_format, true) << "a schema is a response_format";
}

TEST(ModelTable, takes_null_empty_and_wrong_types_as_unknown) {
  const ModelTable models = table();
  for (const std::string id : {"acme/alpha:free", "bolt/beta:free"}) {
    const ModelFacts* const model = models.find(id);
    ASSERT_TRUE(model) << id;
    EXPECT_FALSE(model->max_completion_tokens || model->inputs || model->outputs) << id;
    EXPECT_FALSE(model->tools || model->response_format || model->structured_outputs) << id;
    EXPECT_FALSE(model->reasoning_mandatory || model->expiration_date) << id;
  }
  EXPECT_EQ(models.find("bolt/beta:free")->context_length, 64000) << "its top provider's";
  const ModelFacts* const gamma = models.find("cave/gamma");
  ASSERT_TRUE(gamma);
  EXPECT_FALSE(gamma->context_length || gamma->max_completion_tokens || gamma->inputs);
  EXPECT_FALSE(gamma->expiration_date || gamma->reasoning_mandatory);
}

TEST(ModelTable, finds_a_model_by_every_name_it_is_asked_for) {
  const ModelTable models = table();
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"acme/alpha", "acme/alpha"},
      {"acme/alpha-2026-01-02", "acme/alpha"},
      {"acme/alpha:free", "acme/alpha:free"},
      {"acme/alpha:nitro", "acme/alpha"},
      {"acme/alpha:floor", "acme/alpha"},
      {"acme/alpha:exacto", "acme/alpha"},
      {"acme/alpha:online", "acme/alpha"},
      {"acme/alpha@preset/mine", "acme/alpha"},
      {"acme/alpha:nitro@preset/mine", "acme/alpha"},
      {"acme/alpha:free@preset/mine", "acme/alpha:free"},
      {"~acme/alpha-latest", "~acme/alpha-latest"},
      {"acme/alpha:thinking", ""},
      {"bolt/beta", ""},
      {"bolt/beta-2026-02-03", ""},
      {"@preset/mine", ""},
      {"nobody/knows", ""},
      {"", ""},
  };
  for (const auto& [asked, id] : rows) {
    const ModelFacts* const found = models.find(asked);
    EXPECT_EQ(found ? found->id : "", id) << asked;
  }
  EXPECT_EQ(models.all().size(), 5U);
}

TEST(ModelTable, lets_an_alias_do_what_its_target_does) {
  const ModelTable models = table();
  const ModelFacts* const latest = models.find("~acme/alpha-latest");
  ASSERT_TRUE(latest);
  EXPECT_EQ(latest->context_length, 32000);
  EXPECT_EQ(latest->tools, true);
  EXPECT_FALSE(latest->expiration_date) << "the alias goes on to the next model";
  EXPECT_FALSE(latest->reasoning_mandatory) << "reasoning is coerced on aliases (CONTRACT §3.4)";
  const ModelTable circle = table(
      R"({"data":[{"id":"~a/x","alias_target":{"slug":"~a/y"}},{"id":"~a/y","alias_target":{"slug":"~a/x"}},)"
      R"({"id":"~a/z","alias_target":{"slug":"~a/z"}},{"id":"~a/w","alias_target":{"slug":"gone/away"}}]})");
  EXPECT_EQ(circle.all().size(), 4U);
}

TEST(ModelTable, tells_variants_aliases_and_dated_slugs_from_another_model) {
  const ModelTable models = table(R"({"data":[
    {"id":"acme/alpha","canonical_slug":"acme/alpha-2026-01-02"},
    {"id":"acme/alpha:free","canonical_slug":"acme/alpha-2026-01-02"},
    {"id":"~acme/latest","canonical_slug":"~acme/latest","alias_target":{"slug":"acme/alpha"}},
    {"id":"acme/beta","canonical_slug":"acme/beta"}, {"id":"cave/gamma"}, {"id":"cave/delta"}]})");
  const struct {
    const char *one, *other;
    bool same;
  } rows[] = {
      {"acme/alpha", "acme/alpha", true},       {"acme/alpha", "acme/alpha-2026-01-02", true},
      {"acme/alpha:nitro", "acme/alpha", true}, {"acme/alpha:free", "acme/alpha-2026-01-02", true},
      {"~acme/latest", "acme/alpha", true},     {"acme/alpha@preset/x", "acme/alpha", true},
      {"acme/alpha", "acme/beta", false},       {"cave/gamma", "cave/delta", false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(same_model(*models.find(row.one), *models.find(row.other)), row.same)
        << row.one << " and " << row.other;
}

TEST(ModelTable, says_what_is_no_models_list) {
  for (const std::string body : {"", "[]", "{}", R"({"data":null})", R"({"data":{}})", R"({"data":[)",
                                 "<html>", R"({"error":{"code":500,"message":"x"}})"}) {
    const auto parsed = ModelTable::parse(body);
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().fault, Fault::malformed) << body;
    EXPECT_THAT(parsed.error().detail, HasSubstr("the models list")) << body;
  }
  EXPECT_TRUE(table(R"({"data":[]})").all().empty());
}

TEST(ModelTable, reads_dates_and_nothing_like_them) {
  const std::vector<std::pair<std::string, bool>> rows = {
      {"2026-05-07", true},  {"2026-05-07T00:00:00Z", true},
      {"2024-02-29", true},  {"2026-02-29", false},
      {"2026-13-01", false}, {"2026-5-7", false},
      {"20260507", false},   {"", false},
      {"-026-05-07", false}, {"2026-+5-07", false},
      {"2026-05-0x", false},
  };
  for (const auto& [date, known] : rows) {
    const ModelTable models = table(R"({"data":[{"id":"a/b","expiration_date":")" + date + R"("}]})");
    EXPECT_EQ(models.find("a/b")->expiration_date.has_value(), known) << date;
  }
}

TEST(ModelTable, reads_the_public_list) {
  const char* const shared = std::getenv("GANTRY_SHARED");
  const auto file = std::filesystem::path(shared ? shared : "") / "openrouter" / "models.json";
  if (!shared || !std::filesystem::exists(file))
    GTEST_SKIP() << "the public models list is absent (GANTRY_SHARED)";
  std::ifstream in(file, std::ios::binary);
  const ModelTable models = table(std::string(std::istreambuf_iterator<char>(in), {}));
  EXPECT_GT(models.all().size(), 300U);
  int contexts = 0, parameters = 0, limits = 0, images = 0, expiring = 0;
  for (const ModelFacts& model : models.all()) {
    EXPECT_EQ(models.find(model.id), &model);
    EXPECT_TRUE(model.inputs && model.inputs->has(Modality::text)) << model.id;
    contexts += model.context_length.has_value();
    parameters += model.tools.has_value();
    limits += model.max_completion_tokens.has_value();
    images += model.inputs->has(Modality::image);
    expiring += model.expiration_date.has_value();
  }
  const auto all = static_cast<int>(models.all().size());
  EXPECT_EQ(contexts, all);
  EXPECT_GT(parameters, all - 10);
  EXPECT_GT(limits, 200);
  EXPECT_LT(limits, all) << "many name no limit";
  EXPECT_GT(images, 100);
  EXPECT_GT(expiring, 0);
}

}  // namespace
}  // namespace gantry::wire
