#pragma once
// The smallest thing that an attempt's end speaks of (DESIGN §4, "Outcomes"). Breakers count at that scope,
// and a plan skips everything inside an open one. Pure.

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

}  // namespace gantry::route
