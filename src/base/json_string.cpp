#include "base/json_string.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/utf8.hpp"

namespace gantry {
namespace {

// How many bytes at the front of `text` stand for themselves: sixteen at a time, in whatever vector register
// the machine has.
template <Escapes which>
std::size_t count_plain(std::string_view text) {
  constexpr std::size_t kBlock = 16;
  using Bytes = signed char __attribute__((ext_vector_type(kBlock)));  // what is not ASCII is below all else
  using Bits = bool __attribute__((ext_vector_type(kBlock)));
  if (text.empty()) return 0;  // its address may be null
  for (std::size_t at = 0;; at += kBlock) {
    Bytes bytes = {};  // zeros behind the end stop the search
    std::memcpy(&bytes, text.data() + at, std::min(kBlock, text.size() - at));
    auto found = (bytes < ' ') | (bytes == '"') | (bytes == '\\');
    if constexpr (which == Escapes::line) found |= bytes == 0x7f;
    const auto bits = std::bit_cast<std::uint16_t>(__builtin_convertvector(found, Bits));
    if (bits != 0) return std::min(at + static_cast<std::size_t>(std::countr_zero(bits)), text.size());
  }
}

// The letter of a short escape, or 0.
constexpr char short_escape(char32_t c) {
  switch (c) {
    case '"':
    case '\\':
      return static_cast<char>(c);
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

void append_escape(std::string& out, char32_t c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '\\';
  if (const char letter = short_escape(c)) {
    out += letter;
    return;
  }
  out += 'u';
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(c >> shift) & 15];
}

bool ends_lines(char32_t c) { return c < 0xA0 || c == 0x2028 || c == 0x2029; }

template <Escapes which>
void append(std::string& out, std::string_view text) {
  std::size_t done = 0;  // what is before it was appended
  for (std::size_t i = count_plain<which>(text); i < text.size(); i += count_plain<which>(text.substr(i))) {
    const Utf8 c = read_utf8(text, i);
    const bool as_it_is = c.length > 1 && !(which == Escapes::line && ends_lines(c.code_point));
    if (as_it_is) {
      i += c.length;
      continue;
    }
    out.append(text, done, i - done);
    if (c.length > 0) {
      append_escape(out, c.code_point);
    } else {
      out += kReplacementCharacter;
    }
    done = i += std::max<std::size_t>(c.length, 1);
  }
  out.append(text, done);
}

}  // namespace

void append_escaped(std::string& out, std::string_view text, Escapes which) {
  which == Escapes::line ? append<Escapes::line>(out, text) : append<Escapes::json>(out, text);
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text, Escapes::json);
  out += '"';
}

}  // namespace gantry
