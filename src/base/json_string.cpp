#include "base/json_string.hpp"

#include <array>

#include "base/utf8.hpp"

namespace gantry {
namespace {

// Bytes that stand for themselves.
using Plain = std::array<bool, 256>;
constexpr Plain plain_bytes(Escapes which) {
  Plain plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  plain[0x7f] = which == Escapes::json;
  return plain;
}
constexpr Plain kPlain[] = {plain_bytes(Escapes::json), plain_bytes(Escapes::line)};

void append_escape(std::string& out, char32_t c) {
  constexpr std::string_view kShort = "\"\\\n\r\t", kLetters = "\"\\nrt", kHex = "0123456789abcdef";
  out += '\\';
  if (const auto at = c < 0x80 ? kShort.find(static_cast<char>(c)) : kShort.npos; at != kShort.npos) {
    out += kLetters[at];
    return;
  }
  out += 'u';
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(c >> shift) & 15];
}

bool ends_lines(char32_t c) { return c < 0xA0 || c == 0x2028 || c == 0x2029; }

}  // namespace

void append_escaped(std::string& out, std::string_view text, Escapes which) {
  const Plain& plain = kPlain[static_cast<std::size_t>(which)];
  std::size_t done = 0;  // what is before it was appended
  for (std::size_t i = 0; i < text.size();) {
    if (plain[static_cast<unsigned char>(text[i])]) {
      ++i;
      continue;
    }
    const Utf8 c = read_utf8(text, i);
    const bool escape = c.length == 1 || (c.length > 1 && which == Escapes::line && ends_lines(c.code_point));
    if (c.length > 1 && !escape) {
      i += c.length;
      continue;
    }
    out.append(text, done, i - done);
    if (escape)
      append_escape(out, c.code_point);
    else
      out += kReplacementCharacter;
    i += escape ? c.length : 1;
    done = i;
  }
  out.append(text, done);
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text, Escapes::json);
  out += '"';
}

}  // namespace gantry
