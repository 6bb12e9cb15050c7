#pragma once
// How tests show outcomes and scopes.

#include <array>
#include <ostream>
#include <string_view>

#include "route/verdict.hpp"

namespace gantry::route {

inline std::ostream& operator<<(std::ostream& out, Outcome outcome) { return out << name(outcome); }
inline std::ostream& operator<<(std::ostream& out, Scope scope) {
  static constexpr std::array<std::string_view, kScopes> kNames = {"request",        "model", "provider",
                                                                   "free_allowance", "key",   "upstream"};
  return out << kNames[static_cast<std::size_t>(scope)];
}

}  // namespace gantry::route
