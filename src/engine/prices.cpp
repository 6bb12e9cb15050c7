#include "engine/prices.hpp"

#include <string>
#include <utility>

#include "spend/cost.hpp"

namespace gantry::engine {
namespace {

constexpr int kScale = 18;  // pico-dollars for a million tokens, as dollars for one

struct OtherPrice {
  wire::PriceKey key;
  std::optional<PicoUsd> config::ModelPrice::* price;
  int scale;
};
constexpr int kOneScale = 12;  // pico-dollars for one
constexpr OtherPrice kOthers[] = {
    {wire::PriceKey::input_cache_read, &config::ModelPrice::input_cache_read, kScale},
    {wire::PriceKey::input_cache_write, &config::ModelPrice::input_cache_write, kScale},
    {wire::PriceKey::internal_reasoning, &config::ModelPrice::internal_reasoning, kScale},
    {wire::PriceKey::request, &config::ModelPrice::request, kOneScale},
    {wire::PriceKey::image, &config::ModelPrice::image, kOneScale},
    {wire::PriceKey::web_search, &config::ModelPrice::web_search, kOneScale}};

wire::Pricing pricing_of(const config::ModelPrice& price) {
  wire::Pricing out;
  out.base.set(wire::PriceKey::prompt, {price.prompt.value, kScale});
  out.base.set(wire::PriceKey::completion, {price.completion.value, kScale});
  for (const auto& each : kOthers)
    if (const auto& other = price.*(each.price)) out.base.set(each.key, {other->value, each.scale});
  return out;
}

}  // namespace

std::optional<PicoUsd> rough_cost(const wire::ModelPrices* model, std::int64_t prompt_tokens,
                                  std::int64_t completion_tokens) {
  if (!model || !model->pricing) return std::nullopt;
  const auto& list = model->pricing->base;
  CostSum sum;
  sum.add(list.find(wire::PriceKey::prompt, {}), prompt_tokens);
  sum.add(list.find(wire::PriceKey::completion, {}), completion_tokens);
  const auto cost = sum.total();
  return cost ? std::optional(*cost) : std::nullopt;
}

const config::Prices AttemptPrices::kNothingStated;

AttemptPrices::AttemptPrices(const wire::PriceTable* table, std::string_view model,
                             std::span<const std::string_view> along, const config::Prices& stated)
    : table_(table), stated_(&stated), asked_(listed(model)) {
  add(model);
  for (const auto each : along) add(each);
}

AttemptPrices::AttemptPrices(const config::Upstream& upstream, std::string_view model,
                             const config::Prices& stated) {
  const auto by_route = stated.empty() ? stated.end() : stated.find(upstream.name + ":" + std::string(model));
  const auto by_upstream = upstream.prices.find(model);
  if (by_route != stated.end()) {
    add_own(by_route->second, model, nullptr);
  } else if (by_upstream != upstream.prices.end()) {
    add_own(by_upstream->second, model, nullptr);
  } else {
    models_.push_back(nullptr);
  }
}

// By the name that is asked for, or the one that the list has for it.
const config::ModelPrice* AttemptPrices::stated(std::string_view id, const wire::ModelPrices* listed) const {
  if (!stated_ || stated_->empty()) return nullptr;
  auto found = stated_->find(id);
  if (found == stated_->end() && listed) found = stated_->find(listed->id);
  return found == stated_->end() ? nullptr : &found->second;
}

void AttemptPrices::add(std::string_view id) {
  const auto* const row = listed(id);
  if (const auto* const price = stated(id, row)) return add_own(*price, id, row);
  models_.push_back(row);
}

// Its only endpoint is its own, so no dearer one has to be kept out.
void AttemptPrices::add_own(const config::ModelPrice& price, std::string_view id,
                            const wire::ModelPrices* listed) {
  auto own = std::make_unique<wire::ModelPrices>();
  own->id = id;
  own->pricing = pricing_of(price);
  if (listed) {
    own->context_length = listed->context_length;
    own->max_completion_tokens = listed->max_completion_tokens;
    own->searches = listed->searches;
  }
  own->endpoints.push_back({.tag = {},
                            .provider = {},
                            .context_length = own->context_length,
                            .max_completion_tokens = own->max_completion_tokens,
                            .pricing = own->pricing,
                            .searches = own->searches});
  models_.push_back(own.get());
  own_.push_back(std::move(own));
}

std::optional<PicoUsd> AttemptPrices::computed(const wire::Usage& usage, std::string_view served_model,
                                               std::string_view provider, WallTime at) const {
  const auto* const named = served_model.empty() ? nullptr : listed(served_model);
  const bool another = named && named != asked_;
  if (const auto* const price = another ? stated(served_model, named) : nullptr) {
    const auto cost = spend::computed_cost(usage, pricing_of(*price), {.at = at});
    return cost ? std::optional(*cost) : std::nullopt;
  }
  const auto* const model = another ? named : models_.front();
  const auto* const pricing = model ? model->of(provider) : nullptr;
  if (!pricing) return std::nullopt;
  const auto cost = spend::computed_cost(usage, *pricing, {.at = at});
  return cost ? std::optional(*cost) : std::nullopt;
}

}  // namespace gantry::engine
