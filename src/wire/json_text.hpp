#pragma once
// The small print of JSON text: numbers, string escapes, quoting.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::wire {

/// How many bytes at the start of `text` are a number as RFC 8259 §6 writes it; 0 when it starts with none.
std::size_t json_number_length(std::string_view text);

/// True when every backslash of a string's inside starts a legal escape. Lone surrogates are legal JSON and
/// are met in the field (text cut in the middle of an emoji by JavaScript).
bool escapes_are_valid(std::string_view inside);

/// Appends the decoded inside of a valid string literal. A lone surrogate becomes U+FFFD.
void append_unescaped(std::string& out, std::string_view inside);

/// What a text is to a prompt limit.
struct TextSize {
  std::size_t code_points = 0;
  bool blank = true;  ///< nothing but white space (Unicode White_Space)
};
/// How a string is written: each form may also hold what those before it do.
enum class TextForm : std::uint8_t { ascii, utf8, escaped };
/// Measures the inside of a valid string literal without decoding it into memory.
TextSize measure(std::string_view inside, TextForm form);

}  // namespace gantry::wire
