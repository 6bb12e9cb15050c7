#include "engine/prices.hpp"

#include "spend/cost.hpp"

namespace gantry::engine {
namespace {

constexpr int kScale = 18;  // pico-dollars for a million tokens, as dollars for one

wire::Pricing pricing_of(const config::ModelPrice& price) {
  wire::Pricing out;
  out.base.set(wire::PriceKey::prompt, {price.prompt.value, kScale});
  out.base.set(wire::PriceKey::completion, {price.completion.value, kScale});
  return out;
}

}  // namespace

PicoUsd rough_cost(const wire::ModelPrices* model, std::int64_t prompt_tokens,
                   std::int64_t completion_tokens) {
  if (!model || !model->pricing) return {};
  const auto& list = model->pricing->base;
  CostSum sum;
  sum.add(list.find(wire::PriceKey::prompt, {}), prompt_tokens);
  sum.add(list.find(wire::PriceKey::completion, {}), completion_tokens);
  return sum.total().value_or(PicoUsd{});
}

AttemptPrices::AttemptPrices(const wire::PriceTable* table, std::string_view model,
                             std::span<const std::string_view> along)
    : table_(table) {
  const auto find = [table](std::string_view id) { return table ? table->find(id) : nullptr; };
  models_.push_back(find(model));
  for (const auto each : along) models_.push_back(find(each));
}

// Its only endpoint is its own, so no dearer one has to be kept out.
AttemptPrices::AttemptPrices(const config::Upstream& upstream, std::string_view model) {
  const auto found = upstream.prices.find(model);
  if (found == upstream.prices.end()) {
    models_.push_back(nullptr);
    return;
  }
  own_.id = model;
  own_.pricing = pricing_of(found->second);
  own_.endpoints.emplace_back().pricing = own_.pricing;
  models_.push_back(&own_);
}

std::optional<PicoUsd> AttemptPrices::computed(const wire::Usage& usage, std::string_view served_model,
                                               std::string_view provider, WallTime at) const {
  const auto* const named = table_ && !served_model.empty() ? table_->find(served_model) : nullptr;
  const auto* const model = named ? named : models_.front();
  const auto* const pricing = model ? model->of(provider) : nullptr;
  if (!pricing) return std::nullopt;
  const auto cost = spend::computed_cost(usage, *pricing, {.at = at});
  return cost ? std::optional(*cost) : std::nullopt;
}

}  // namespace gantry::engine
