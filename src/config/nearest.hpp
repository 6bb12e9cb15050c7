#pragma once
// The known word that a misspelt one probably meant. Pure.

#include <cstddef>
#include <span>
#include <string_view>

namespace gantry::config {

/// Insertions, deletions and substitutions between the two (Levenshtein); both are cut at 64 bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest of `known` within a third of the word's length (at least 2 edits); "" when none is.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace gantry::config
