#include "spend/dearest.hpp"

#include <algorithm>
#include <limits>

namespace gantry::spend {
namespace {

using wire::EndpointPrices;
using wire::Modality;
using wire::ModelPrices;
using wire::PriceKey;
using wire::Pricing;

// One place where a request may be served: an endpoint, or a model of which only the list is known.
struct Place {
  const std::optional<Pricing>* pricing = nullptr;
  std::optional<std::int64_t> context, max_completion;
  bool searches = false;
};

template <class Row>
Place place_of(const Row& row) {
  return {&row.pricing, row.context_length, row.max_completion_tokens, row.searches};
}

// Tiers have rows of their own. A model of which no row fits is served by whatever it has.
template <class Visit>
void each_place(const wire::CostDrivers& drivers, const ModelPrices& model, Visit visit) {
  if (model.endpoints.empty()) return visit(place_of(model));
  const auto fits = [&](const EndpointPrices& each) { return drivers.tiers.has(each.tier); };
  const bool some = std::ranges::any_of(model.endpoints, fits);
  for (const EndpointPrices& each : model.endpoints)
    if (!some || fits(each)) visit(place_of(each));
}

template <class Visit>
void each_pricing(const wire::CostDrivers& drivers, const Served& served, Visit visit) {
  for (const ModelPrices* const model : served.models)
    each_place(drivers, *model, [&](const Place& place) { visit(**place.pricing); });
}

// The largest of what is known; nullopt as soon as one is not.
class Largest {
 public:
  void add(std::optional<std::int64_t> value) {
    all_known_ = all_known_ && value;
    most_ = std::max(most_, value.value_or(0));
  }
  [[nodiscard]] std::optional<std::int64_t> get() const {
    return all_known_ && most_ > 0 ? std::optional(most_) : std::nullopt;
  }

 private:
  bool all_known_ = true;
  std::int64_t most_ = 0;
};

void raise(Price& to, std::optional<Price> price) {
  if (price && compare(*price, to) > 0) to = *price;
}

Price twice(Price price) {
  constexpr auto kHalf = std::numeric_limits<std::int64_t>::max() / 2;
  return price.units > kHalf ? Price{std::numeric_limits<std::int64_t>::max(), price.scale}
                             : Price{price.units * 2, price.scale};
}

// The base price and those of overrides that may apply; nullopt when none is told.
std::optional<Price> dearest_of(const Pricing& pricing, PriceKey key, std::int64_t prompt_tokens,
                                const Served& served) {
  std::optional<Price> out = pricing.base.find(key);
  for (const auto& each : pricing.overrides) {
    const auto price = each.prices.find(key);
    if (!price || !each.may_apply(prompt_tokens, served.at - kClockTolerance,
                                  served.at + served.lasts + kClockTolerance))
      continue;
    if (!out || compare(*price, *out) > 0) out = price;
  }
  return out;
}

class Raising {
 public:
  Raising(const wire::CostDrivers& drivers, const Served& served, std::int64_t prompt_tokens, Rates& rates)
      : drivers_(drivers), served_(served), prompt_tokens_(prompt_tokens), rates_(rates) {}

  void add(const Pricing& pricing) {
    const auto of = [&](PriceKey key) { return dearest_of(pricing, key, prompt_tokens_, served_); };
    const Price prompt = of(PriceKey::prompt).value_or(Price{});
    raise(rates_.prompt, prompt);
    raise(rates_.input, prompt);
    raise(rates_.input, of(PriceKey::input_cache_read));
    if (drivers_.media()) raise(rates_.input, of(PriceKey::image_token));
    if (drivers_.media())
      for (const auto key : {PriceKey::audio, PriceKey::input_audio_cache}) raise(rates_.input, of(key));
    cache_write(prompt, of(PriceKey::input_cache_write));
    if (drivers_.caches_long) cache_write(prompt, of(PriceKey::input_cache_write_1h));
    const auto completion = of(PriceKey::completion);
    raise(rates_.completion, completion);
    for (const auto& price : {completion, of(PriceKey::internal_reasoning)}) raise(rates_.output, price);
    if (drivers_.may_give(Modality::audio)) raise(rates_.output, of(PriceKey::audio_output));
    // An image takes at least one token, so that this holds whether its price is for a token or for an image.
    if (drivers_.may_give(Modality::image)) raise(rates_.output, of(PriceKey::image_output));
    raise(rates_.request, of(PriceKey::request));
    raise(rates_.image, of(PriceKey::image));
  }

 private:
  // Nobody reads and writes a token for less than reading it alone costs: a price below the prompt's comes on
  // top of that (Gemini's is its storage), any other stands in its place.
  void cache_write(Price prompt, std::optional<Price> write) {
    raise(rates_.input, write);
    if (write && compare(*write, prompt) < 0) raise(rates_.cache_fee, write);
  }

  const wire::CostDrivers& drivers_;
  const Served& served_;
  std::int64_t prompt_tokens_;
  Rates& rates_;
};

}  // namespace

std::expected<Endpoints, Unbounded> endpoints_of(const wire::CostDrivers& drivers, const Served& served) {
  const auto no_price = [](std::string_view why) { return Unbounded{"model", std::string(why)}; };
  if (served.models.empty()) return std::unexpected(no_price("no model is asked for"));
  Endpoints out;
  Largest context, max_completion;
  std::optional<Unbounded> reason;
  for (const ModelPrices* const model : served.models) {
    if (!model)
      return std::unexpected(
          no_price("the price of a model that may answer is not known: the models list does "
                   "not name it, or could not be read yet"));
    out.listed_only = out.listed_only || model->endpoints.empty();
    each_place(drivers, *model, [&](const Place& place) {
      context.add(place.context);
      max_completion.add(place.max_completion);
      if (!*place.pricing) reason = no_price(model->id + " has no price before it is routed");
      if (place.searches) reason = no_price(model->id + " searches the web by itself, as often as it likes");
    });
  }
  if (reason) return std::unexpected(*std::move(reason));
  out.context = context.get();
  out.max_completion = max_completion.get();
  return out;
}

Rates dearest(const wire::CostDrivers& drivers, const Served& served, std::int64_t prompt_tokens,
              bool listed_only) {
  Rates rates;
  Raising raising(drivers, served, prompt_tokens, rates);
  each_pricing(drivers, served, [&](const Pricing& pricing) { raising.add(pricing); });
  // A price cap holds the prompt's price of endpoints nobody knows, not what they ask for writing to a cache;
  // that is at most twice the prompt's (CONTRACT §10.2).
  if (listed_only && drivers.caches) raise(rates.input, twice(rates.prompt));
  return rates;
}

}  // namespace gantry::spend
