#pragma once
// Decimal numbers of any length, compared exactly: a price limit that a client gives is neither rounded nor
// bounded before it is compared.

#include <compare>
#include <optional>
#include <string_view>

namespace gantry::wire {

/// How two decimals as JSON writes numbers (RFC 8259 §6) compare; nullopt when one of them is none. Exponents
/// beyond ±10¹⁵ count as that.
std::optional<std::strong_ordering> compare_decimals(std::string_view a, std::string_view b);

}  // namespace gantry::wire
