#pragma once
// The smallest thing that an attempt's end speaks of (DESIGN §4, "Outcomes"). Breakers count at that scope,
// and a plan skips everything inside an open one. Pure.

#include <string_view>

namespace gantry::route {

enum class Scope {
  request,         ///< what the client sent: counts against nothing
  model,           ///< this model, whoever serves it
  provider,        ///< one provider of this model
  free_allowance,  ///< what the upstream key that was used may ask of `:free` ids, a minute or a day; its
                   ///< paid models, and other keys, are not concerned
  key,             ///< the upstream key that was used
  upstream,        ///< the whole upstream
};
inline constexpr int kScopes = static_cast<int>(Scope::upstream) + 1;

/// As in logs and metrics.
constexpr std::string_view name(Scope scope) {
  switch (scope) {
    case Scope::request:
      return "request";
    case Scope::model:
      return "model";
    case Scope::provider:
      return "provider";
    case Scope::free_allowance:
      return "free_allowance";
    case Scope::key:
      return "key";
    case Scope::upstream:
      return "upstream";
  }
  return "";
}

}  // namespace gantry::route
