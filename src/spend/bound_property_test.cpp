// The essential one: whatever is charged for a usage that stays within what a request allows, at any endpoint
// that may serve it and at any moment of the call, is within its bound.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <string>
#include <vector>

#include "spend/bound.hpp"
#include "spend/cost.hpp"

namespace gantry::spend {
namespace {

using wire::CostDrivers;
using wire::Modality;
using wire::PriceKey;

std::int64_t up_to(std::int64_t most) { return *rc::gen::inRange<std::int64_t>(0, most + 1); }
bool perhaps() { return *rc::gen::arbitrary<bool>(); }

Price any_price() {
  const std::int64_t units = *rc::gen::element<std::int64_t>(0, 1, 3, 25, 8'333'333'333'333'334, 999'999'999);
  return {units, *rc::gen::inRange(units > 1'000'000'000'000 ? 18 : 3, 25)};
}

wire::PriceList any_prices(bool whole) {
  wire::PriceList out;
  for (std::size_t i = 0; i < wire::kPriceKeyCount; ++i) {
    const auto key = static_cast<PriceKey>(i);
    const bool required = whole && (key == PriceKey::prompt || key == PriceKey::completion);
    if (required || perhaps()) out.set(key, any_price());
  }
  return out;
}

int ten_minutes() { return *rc::gen::inRange(0, 10) * 10; }

// Conditions lie around the sizes and moments that the other generators draw, edges among them.
wire::Pricing any_pricing() {
  wire::Pricing out{.base = any_prices(true), .discount = {up_to(100), 2}, .overrides = {}};
  for (std::int64_t i = up_to(3); i > 0; --i) {
    wire::PriceOverride each{
        .above_prompt_tokens = std::nullopt, .window = std::nullopt, .prices = any_prices(false)};
    if (perhaps()) each.above_prompt_tokens = up_to(2'000);
    if (perhaps()) each.window = wire::DailyWindow{ten_minutes(), ten_minutes()};
    out.overrides.push_back(std::move(each));
  }
  return out;
}

wire::Tier any_tier() {
  return *rc::gen::element(wire::Tier::standard, wire::Tier::flex, wire::Tier::priority);
}

wire::ModelPrices any_model() {
  wire::ModelPrices out;
  out.id = "a/b";
  out.pricing = any_pricing();
  out.context_length = 1 + up_to(4'000);
  for (std::int64_t i = up_to(3); i > 0; --i)
    out.endpoints.push_back(
        {.tag = "x",
         .provider = "",
         .tier = any_tier(),
         .context_length = 1 + up_to(4'000),
         .max_completion_tokens = perhaps() ? std::optional(1 + up_to(500)) : std::nullopt,
         .pricing = any_pricing(),
         .searches = false});
  return out;
}

CostDrivers any_drivers() {
  CostDrivers out;
  out.prompt_bytes = up_to(2'000);
  out.messages = up_to(5);
  out.pieces = up_to(5);
  out.tools = perhaps();
  if (perhaps()) out.images = up_to(3);
  if (perhaps()) out.audios = up_to(3);
  out.caches = perhaps();
  out.caches_long = out.caches && perhaps();
  out.answers = 1 + up_to(3);
  if (perhaps()) out.max_tokens = 1 + up_to(1'000);
  out.reasoning_tokens = perhaps() ? up_to(1'000) : 0;
  out.prediction_bytes = perhaps() ? up_to(100) : 0;
  if (perhaps())
    out.outputs = perhaps() ? wire::Modalities{Modality::text} : wire::Modalities{Modality::audio};
  out.tiers.add(wire::Tier::standard);
  if (perhaps()) out.tiers.add(any_tier());
  return out;
}

// Where it is served: an endpoint of a tier that may, or the model as it is listed.
struct Place {
  const wire::Pricing* pricing;
  std::int64_t context;
  std::optional<std::int64_t> max_completion;
};
Place any_place(const wire::ModelPrices& model, const CostDrivers& drivers) {
  std::vector<Place> places;
  for (const auto& each : model.endpoints)
    if (drivers.tiers.has(each.tier))
      places.push_back({&*each.pricing, *each.context_length, each.max_completion_tokens});
  if (places.empty())
    for (const auto& each : model.endpoints)
      places.push_back({&*each.pricing, *each.context_length, each.max_completion_tokens});
  if (places.empty()) places.push_back({&*model.pricing, *model.context_length, std::nullopt});
  return places[static_cast<std::size_t>(up_to(static_cast<std::int64_t>(places.size()) - 1))];
}

// Often all that is allowed. Parts may overlap and come to more than the whole, as upstream may tell them.
std::int64_t part_of(std::int64_t whole) { return perhaps() ? whole : up_to(whole); }

wire::Usage any_usage(const CostDrivers& drivers, const Place& place) {
  const std::int64_t text = drivers.prompt_bytes + (drivers.messages + drivers.pieces) * kTokensPerPiece +
                            kTokensPerRequest + (drivers.tools ? kTokensForTools : 0);
  const std::int64_t prompt = part_of(drivers.media() ? place.context : std::min(text, place.context));
  const std::int64_t limit = drivers.max_tokens.value_or(place.max_completion.value_or(0));
  const std::int64_t answer = part_of(std::min(limit + drivers.reasoning_tokens, place.context));
  const std::int64_t completion = drivers.answers * (answer + part_of(drivers.prediction_bytes));
  wire::Usage out;
  out.prompt_tokens = prompt;
  out.completion_tokens = completion;
  if (perhaps()) out.cached_tokens = part_of(prompt);
  if (perhaps()) out.reasoning_tokens = part_of(completion);
  if (perhaps()) out.details.cache_write_tokens = part_of(prompt);
  if (drivers.audios > 0) out.details.prompt_audio_tokens = part_of(prompt);
  if (drivers.may_give(Modality::audio)) out.details.completion_audio_tokens = part_of(completion);
  return out;
}

TEST(BoundProperty, covers_every_cost_that_can_come_of_the_call) {
  int compared = 0;
  EXPECT_TRUE(rc::check("computed cost is within the bound", [&] {
    const std::array models = {any_model(), any_model()};
    const std::vector<const wire::ModelPrices*> may_answer = {&models[0], &models[1]};
    const CostDrivers drivers = any_drivers();
    const WallTime at = WallTime{} + std::chrono::minutes{ten_minutes()};
    const Duration lasts = std::chrono::minutes{ten_minutes()};
    const auto most = bound(drivers, {may_answer, at, lasts});
    if (!most) return;
    for (int i = 0; i < 40; ++i) {
      const Place place = any_place(models[perhaps() ? 1 : 0], drivers);
      const Duration into = *rc::gen::element(Duration::zero(), lasts, Duration(lasts / 2));
      const Circumstances when = {.at = at + into,
                                  .images = part_of(drivers.images),
                                  .caches_long = drivers.caches_long && perhaps()};
      const auto cost = computed_cost(any_usage(drivers, place), *place.pricing, when);
      if (!cost) continue;
      ++compared;
      RC_ASSERT(cost->value <= most->most.value);
    }
  }));
  EXPECT_GT(compared, 100) << "hardly any call has a bound and a cost";
}

TEST(BoundProperty, grows_with_the_limit_and_affordable_tokens_are_its_edge) {
  EXPECT_TRUE(rc::check("the affordable limit fits, and the next does not", [] {
    const wire::ModelPrices model = any_model();
    const std::vector<const wire::ModelPrices*> may_answer = {&model};
    CostDrivers drivers = any_drivers();
    const std::int64_t asked = 1 + up_to(2'000);
    drivers.max_tokens = asked;
    const Served served{may_answer, WallTime{}, std::chrono::minutes{5}};
    const auto whole = bound(drivers, served);
    if (!whole) return;
    const PicoUsd budget{up_to(whole->most.value + 1)};
    const auto affordable = affordable_tokens(drivers, served, budget);
    RC_ASSERT(affordable.value_or(1) >= 1 && affordable.value_or(1) <= asked);
    RC_ASSERT((whole->most <= budget) == (affordable == asked));
    if (affordable) {
      drivers.max_tokens = *affordable;
      RC_ASSERT(bound(drivers, served)->most <= budget);
    }
    if (affordable != asked) {
      drivers.max_tokens = affordable.value_or(0) + 1;
      RC_ASSERT(bound(drivers, served)->most > budget);
    }
  }));
}

}  // namespace
}  // namespace gantry::spend
