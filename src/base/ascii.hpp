#pragma once
// ASCII letters and digits, whatever the locale says. Pure.

#include <algorithm>
#include <string_view>

namespace gantry {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

/// `lower` is written in lower case.
constexpr bool starts_with_any_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(),
                                                   [](char want, char got) { return want == to_lower(got); });
}
constexpr bool equals_any_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && starts_with_any_case(text, lower);
}

}  // namespace gantry
