// Whatever is served as a models list or as a list of endpoints: reading it is safe, every model is found by
// its id, no price is negative, and a price list that is written down again reads as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/price_table.hpp"

namespace {

using namespace gantry;
using namespace gantry::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string members(const PriceList& prices) {
  std::string out;
  for (std::size_t i = 0; i < kPriceKeyCount; ++i) {
    const auto key = static_cast<PriceKey>(i);
    const auto price = prices.find(key);
    if (!price) continue;
    require(price->known() && price->scale >= 0 && price->scale <= 24);
    out += "\"" + std::string(name(key)) + "\":\"" + std::to_string(price->units) + "e-" +
           std::to_string(price->scale) + "\",";
  }
  return out;
}

std::string clock(int minute) { return std::to_string(minute / 60 * 100 + minute % 60); }

std::string written(const Pricing& pricing) {
  std::string out = "{" + members(pricing.base) + "\"overrides\":[";
  for (const PriceOverride& each : pricing.overrides) {
    out += &each == pricing.overrides.data() ? "{" : ",{";
    out += members(each.prices);
    if (each.above_prompt_tokens)
      out += "\"min_prompt_tokens\":" + std::to_string(*each.above_prompt_tokens) + ",";
    if (each.window)
      out += "\"utc_start\":" + clock(each.window->begin) + ",\"utc_end\":" + clock(each.window->end) + ",";
    out += "\"x\":0}";
  }
  return out + "],\"discount\":" + std::to_string(pricing.discount.units) + "e-" +
         std::to_string(pricing.discount.scale) + "}";
}

void check(const std::optional<Pricing>& pricing) {
  if (!pricing) return;
  require(pricing->base.find(PriceKey::prompt) && pricing->base.find(PriceKey::completion));
  require(compare(pricing->discount, Price{1, 0}) <= 0);
  const std::string text = written(*pricing);
  JsonIndex index;
  require(!index.parse(text));
  const auto again = read_pricing(index.root());
  require(again && written(*again) == text);
}

void check(const ModelPrices& model) {
  check(model.pricing);
  require(model.context_length.value_or(1) > 0 && model.max_completion_tokens.value_or(1) > 0);
  for (const EndpointPrices& each : model.endpoints) {
    check(each.pricing);
    require(each.context_length.value_or(1) > 0 && each.tier == tier_of(each.tag));
    (void)model.of(each.provider);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto models = PriceTable::parse(body)) {
    for (const ModelPrices& model : models->all()) {
      check(model);
      require(!model.id.empty() && models->find(model.id) != nullptr);
      (void)models->find(model.id + ":nitro@preset/x");
    }
  } else {
    require(!models.error().detail.empty());
  }
  auto known = PriceTable::parse(R"({"data":[{"id":"a/b"}]})");
  require(known.has_value());
  const auto added = known->add_endpoints(body);
  require(added || !added.error().detail.empty());
  check(*known->find("a/b"));
  return 0;
}
