#pragma once
// How an upstream key, or the whole account, stands: may somebody have to act? Pure.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/money.hpp"
#include "route/breaker.hpp"

namespace gantry::engine {

enum class Standing : std::uint8_t {
  fine,
  low,      ///< less is left than the operator wants
  out,      ///< nothing is left, or upstream says so
  refused,  ///< the key is not accepted
};
/// "fine", "low", "out", "refused".
std::string_view name(Standing standing);

/// What a limit leaves; nullopt: there is none.
Standing standing_of(std::optional<PicoUsd> left, PicoUsd low);
/// The same where calls found out more: why the key is left alone counts for more than what was told of it.
Standing standing_of(std::optional<PicoUsd> left, PicoUsd low, route::Breaker key);

}  // namespace gantry::engine
