#pragma once
// What makes any bytes safe inside one log line or one JSON string. Pure.

#include <cstddef>
#include <string>
#include <string_view>

namespace gantry::observe {

/// Longer values are cut here (at a character) and end in "…": a line stays a line.
inline constexpr std::size_t kLongestValue = 2048;

/// Appends `text` as the inside of a JSON string, masked and cut, with Escapes::line: the result is one line
/// of valid UTF-8 whatever came in.
void append_escaped(std::string& out, std::string_view text);

/// The same inside quotes.
void append_json_string(std::string& out, std::string_view text);

/// True when `text` can stand in a text line without quotes: printable ASCII, not empty, no space, quote, '='
/// or '\'.
bool is_bare(std::string_view text);

/// True for most values: `text` can stand as it is in a line of either format, being bare, not too long and
/// without anything that mask_keys would look at more closely. Cheap, and now and then too careful.
bool is_clean(std::string_view text);

/// The last line of defence: whatever looks like a key (base/keys.hpp) is replaced by `sk-***` or `gk-***`;
/// after `Bearer` and white space everything up to the next white space, quote, comma or semicolon by `***`.
/// Returns false and leaves `out` alone when there is nothing to mask, which costs one scan.
bool mask_keys(std::string_view text, std::string& out);

}  // namespace gantry::observe
