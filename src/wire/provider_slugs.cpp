#include "wire/provider_slugs.hpp"

#include "base/ascii.hpp"
#include "wire/json_index.hpp"

namespace gantry::wire {
namespace {

std::string text_of(JsonValue object, std::string_view name) {
  const auto value = object.find(name);
  return (value ? value->string() : std::nullopt).value_or("");
}

}  // namespace

std::string bare_provider_name(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (is_alnum(c)) out += to_lower(c);
  return out;
}

Result<ProviderSlugs> ProviderSlugs::parse(std::string_view body) {
  JsonIndex index;
  if (const auto error = index.parse(body))
    return fail(Fault::malformed, "the providers list is not JSON: " + std::string(error->what));
  const auto data = index.root().find("data");
  if (!data || !data->is_array()) return fail(Fault::malformed, "the providers list has no list named data");
  ProviderSlugs out;
  data->each_element([&](JsonValue provider) {
    const std::string name = text_of(provider, "name"), slug = text_of(provider, "slug");
    if (name.empty() || slug.empty() || !out.exact_.emplace(name, slug).second) return;
    ++out.size_;
    out.add_bare(name, slug);
    out.add_bare(slug, slug);
  });
  return out;
}

void ProviderSlugs::add_bare(std::string_view name, const std::string& slug) {
  std::string bare = bare_provider_name(name);
  if (bare.empty()) return;
  const auto [known, added] = bare_.emplace(std::move(bare), slug);
  if (!added && known->second != slug) known->second.clear();
}

std::string_view ProviderSlugs::find(std::string_view name) const {
  if (const auto exact = exact_.find(name); exact != exact_.end()) return exact->second;
  const auto bare = bare_.find(bare_provider_name(name));
  return bare == bare_.end() ? std::string_view{} : bare->second;
}

}  // namespace gantry::wire
