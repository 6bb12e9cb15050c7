#include "access/ids.hpp"

#include <charconv>

#include "base/ascii.hpp"

namespace gantry::access {
namespace {

constexpr std::string_view kOrganisation = "organisation";

std::string_view prefix_of(spend::AccountKind kind) {
  return kind == spend::AccountKind::project ? "project_" : "key_";
}

}  // namespace

std::string public_id(spend::AccountKind kind, spend::AccountId id) {
  if (kind == spend::AccountKind::organisation) return std::string(kOrganisation);  // there is one
  return std::string(prefix_of(kind)) + std::to_string(id.value);
}

std::optional<spend::AccountId> id_of(spend::AccountKind kind, std::string_view text) {
  const auto prefix = prefix_of(kind);
  if (kind == spend::AccountKind::organisation || !text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  spend::AccountId id;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id.value);
  const bool canonical = !text.empty() && text.front() >= '1' && text.front() <= '9';
  if (!canonical || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

bool has_form_of_id(std::string_view text) {
  return text == kOrganisation || id_of(spend::AccountKind::project, text) ||
         id_of(spend::AccountKind::key, text);
}

}  // namespace gantry::access
