#include "sim/catalogue.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

#include "sim/fault_models.hpp"

namespace gantry::sim {
namespace {

namespace json = boost::json;

// Tolerant getters: a missing, null or differently typed field reads as absent.
const json::value* member(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v && !v->is_null() ? v : nullptr;
}

std::string text_of(const json::object& o, std::string_view key) {
  const auto* v = member(o, key);
  return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

std::int64_t int_of(const json::object& o, std::string_view key, std::int64_t otherwise) {
  const auto* v = member(o, key);
  if (!v || !v->is_number()) return otherwise;
  if (v->is_double()) return static_cast<std::int64_t>(std::clamp(v->get_double(), -9e15, 9e15));
  return v->is_int64() ? v->get_int64() : otherwise;
}

bool bool_of(const json::object& o, std::string_view key) {
  const auto* v = member(o, key);
  return v && v->is_bool() && v->get_bool();
}

const json::object* object_of(const json::object& o, std::string_view key) {
  const auto* v = member(o, key);
  return v ? v->if_object() : nullptr;
}

std::vector<std::string> strings_of(const json::object& o, std::string_view key) {
  std::vector<std::string> out;
  const auto* v = member(o, key);
  if (!v || !v->is_array()) return out;
  for (const auto& item : v->get_array())
    if (item.is_string()) out.emplace_back(item.get_string());
  return out;
}

std::optional<std::string> number_text(const json::value& v) {
  if (v.is_string()) return std::string(v.get_string());
  if (v.is_int64()) return std::to_string(v.get_int64());
  if (v.is_double()) return fmt::format("{}", v.get_double());
  return std::nullopt;
}

bool is_condition(std::string_view key) {
  return key == "overrides" || key == "discount" || key == "min_prompt_tokens" || key == "utc_start" ||
         key == "utc_end";
}

bool is_price(std::string_view key) {
  static constexpr std::string_view kKeys[] = {"prompt",
                                               "completion",
                                               "request",
                                               "image",
                                               "image_token",
                                               "image_output",
                                               "audio",
                                               "audio_output",
                                               "web_search",
                                               "internal_reasoning",
                                               "input_cache_read",
                                               "input_cache_write",
                                               "input_cache_write_1h",
                                               "input_audio_cache"};
  return std::ranges::find(kKeys, key) != std::end(kKeys);
}

Result<std::vector<PriceEntry>> read_prices(const json::object& from) {
  std::vector<PriceEntry> out;
  for (const auto& [key, value] : from) {
    if (is_condition(key) || value.is_null()) continue;
    const auto text = number_text(value);
    if (!text) continue;  // an unknown kind of field
    const auto price = parse_price(*text);
    if (!price && !is_price(key)) continue;  // an unknown field need not be a price
    if (!price)
      return fail(Fault::bad_input,
                  fmt::format("pricing.{}: {}", std::string_view(key), price.error().detail));
    out.push_back({std::string(key), *text, *price});
  }
  return out;
}

Result<Pricing> read_pricing(const json::object& model) {
  Pricing out;
  const auto* from = object_of(model, "pricing");
  if (!from) {  // unknown until routed, as a router's
    for (const auto* key : {"prompt", "completion"}) out.prices.push_back({key, "-1", Price{-1, 0}});
    return out;
  }
  auto prices = read_prices(*from);
  if (!prices) return std::unexpected(prices.error());
  out.prices = std::move(*prices);
  if (const auto* discount = member(*from, "discount")) out.discount = number_text(*discount).value_or("");
  const auto* overrides = member(*from, "overrides");
  if (!overrides || !overrides->is_array()) return out;
  for (const auto& entry : overrides->get_array()) {
    const auto* o = entry.if_object();
    if (!o) continue;
    auto replaced = read_prices(*o);
    if (!replaced) return std::unexpected(replaced.error());
    out.overrides.push_back({.min_prompt_tokens = int_of(*o, "min_prompt_tokens", -1),
                             .utc_start = static_cast<int>(int_of(*o, "utc_start", -1)),
                             .utc_end = static_cast<int>(int_of(*o, "utc_end", -1)),
                             .prices = std::move(*replaced)});
  }
  return out;
}

std::string date_after(WallTime now, int days) {
  const auto day = std::chrono::floor<std::chrono::days>(now) + std::chrono::days{days};
  const std::chrono::year_month_day d{day};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
                     static_cast<unsigned>(d.day()));
}

// A tier's prices replace the usual ones; conditional prices are of the usual tier alone.
Result<void> read_tiers(Model& m, const json::object& tiers) {
  for (const auto& [name, value] : tiers) {
    const auto* o = value.if_object();
    if (!o) continue;
    auto own = read_prices(*o);
    if (!own) return std::unexpected(own.error());
    auto& tier = m.tiers.emplace_back(Tier{std::string(name), m.pricing});
    tier.pricing.overrides.clear();
    for (auto& price : *own) {
      const auto usual = std::ranges::find(tier.pricing.prices, price.key, &PriceEntry::key);
      if (usual != tier.pricing.prices.end()) *usual = std::move(price);
    }
  }
  return {};
}

void read_own(Model& m, const json::object& own, WallTime now) {
  m.min_max_tokens = int_of(own, "min_max_tokens", 0);
  m.routes_to = text_of(own, "routes_to");
  if (const auto days = int_of(own, "expires_in_days", 0))
    m.expiration_date = date_after(now, static_cast<int>(days));
}

void read_shape(Model& m, const json::object& o) {
  if (const auto* a = object_of(o, "architecture")) {
    m.modality = text_of(*a, "modality");
    m.tokenizer = text_of(*a, "tokenizer");
    m.instruct_type = text_of(*a, "instruct_type");
    m.input_modalities = strings_of(*a, "input_modalities");
    m.output_modalities = strings_of(*a, "output_modalities");
  }
  if (m.input_modalities.empty()) m.input_modalities = {"text"};
  if (m.output_modalities.empty()) m.output_modalities = {"text"};
  if (const auto* p = object_of(o, "top_provider")) {
    m.provider_context = int_of(*p, "context_length", 0);
    m.max_completion_tokens = int_of(*p, "max_completion_tokens", 0);
    m.is_moderated = bool_of(*p, "is_moderated");
  }
  if (const auto* t = object_of(o, "alias_target")) {
    m.alias_slug = text_of(*t, "slug");
    m.alias_name = text_of(*t, "name");
  }
  m.supported_parameters = strings_of(o, "supported_parameters");
  if (const auto* r = object_of(o, "reasoning"))
    m.reasons = true, m.reasoning_mandatory = bool_of(*r, "mandatory");
  m.reasons = m.reasons || m.supports("reasoning");
  const auto* defaults = object_of(o, "default_parameters");
  m.default_parameters = defaults ? json::serialize(*defaults) : "null";
}

Result<Model> read_model(const json::value& value, WallTime now) {
  const auto* o = value.if_object();
  if (!o) return fail(Fault::bad_input, "is not an object");
  Model m;
  m.id = text_of(*o, "id");
  if (m.id.find('/') == std::string::npos) return fail(Fault::bad_input, "has no id of the form author/slug");
  m.canonical_slug = text_of(*o, "canonical_slug");
  if (m.canonical_slug.empty()) m.canonical_slug = m.id;
  m.name = text_of(*o, "name");
  if (m.name.empty()) m.name = m.id;
  m.created = int_of(*o, "created", 0);
  m.context_length = int_of(*o, "context_length", 0);
  m.knowledge_cutoff = text_of(*o, "knowledge_cutoff");
  m.expiration_date = text_of(*o, "expiration_date");
  auto pricing = read_pricing(*o);
  if (!pricing) return fail(Fault::bad_input, fmt::format("({}): {}", m.id, pricing.error().detail));
  m.pricing = std::move(*pricing);
  read_shape(m, *o);
  const auto* own = object_of(*o, "sim");
  if (!own) return m;
  read_own(m, *own, now);
  const auto* tiers = object_of(*own, "tiers");
  if (const auto done = tiers ? read_tiers(m, *tiers) : Result<void>{}; !done)
    return fail(Fault::bad_input, fmt::format("({}): sim.tiers: {}", m.id, done.error().detail));
  return m;
}

constexpr std::array<Provider, 21> kProviders{{
    {"openai", "OpenAI", "openai", false},
    {"anthropic", "Anthropic", "anthropic", false},
    {"google", "Google AI Studio", "google-ai-studio", true},
    {"meta-llama", "DeepInfra", "deepinfra", false},
    {"meta-llama", "Together", "together", false},
    {"meta-llama", "Fireworks", "fireworks", false},
    {"mistralai", "Mistral", "mistral", true},
    {"deepseek", "DeepSeek", "deepseek", false},
    {"deepseek", "DeepInfra", "deepinfra", false},
    {"qwen", "Alibaba", "alibaba", true},
    {"x-ai", "xAI", "xai", false},
    {"cohere", "Cohere", "cohere", false},
    {"perplexity", "Perplexity", "perplexity", true},
    {"z-ai", "Z.AI", "z-ai", true},
    {"moonshotai", "Moonshot AI", "moonshotai", true},
    {"minimax", "Minimax", "minimax", true},
    {"microsoft", "Azure", "azure", false},
    {"nvidia", "Nvidia", "nvidia", true},
    {"amazon", "Amazon Bedrock", "amazon-bedrock", true},
    {"sim", "FakeProvider", "fake-provider", false},
    {"", "Together", "together", false},  // any other author
}};

bool is_dynamic_variant(std::string_view v) {
  return v == "nitro" || v == "floor" || v == "exacto" || v == "online";
}

std::size_t shared_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

bool PriceOverride::in_window(WallTime now) const {
  if (utc_start < 0 || utc_end < 0) return true;
  const auto minute =
      std::chrono::duration_cast<std::chrono::minutes>(now - std::chrono::floor<std::chrono::days>(now))
          .count();
  const auto clock = static_cast<int>(minute / 60 * 100 + minute % 60);
  if (utc_start <= utc_end) return clock >= utc_start && clock < utc_end;
  return clock >= utc_start || clock < utc_end;
}

const PriceEntry* Pricing::find(std::string_view key, std::int64_t prompt_tokens, WallTime now) const {
  const auto pick = [&](const std::vector<PriceEntry>& from) -> const PriceEntry* {
    const auto it = std::ranges::find(from, key, &PriceEntry::key);
    return it == from.end() ? nullptr : &*it;
  };
  const PriceEntry* found = pick(prices);
  for (const auto& o : overrides) {
    if (prompt_tokens <= o.min_prompt_tokens || !o.in_window(now)) continue;
    if (const auto* better = pick(o.prices)) found = better;
  }
  return found;
}

Price Pricing::unit(std::string_view key, std::int64_t prompt_tokens, WallTime now) const {
  const auto* entry = find(key, prompt_tokens, now);
  if (!entry) return Price{0, 0};
  if (discount.empty() || !entry->price.known()) return entry->price;
  const auto off = parse_price(discount);
  if (!off || !off->known()) return entry->price;
  __int128 one = 1;
  for (int i = 0; i < off->scale && i < 18; ++i) one *= 10;
  if (off->scale > 18 || off->units > one) return entry->price;
  __int128 units = entry->price.units * (one - off->units);
  int scale = entry->price.scale + off->scale;
  while (units % 10 == 0 && scale > 0) units /= 10, --scale;
  while (scale > 24) units = (units + 5) / 10, --scale;  // far below what a bill is rounded to
  if (units > std::numeric_limits<std::int64_t>::max()) return entry->price;
  return Price{static_cast<std::int64_t>(units), scale};
}

bool Model::takes(std::string_view modality_name) const {
  return std::ranges::find(input_modalities, modality_name) != input_modalities.end();
}

bool Model::supports(std::string_view parameter) const {
  return std::ranges::find(supported_parameters, parameter) != supported_parameters.end();
}

const Tier* Model::tier(std::string_view wanted) const {
  const auto it = std::ranges::find(tiers, wanted, &Tier::name);
  return it == tiers.end() ? nullptr : &*it;
}

Result<Catalogue> Catalogue::parse(std::string_view text, std::string_view source, WallTime now) {
  json::error_code error;
  const auto root = json::parse(text, error);
  if (error) return fail(Fault::bad_input, fmt::format("{}: not JSON: {}", source, error.message()));
  const json::array* list = root.if_array();
  if (const auto* o = root.if_object())
    if (const auto* data = member(*o, "data")) list = data->if_array();
  if (!list)
    return fail(Fault::bad_input,
                fmt::format("{}: expected {{\"data\":[…]}} as GET /api/v1/models answers it", source));
  Catalogue out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto model = read_model((*list)[i], now);
    if (!model)
      return fail(Fault::bad_input, fmt::format("{}: data[{}] {}", source, i, model.error().detail));
    if (!out.by_id_.emplace(model->id, out.models_.size()).second)
      return fail(Fault::bad_input, fmt::format("{}: data[{}] repeats the id {}", source, i, model->id));
    out.models_.push_back(std::move(*model));
  }
  if (out.models_.empty()) return fail(Fault::bad_input, fmt::format("{}: the list holds no model", source));
  for (auto& model : fault_models()) {
    out.by_id_.emplace(model.id, out.models_.size());
    out.models_.push_back(std::move(model));
  }
  for (std::size_t i = 0; i < out.models_.size(); ++i) out.by_id_.emplace(out.models_[i].canonical_slug, i);
  return out;
}

Result<Catalogue> Catalogue::load(const std::string& file, WallTime now) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return fail(Fault::bad_input,
                file + ": cannot be read; give --catalogue a file that holds a models list");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse(text, file, now);
}

Result<Catalogue> Catalogue::builtin(WallTime now) {
  return parse(builtin_catalogue_json(), "the built-in catalogue", now);
}

const Model* Catalogue::find(std::string_view id) const {
  const auto it = by_id_.find(std::string(id));
  return it == by_id_.end() ? nullptr : &models_[it->second];
}

const Model* Catalogue::resolve(std::string_view id) const {
  if (const auto at = id.find('@'); at != std::string_view::npos && at > 0) id = id.substr(0, at);
  const Model* found = find(id);
  if (!found) {
    const auto colon = id.rfind(':');
    if (colon != std::string_view::npos && is_dynamic_variant(id.substr(colon + 1)))
      found = find(id.substr(0, colon));
  }
  for (int hop = 0; found && hop < 4; ++hop) {
    const auto& next = found->alias_slug.empty() ? found->routes_to : found->alias_slug;
    const Model* target = next.empty() ? nullptr : find(next);
    if (!target) break;
    found = target;
  }
  return found;
}

std::vector<std::string> Catalogue::relatives(std::string_view id) const {
  std::vector<std::pair<std::size_t, const Model*>> scored;
  for (const auto& m : models_) {
    if (m.id == id || m.id.starts_with("sim/") || m.id.starts_with("~") || !m.routes_to.empty()) continue;
    const auto common = shared_prefix(m.id, id);
    if (common > author_of(id).size()) scored.emplace_back(common, &m);
  }
  // Equal scores keep the catalogue's order.
  std::ranges::sort(scored, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<std::string> out;
  for (const auto& [score, m] : scored)
    if (out.size() < 3) out.push_back(m->id);
  return out;
}

std::string_view author_of(std::string_view model_id) {
  if (model_id.starts_with("~")) model_id.remove_prefix(1);
  return model_id.substr(0, model_id.find('/'));
}

std::span<const Provider* const> providers_of(std::string_view model_id) {
  static const auto kServing = [] {
    std::unordered_map<std::string_view, std::vector<const Provider*>> out;
    for (const auto& provider : kProviders) out[provider.author].push_back(&provider);
    return out;
  }();
  const auto known = kServing.find(author_of(model_id));
  return known == kServing.end() ? kServing.at("") : known->second;
}

const Provider& provider_of(std::string_view model_id) { return *providers_of(model_id).front(); }

}  // namespace gantry::sim
