#pragma once
// What the parts of the settings' table have in common. Only they include this.

#include <cstdint>
#include <span>

#include "config/schema.hpp"

// Where a value lives: `GANTRY_AT(config.server.threads)`.
#define GANTRY_AT(member) [](Scope& scope) -> Slot { return &scope.member; }

namespace gantry::config {

// Bounds of durations.
inline constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

/// The fields of a route's sections (schema_routes.cpp).
std::span<const Field> route_fields();
/// The fields of [upstream] and [upstreams.NAME] (schema_upstreams.cpp).
std::span<const Field> upstream_fields();

}  // namespace gantry::config
