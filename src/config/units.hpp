#pragma once
// Amounts as people write them: "60s", "64MiB", "$10". Pure; parse and format are inverse.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace gantry::config {

/// A number and one of ms, s, m, h: "500ms", "1.5s", "10m". Whole milliseconds. Errors: bad_input saying what
/// to write.
Result<Duration> parse_duration(std::string_view text);
/// With the largest unit that says it exactly: "60s" is "1m".
std::string format_duration(Duration duration);

/// A whole number and one of B, KiB, MiB, GiB (1024) or KB, MB, GB (1000). Errors: bad_input.
Result<std::size_t> parse_size(std::string_view text);
/// With the largest binary unit that says it exactly.
std::string format_size(std::size_t bytes);

/// "$10", "$0.50" or "10 USD" as the shortest decimal text ("10", "0.5"). Errors: bad_input, also for a
/// negative amount.
Result<std::string> parse_money(std::string_view text);

}  // namespace gantry::config
