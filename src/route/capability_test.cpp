#include "route/capability.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <functional>
#include <string>
#include <vector>

namespace gantry::route {
namespace {

using wire::Modalities;
using wire::Modality;
using wire::ModelFacts;
using wire::RequestNeeds;

const WallTime kNow{std::chrono::seconds{1'790'000'000}};  // 2026-09-21

ModelFacts plain_model() {
  ModelFacts model;
  model.id = "acme/alpha";
  model.context_length = 8000;
  model.inputs = Modalities{Modality::text};
  model.outputs = Modalities{Modality::text};
  model.tools = model.response_format = model.structured_outputs = model.prefill = false;
  model.reasoning_mandatory = true;
  return model;
}

struct Row {
  std::string what;
  std::function<void(RequestNeeds&)> needs;
  std::string reason;                       // of plain_model(); "" = it may be asked
  std::function<void(ModelFacts&)> mended;  // what lets the model be asked
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = {
      {"nothing", [](RequestNeeds&) {}, "", {}},
      {"tools", [](RequestNeeds& n) { n.tools = true; }, "takes no tools",
       [](ModelFacts& m) { m.tools = true; }},
      {"JSON", [](RequestNeeds& n) { n.response_format = true; }, "takes no response_format",
       [](ModelFacts& m) { m.response_format = true; }},
      {"a schema", [](RequestNeeds& n) { n.response_format = n.structured_outputs = true; },
       "has no structured outputs", [](ModelFacts& m) { m.response_format = m.structured_outputs = true; }},
      {"an image in", [](RequestNeeds& n) { n.inputs.add(Modality::image); }, "takes no image",
       [](ModelFacts& m) { m.inputs->add(Modality::image); }},
      {"audio in", [](RequestNeeds& n) { n.inputs.add(Modality::audio); }, "takes no audio",
       [](ModelFacts& m) { m.inputs->add(Modality::audio); }},
      {"a file in", [](RequestNeeds& n) { n.inputs.add(Modality::file); }, "takes no file",
       [](ModelFacts& m) { m.inputs->add(Modality::file); }},
      {"a video in", [](RequestNeeds& n) { n.inputs.add(Modality::video); }, "takes no video",
       [](ModelFacts& m) { m.inputs->add(Modality::video); }},
      {"an image out", [](RequestNeeds& n) { n.outputs = {Modality::text, Modality::image}; },
       "makes no image", [](ModelFacts& m) { m.outputs->add(Modality::image); }},
      {"text out", [](RequestNeeds& n) { n.outputs = {Modality::text}; }, "", {}},
      {"a prompt that fits", [](RequestNeeds& n) { n.prompt_tokens_at_least = 8000; }, "", {}},
      {"a prompt that does not", [](RequestNeeds& n) { n.prompt_tokens_at_least = 8001; },
       "holds 8000 tokens, and the prompt has at least 8001", [](ModelFacts& m) { m.context_length = 8001; }},
      {"a prefill", [](RequestNeeds& n) { n.prefill = true; }, "does not continue an assistant message",
       [](ModelFacts& m) { m.prefill = true; }},
      {"no reasoning", [](RequestNeeds& n) { n.no_reasoning = true; }, "cannot do without reasoning",
       [](ModelFacts& m) { m.reasoning_mandatory = false; }},
  };
  return kRows;
}

TEST(Capability, skips_a_model_for_what_it_is_known_not_to_do) {
  for (const Row& row : rows()) {
    RequestNeeds needs;
    row.needs(needs);
    ModelFacts model = plain_model();
    EXPECT_EQ(reason_to_skip(model, needs, kNow).value_or(""), row.reason) << row.what;
    if (!row.mended) continue;
    row.mended(model);
    EXPECT_EQ(reason_to_skip(model, needs, kNow), std::nullopt) << row.what << ", mended";
  }
}

TEST(Capability, never_skips_for_what_is_not_known) {
  RequestNeeds everything;
  for (const Row& row : rows()) row.needs(everything);
  everything.prompt_tokens_at_least = 1'000'000;
  EXPECT_EQ(reason_to_skip(ModelFacts{}, everything, kNow), std::nullopt);
}

TEST(Capability, skips_a_model_after_its_last_day) {
  using namespace std::chrono_literals;
  ModelFacts model;
  model.expiration_date = 2026y / 9 / 20;
  EXPECT_EQ(reason_to_skip(model, {}, kNow), "was to be removed after 2026-09-20");
  model.expiration_date = 2026y / 9 / 21;
  EXPECT_EQ(reason_to_skip(model, {}, kNow), std::nullopt);
}

TEST(Capability, lets_only_a_larger_context_follow_one_that_was_too_small) {
  EXPECT_TRUE(may_hold_more(16'000, 8'000));
  EXPECT_FALSE(may_hold_more(8'000, 8'000));
  EXPECT_FALSE(may_hold_more(4'000, 8'000));
  EXPECT_TRUE(may_hold_more(std::nullopt, 8'000));
  EXPECT_TRUE(may_hold_more(8'000, std::nullopt));
}

TEST(CapabilityProperty, knowing_less_of_a_model_never_skips_it) {
  const bool holds = rc::check([] {
    const auto maybe = [] { return *rc::gen::element<std::optional<bool>>(std::nullopt, false, true); };
    const auto some = [] {
      Modalities out;
      for (const auto each :
           {Modality::text, Modality::image, Modality::audio, Modality::file, Modality::video})
        if (*rc::gen::arbitrary<bool>()) out.add(each);
      return out;
    };
    ModelFacts model;
    model.tools = maybe(), model.response_format = maybe(), model.structured_outputs = maybe();
    model.prefill = maybe(), model.reasoning_mandatory = maybe();
    model.inputs = some(), model.outputs = some();
    model.context_length = *rc::gen::inRange(1, 100);
    RequestNeeds needs;
    needs.tools = *rc::gen::arbitrary<bool>(), needs.response_format = *rc::gen::arbitrary<bool>();
    needs.structured_outputs = *rc::gen::arbitrary<bool>(), needs.prefill = *rc::gen::arbitrary<bool>();
    needs.no_reasoning = *rc::gen::arbitrary<bool>();
    needs.inputs = some(), needs.outputs = some();
    needs.prompt_tokens_at_least = *rc::gen::inRange(0, 100);
    const auto before = reason_to_skip(model, needs, kNow);
    RC_ASSERT(!before || !before->empty());
    ModelFacts less = model;
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        less.inputs = std::nullopt;
        break;
      case 1:
        less.context_length = std::nullopt;
        break;
      case 2:
        less.tools = std::nullopt;
        break;
      case 3:
        less.outputs = std::nullopt;
        break;
      default:
        less.response_format = std::nullopt;
    }
    if (!before) RC_ASSERT(!reason_to_skip(less, needs, kNow));
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace gantry::route
