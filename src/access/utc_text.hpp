#pragma once
// Moments and days as the admin API writes them: RFC 3339, UTC only. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace gantry::access {

/// "2026-11-24T09:30:00Z"; fractions of a second are left out.
std::string utc_text(WallTime at);
/// "2026-11-24T09:30:00Z", with a fraction or +00:00 too, from 1970 to 2199.
std::optional<WallTime> parse_utc(std::string_view text);
/// "2026-11-24"
std::string day_text(WallTime at);
/// Its first moment.
std::optional<WallTime> parse_day(std::string_view text);

}  // namespace gantry::access
