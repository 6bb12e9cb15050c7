#include "wire/json_text.hpp"

#include <cstdint>
#include <cstring>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

namespace gantry::wire {
namespace {

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hex digits at `at`, or -1.
int hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

constexpr char32_t kReplacement = 0xFFFD;

// The code point of the escape whose backslash is at `at`, and where it ends. The escape is valid.
struct Escape {
  char32_t code_point;
  std::size_t end;
};
Escape read_escape(std::string_view text, std::size_t at) {
  switch (text[at + 1]) {
    case 'b':
      return {'\b', at + 2};
    case 'f':
      return {'\f', at + 2};
    case 'n':
      return {'\n', at + 2};
    case 'r':
      return {'\r', at + 2};
    case 't':
      return {'\t', at + 2};
    case 'u':
      break;
    default:
      return {static_cast<unsigned char>(text[at + 1]), at + 2};
  }
  const auto first = static_cast<char32_t>(hex4(text, at + 2));
  if (first < 0xD800 || first > 0xDFFF) return {first, at + 6};
  if (first < 0xDC00 && text.substr(at + 6, 2) == "\\u") {
    const int second = hex4(text, at + 8);
    if (second >= 0xDC00 && second <= 0xDFFF)
      return {0x10000 + ((first - 0xD800) << 10) + (static_cast<char32_t>(second) - 0xDC00), at + 12};
  }
  return {kReplacement, at + 6};
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6)), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3F)), put(0x80 | ((c >> 6) & 0x3F)),
        put(0x80 | (c & 0x3F));
  }
}

bool is_white_space(char32_t c) {
  if (c <= 0x20) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Continuation bytes are the only ones of the form 10xxxxxx, so every other byte starts a code point. Counted
// in a byte over short runs, so that the compiler can count sixteen at once.
std::size_t count_code_points(std::string_view utf8) {
  constexpr std::size_t kRun = 128;
  const auto count = [](const char* bytes, std::size_t size) {
    std::uint8_t starts = 0;
    for (std::size_t i = 0; i < size; ++i) starts += static_cast<signed char>(bytes[i]) >= -64 ? 1 : 0;
    return starts;
  };
  std::size_t total = 0;
  for (; utf8.size() >= kRun; utf8.remove_prefix(kRun)) total += count(utf8.data(), kRun);
  return total + count(utf8.data(), utf8.size());
}

bool is_blank(std::string_view inside) {
  for (std::size_t i = 0; i < inside.size();) {
    if (inside[i] > ' ' && inside[i] != '\\') return false;  // the first character of nearly every text
    if (inside[i] == '\\') {
      const Escape escape = read_escape(inside, i);
      if (!is_white_space(escape.code_point)) return false;
      i = escape.end;
      continue;
    }
    const Utf8 c = read_utf8(inside, i);
    if (c.length == 0 || !is_white_space(c.code_point)) return false;
    i += c.length;
  }
  return true;
}

}  // namespace

std::size_t json_number_length(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i > start;
  };
  if (i < text.size() && text[i] == '-') ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return 0;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return 0;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return 0;
  }
  return i;
}

bool escapes_are_valid(std::string_view inside) {
  for (std::size_t i = inside.find('\\'); i != std::string_view::npos; i = inside.find('\\', i)) {
    if (i + 1 >= inside.size()) return false;
    const char kind = inside[i + 1];
    if (kind == 'u') {
      if (hex4(inside, i + 2) < 0) return false;
      i += 6;
    } else if (std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos) {
      i += 2;
    } else {
      return false;
    }
  }
  return true;
}

void append_unescaped(std::string& out, std::string_view inside) {
  std::size_t from = 0;
  for (std::size_t i = inside.find('\\'); i != std::string_view::npos; i = inside.find('\\', from)) {
    out.append(inside, from, i - from);
    const Escape escape = read_escape(inside, i);
    append_utf8(out, escape.code_point);
    from = escape.end;
  }
  out.append(inside, from);
}

TextSize measure(std::string_view inside, TextForm form) {
  TextSize size{.code_points = inside.size(), .blank = is_blank(inside)};
  if (form == TextForm::ascii) return size;
  size.code_points = 0;
  std::size_t from = 0;
  for (std::size_t i = inside.find('\\'); i != std::string_view::npos; i = inside.find('\\', from)) {
    size.code_points += count_code_points(inside.substr(from, i - from)) + 1;
    from = read_escape(inside, i).end;
  }
  size.code_points += count_code_points(inside.substr(from));
  return size;
}

}  // namespace gantry::wire
