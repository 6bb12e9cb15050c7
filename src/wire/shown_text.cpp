#include "wire/shown_text.hpp"

#include <algorithm>
#include <array>

namespace gantry::wire {
namespace {

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Masked labels (sk-or-v1-abc...123) are keys too for this purpose, hence '.' and '*'.
bool is_key_char(char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '*'; }

bool starts_with_no_case(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), text.begin(), [](char want, char got) {
    return want == (got >= 'A' && got <= 'Z' ? static_cast<char>(got - 'A' + 'a') : got);
  });
}

struct KeyShape {
  std::string_view prefix;
  std::size_t least;  // characters after the prefix that make it a key and not a word
  bool word_start;    // only where no letter or digit stands before ("task-force" is no key)
};
constexpr std::array<KeyShape, 3> kKeyShapes = {{{"sk-or-", 1, false}, {"sk-", 8, true}, {"gk-", 8, true}}};

// The length of the key that starts at `at`, or 0.
std::size_t key_length(std::string_view text, std::size_t at) {
  for (const KeyShape& shape : kKeyShapes) {
    if (!starts_with_no_case(text.substr(at), shape.prefix)) continue;
    if (shape.word_start && at > 0 && is_alnum(text[at - 1])) continue;
    std::size_t end = at + shape.prefix.size();
    while (end < text.size() && is_key_char(text[end])) ++end;
    while (end > at + shape.prefix.size() && text[end - 1] == '.') --end;  // the end of a sentence
    if (end - at - shape.prefix.size() >= shape.least) return end - at;
  }
  return 0;
}

// The length of a character that must not be shown as it is, or 0: C0, DEL, C1, line separators, direction
// changes.
std::size_t unseen_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  if (byte(0) <= 0x20 || byte(0) == 0x7F) return 1;
  if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) <= 0x9F) return 2;
  const bool separators = byte(1) == 0x80 && byte(2) >= 0xA8 && byte(2) <= 0xAE;
  const bool isolates = byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
  return byte(0) == 0xE2 && (separators || isolates) ? 3 : 0;
}

void cut(std::string& text, std::size_t limit) {
  constexpr std::string_view kEllipsis = "…";
  if (text.size() <= limit) return;
  std::size_t end = limit > kEllipsis.size() ? limit - kEllipsis.size() : 0;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  text += kEllipsis;
}

}  // namespace

std::string shown_text(std::string_view text, std::size_t limit) {
  std::string out;
  bool gap = false;
  // Enough of the text to fill the limit; the rest could only be cut away again.
  for (std::size_t i = 0; i < text.size() && out.size() <= limit;) {
    if (const std::size_t unseen = unseen_length(text, i)) {
      gap = true;
      i += unseen;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    if (const std::size_t key = key_length(text, i)) {
      out += "***";
      i += key;
    } else {
      out += text[i++];
    }
  }
  cut(out, limit);
  return out;
}

}  // namespace gantry::wire
