#pragma once
// Writing text as a JSON string (RFC 8259 §7). Bytes that are not UTF-8 become U+FFFD, so that the result is
// always JSON. Pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry {

enum class Escapes : std::uint8_t {
  json,  ///< what JSON asks for: quotes, backslashes, C0
  line,  ///< also what a terminal or a reader of lines could take for more than text: DEL, C1, U+2028, U+2029
};

/// Appends the inside of the string.
void append_escaped(std::string& out, std::string_view text, Escapes which);
/// Appends the string with its quotes, in the form `json`.
void append_quoted(std::string& out, std::string_view text);

}  // namespace gantry
