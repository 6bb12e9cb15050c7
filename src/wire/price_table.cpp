#include "wire/price_table.hpp"

#include <utility>

#include "wire/json_index.hpp"

namespace gantry::wire {
namespace {

std::optional<std::int64_t> count_of(JsonValue object, std::string_view name) {
  const auto value = object.find(name);
  const auto number = value ? value->integer() : std::nullopt;
  return number && *number > 0 ? number : std::nullopt;
}

std::string text_of(JsonValue object, std::string_view name) {
  const auto value = object.find(name);
  return (value ? value->string() : std::nullopt).value_or("");
}

bool takes_search_options(JsonValue row) {
  bool found = false;
  if (const auto list = row.find("supported_parameters"))
    list->each_element([&](JsonValue each) { found = found || each.equals("web_search_options"); });
  return found;
}

bool searches(JsonValue row, const std::optional<Pricing>& pricing) {
  const auto price = pricing ? pricing->base.find(PriceKey::web_search) : std::nullopt;
  return price && price->units > 0 && takes_search_options(row);
}

std::optional<Pricing> pricing_of(JsonValue row) {
  const auto object = row.find("pricing");
  return object ? read_pricing(*object) : std::nullopt;
}

void read_model(JsonValue row, ModelPrices& out) {
  out.context_length = count_of(row, "context_length");
  if (const auto top = row.find("top_provider")) {
    if (!out.context_length) out.context_length = count_of(*top, "context_length");
    out.max_completion_tokens = count_of(*top, "max_completion_tokens");
  }
  out.pricing = pricing_of(row);
  out.searches = searches(row, out.pricing);
}

EndpointPrices read_endpoint(JsonValue row) {
  EndpointPrices out;
  out.tag = text_of(row, "tag");
  out.provider = text_of(row, "provider_name");
  out.tier = tier_of(out.tag);
  out.context_length = count_of(row, "context_length");
  out.max_completion_tokens = count_of(row, "max_completion_tokens");
  out.pricing = pricing_of(row);
  out.searches = searches(row, out.pricing);
  return out;
}

}  // namespace

Tier tier_of(std::string_view tag) {
  if (tag.ends_with("/flex")) return Tier::flex;
  return tag.ends_with("/priority") ? Tier::priority : Tier::standard;
}

const Pricing* ModelPrices::of(std::string_view provider) const {
  const EndpointPrices* found = nullptr;
  for (const EndpointPrices& each : endpoints) {
    if (each.provider != provider) continue;
    if (!found || (found->tier != Tier::standard && each.tier == Tier::standard)) found = &each;
  }
  const auto& answer = found ? found->pricing : pricing;
  return answer ? &*answer : nullptr;
}

Result<PriceTable> PriceTable::parse(std::string_view models) {
  JsonIndex index;
  if (const auto error = index.parse(models))
    return fail(Fault::malformed, "the models list is not JSON: " + std::string(error->what));
  const auto data = index.root().find("data");
  if (!data || !data->is_array()) return fail(Fault::malformed, "the models list has no list named data");
  PriceTable out;
  std::vector<std::pair<std::string, std::size_t>> slugs;
  std::vector<std::pair<std::string, std::string>> aliases;
  data->each_element([&](JsonValue row) {
    std::string id = text_of(row, "id");
    if (id.empty()) return;
    if (const auto target = row.find("alias_target")) aliases.emplace_back(id, text_of(*target, "slug"));
    const std::size_t place = out.models_.size();
    if (!out.names_.add(id, place)) return;
    read_model(row, out.models_.emplace_back());
    if (const auto& pricing = out.models_.back().pricing) out.note_dearest(*pricing);
    // Not of a variant: `a/b:free` shares its slug with `a/b`.
    if (!id.contains(':')) slugs.emplace_back(text_of(row, "canonical_slug"), place);
    out.models_.back().id = std::move(id);
  });
  // Ids first: a slug may be the id of another row.
  for (auto& [slug, place] : slugs)
    if (!slug.empty()) out.names_.add(std::move(slug), place);
  for (const auto& [alias, target] : aliases)
    if (const auto row = out.names_.exactly(target)) out.names_.point(alias, *row);
  return out;
}

void PriceTable::note_dearest(const Pricing& pricing) {
  auto& dearest = dearest_.pricing ? *dearest_.pricing : dearest_.pricing.emplace();
  for (const auto key : {PriceKey::prompt, PriceKey::completion}) {
    const auto price = pricing.base.find(key);
    if (price && compare(*price, dearest.base.find(key, {})) >= 0) dearest.base.set(key, *price);
  }
}

Result<ModelEndpoints> parse_endpoints(std::string_view body) {
  JsonIndex index;
  if (const auto error = index.parse(body))
    return fail(Fault::malformed, "the list of endpoints is not JSON: " + std::string(error->what));
  const auto data = index.root().find("data");
  const auto list = data ? data->find("endpoints") : std::nullopt;
  if (!list || !list->is_array())
    return fail(Fault::malformed, "the list of endpoints has no data.endpoints");
  ModelEndpoints out;
  out.id = text_of(*data, "id");
  list->each_element([&](JsonValue each) {
    if (each.is_object()) out.endpoints.push_back(read_endpoint(each));
  });
  return out;
}

Result<void> PriceTable::add_endpoints(std::string_view body) {
  auto read = parse_endpoints(body);
  if (!read) return std::unexpected(std::move(read.error()));
  const auto row = names_.find(read->id);
  if (!row) return fail(Fault::not_found, "the endpoints are of a model that the models list does not name");
  models_[*row].endpoints = std::move(read->endpoints);
  return {};
}

bool PriceTable::set_endpoints(std::string_view id, std::vector<EndpointPrices> endpoints) {
  const auto row = names_.exactly(id);
  if (!row || models_[*row].id != id) return false;
  models_[*row].endpoints = std::move(endpoints);
  return true;
}

const ModelPrices* PriceTable::find(std::string_view id) const {
  const auto row = names_.find(id);
  return row ? &models_[*row] : nullptr;
}

}  // namespace gantry::wire
