#pragma once
// The characters of HTTP heads (RFC 9110 §5.5, §5.6.2), for those who read heads and those who write them.
// Internal to src/net. Pure.

#include <array>
#include <cstddef>
#include <string_view>

namespace gantry::net {

using CharTable = std::array<bool, 256>;

/// Letters and digits, and `others`.
constexpr CharTable chars_of(std::string_view others) {
  CharTable table{};
  for (unsigned char c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = table[c - 0x20] = true;
  for (const char c : others) table[static_cast<unsigned char>(c)] = true;
  return table;
}

inline constexpr CharTable kTokenChars = chars_of("!#$%&'*+-.^_`|~");

/// How many bytes at the front of `text` are of the table.
inline std::size_t count_front(std::string_view text, const CharTable& table) {
  std::size_t n = 0;
  while (n < text.size() && table[static_cast<unsigned char>(text[n])]) ++n;
  return n;
}

/// A method, or a field's name.
inline bool is_token(std::string_view text) {
  return !text.empty() && count_front(text, kTokenChars) == text.size();
}

/// How many bytes at the front of `text` a field's value may hold: no control characters but the tab.
std::size_t count_value(std::string_view text);

inline bool is_value(std::string_view text) { return count_value(text) == text.size(); }

}  // namespace gantry::net
