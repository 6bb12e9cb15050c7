#include "wire/shown_text.hpp"

#include "base/keys.hpp"

namespace gantry::wire {
namespace {

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
    if (const auto key = key_at(text, i)) {
      out += "***";
      i += key->length;
    } else {
      out += text[i++];
    }
  }
  cut(out, limit);
  return out;
}

}  // namespace gantry::wire
