#include "wire/model_names.hpp"

namespace gantry::wire {
namespace {

// What any model may be asked with (CONTRACT §3.4). `:free`, `:extended` and `:thinking` are models of their
// own.
std::string_view without_dynamic_variant(std::string_view id) {
  for (const std::string_view variant : {":nitro", ":floor", ":exacto", ":online"})
    if (id.ends_with(variant)) return id.substr(0, id.size() - variant.size());
  return id;
}

}  // namespace

std::optional<std::size_t> ModelNames::exactly(std::string_view name) const {
  const auto it = rows_.find(name);
  return it == rows_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::size_t> ModelNames::find(std::string_view id) const {
  if (const auto exact = exactly(id)) return exact;
  const std::string_view plain = id.substr(0, id.find("@preset/"));
  if (plain.empty()) return std::nullopt;
  if (const auto row = exactly(plain)) return row;
  return exactly(without_dynamic_variant(plain));
}

}  // namespace gantry::wire
