#include "wire/models.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "wire/json_index.hpp"

namespace gantry::wire {
namespace {

std::optional<std::int64_t> count_of(std::optional<JsonValue> value) {
  const auto number = value ? value->integer() : std::nullopt;
  return number && *number > 0 ? number : std::nullopt;
}

// nullopt for null, and for an empty list: no model takes or gives nothing at all.
std::optional<Modalities> modalities_of(std::optional<JsonValue> list) {
  if (!list || !list->is_array() || list->empty()) return std::nullopt;
  Modalities out;
  list->each_element([&](JsonValue each) {
    if (const auto known = modality_named(each.string().value_or(""))) out.add(*known);
  });
  return out;
}

// "2026-05-07", or a longer form that begins so.
std::optional<std::chrono::sys_days> date_of(std::optional<JsonValue> value) {
  const auto text = value ? value->string() : std::nullopt;
  if (!text || text->size() < 10 || (*text)[4] != '-' || (*text)[7] != '-') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t size) {
    int out = -1;
    const char* const begin = text->data() + at;
    const auto [end, error] = std::from_chars(begin, begin + size, out);
    return error == std::errc{} && end == begin + size ? out : -1;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (year < 0 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  return date.ok() ? std::optional(std::chrono::sys_days{date}) : std::nullopt;
}

void read_parameters(JsonValue model, ModelFacts& out) {
  const auto list = model.find("supported_parameters");
  if (!list || !list->is_array() || list->empty()) return;
  out.tools = out.response_format = out.structured_outputs = false;
  list->each_element([&](JsonValue each) {
    if (each.equals("tools")) out.tools = true;
    if (each.equals("response_format")) out.response_format = true;
    if (each.equals("structured_outputs")) out.structured_outputs = out.response_format = true;
  });
}

// Not the id, nor what belongs to an alias's own row.
void read_facts(JsonValue model, ModelFacts& out) {
  out.context_length = count_of(model.find("context_length"));
  if (const auto top = model.find("top_provider")) {
    if (!out.context_length) out.context_length = count_of(top->find("context_length"));
    out.max_completion_tokens = count_of(top->find("max_completion_tokens"));
  }
  if (const auto architecture = model.find("architecture")) {
    out.inputs = modalities_of(architecture->find("input_modalities"));
    out.outputs = modalities_of(architecture->find("output_modalities"));
  }
  read_parameters(model, out);
  if (const auto reasoning = model.find("reasoning"))
    if (const auto mandatory = reasoning->find("mandatory"); mandatory && mandatory->is_bool())
      out.reasoning_mandatory = mandatory->is_true();
  out.expiration_date = date_of(model.find("expiration_date"));
}

std::string text_of(JsonValue object, std::string_view name) {
  const auto value = object.find(name);
  return (value ? value->string() : std::nullopt).value_or("");
}

template <class T>
void fill(std::optional<T>& mine, const std::optional<T>& theirs) {
  if (!mine) mine = theirs;
}

// An alias stands for its target (CONTRACT §3.4): what its own row leaves out, the target's tells.
void take_over(ModelFacts& alias, const ModelFacts& target) {
  alias.slug = target.slug;
  fill(alias.context_length, target.context_length);
  fill(alias.max_completion_tokens, target.max_completion_tokens);
  fill(alias.inputs, target.inputs);
  fill(alias.outputs, target.outputs);
  fill(alias.tools, target.tools);
  fill(alias.response_format, target.response_format);
  fill(alias.structured_outputs, target.structured_outputs);
}

}  // namespace

Result<ModelTable> ModelTable::parse(std::string_view body) {
  JsonIndex index;
  if (const auto error = index.parse(body))
    return fail(Fault::malformed, "the models list is not JSON: " + std::string(error->what));
  const auto data = index.root().find("data");
  if (!data || !data->is_array()) return fail(Fault::malformed, "the models list has no list named data");
  ModelTable out;
  std::vector<std::pair<std::string, std::size_t>> slugs, aliases;
  data->each_element([&](JsonValue model) {
    std::string id = text_of(model, "id");
    const std::size_t place = out.models_.size();
    if (id.empty() || !out.names_.add(id, place)) return;
    read_facts(model, out.models_.emplace_back());
    ModelFacts& facts = out.models_.back();
    facts.id = std::move(id);
    facts.slug = text_of(model, "canonical_slug");
    // Not of a variant: `a/b:free` shares its slug with `a/b`, and may do less.
    if (!facts.id.contains(':')) slugs.emplace_back(facts.slug, place);
    if (const auto target = model.find("alias_target")) aliases.emplace_back(text_of(*target, "slug"), place);
  });
  // Ids first: a slug may be the id of another row.
  for (auto& [slug, place] : slugs)
    if (!slug.empty()) out.names_.add(std::move(slug), place);
  for (const auto& [target, place] : aliases)
    if (const auto row = out.names_.exactly(target)) take_over(out.models_[place], out.models_[*row]);
  return out;
}

bool same_model(const ModelFacts& a, const ModelFacts& b) {
  return a.id == b.id || (!a.slug.empty() && a.slug == b.slug);
}

const ModelFacts* ModelTable::find(std::string_view id) const {
  const auto row = names_.find(id);
  return row ? &models_[*row] : nullptr;
}

}  // namespace gantry::wire
