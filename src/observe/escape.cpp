#include "observe/escape.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

namespace gantry::observe {
namespace {

constexpr std::size_t kShortestKey = 8;  // characters after the prefix; "sk-learn" is a word

constexpr bool is_alnum(char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

// Wider than any key's alphabet (base64, JWT, percent-encoded): masking a little more is the safe side.
constexpr bool is_token(char c) {
  return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '+' || c == '/' || c == '=' || c == '~' ||
         c == '%';
}

constexpr bool ends_bearer(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\'' || c == ',' || c == ';';
}

bool starts_with_any_case(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (std::size_t i = 0; i < lower.size(); ++i)
    if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]) != lower[i]) return false;
  return true;
}

std::size_t token_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_token(text[length])) ++length;
  return length;
}

struct Key {
  std::size_t shown;   // this much stays readable
  std::size_t length;  // with what stays
};

std::optional<Key> key_at(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  const bool begins_word = at == 0 || !is_alnum(text[at - 1]);
  const bool short_prefix = starts_with_any_case(rest, "sk-") || starts_with_any_case(rest, "gk-");
  if ((short_prefix && begins_word) || starts_with_any_case(rest, "sk-or-")) {
    const std::size_t length = token_length(rest.substr(3));
    if (length >= kShortestKey) return Key{3, 3 + length};
  }
  if (!starts_with_any_case(rest, "bearer")) return std::nullopt;
  std::size_t start = 6;
  while (start < rest.size() && (rest[start] == ' ' || rest[start] == '\t')) ++start;
  std::size_t end = start;
  while (end < rest.size() && !ends_bearer(rest[end])) ++end;
  if (start == 6 || end == start) return std::nullopt;
  return Key{start, end};
}

// Is there any sense in looking closer? "k-" after s or g, or "bearer".
bool is_suspicious(std::string_view text) {
  for (std::size_t i = 2; i < text.size(); ++i) {
    const char low = static_cast<char>(text[i] | 0x20);
    if (text[i] == '-' && (text[i - 1] | 0x20) == 'k') return true;
    if (low == 'a' && (text[i - 1] | 0x20) == 'e' && (text[i - 2] | 0x20) == 'b') return true;
  }
  return false;
}

constexpr std::array<bool, 256> make_plain() {  // bytes that stand for themselves inside a JSON string
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain();

constexpr std::array<bool, 256> make_bare() {
  std::array<bool, 256> bare = make_plain();
  bare[' '] = bare['='] = bare['\''] = false;
  return bare;
}
constexpr std::array<bool, 256> kBare = make_bare();

void append_unicode_escape(std::string& out, std::uint32_t code) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(code >> shift) & 0xf];
}

void append_ascii(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_unicode_escape(out, c);
  }
}

struct Character {
  std::uint32_t code;
  std::size_t bytes;
};

// One multi-byte character of well-formed UTF-8 (Unicode 15, table 3-7), or nothing.
std::optional<Character> decode(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t lead = byte(0);
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return std::nullopt;
  std::uint32_t code = lead & (0xffu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return std::nullopt;
  return Character{code, bytes};
}

void append_escaped_whole(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t start = i;
    while (i < text.size() && kPlain[static_cast<unsigned char>(text[i])]) ++i;
    out.append(text, start, i - start);
    if (i == text.size()) return;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      append_ascii(out, c);
      ++i;
      continue;
    }
    const auto character = decode(text.substr(i));
    if (!character) {
      out += "\xef\xbf\xbd";
      ++i;
      continue;
    }
    const bool breaks_lines =
        character->code < 0xa0 || character->code == 0x2028 || character->code == 0x2029;
    if (breaks_lines)
      append_unicode_escape(out, character->code);
    else
      out.append(text, i, character->bytes);
    i += character->bytes;
  }
}

std::string_view cut(std::string_view text) {
  if (text.size() <= kLongestValue) return text;
  std::size_t end = kLongestValue;
  for (int back = 0; back < 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80; ++back) --end;
  return text.substr(0, end);
}

}  // namespace

bool mask_keys(std::string_view text, std::string& out) {
  if (!is_suspicious(text)) return false;
  std::size_t copied = 0;
  bool found = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto key = key_at(text, i);
    if (!key) {
      ++i;
      continue;
    }
    out.append(text, copied, i - copied).append(text, i, key->shown).append("***");
    i += key->length;
    copied = i;
    found = true;
  }
  if (found) out.append(text, copied);
  return found;
}

bool is_bare(std::string_view text) {
  for (const char c : text)
    if (!kBare[static_cast<unsigned char>(c)]) return false;
  return !text.empty();
}

// What is_bare and is_suspicious ask, of sixteen bytes at a time. It calls a few characters odd that are not,
// for the sake of fewer comparisons: names do not have them.
bool is_clean(std::string_view text) {
  constexpr std::size_t kBlock = 16, kReach = kBlock + 2;  // a key's first three bytes may lie across blocks
  using Bytes = signed char __attribute__((ext_vector_type(kBlock)));  // what is not ASCII is below all else
  using Bits = bool __attribute__((ext_vector_type(kBlock)));
  if (text.empty()) return false;
  if (text.size() < kReach) {
    std::array<char, kReach> padded;
    padded.fill('x');
    std::memcpy(padded.data(), text.data(), text.size());
    return is_clean({padded.data(), padded.size()});
  }
  const auto load = [&](std::size_t at) {
    Bytes bytes;
    std::memcpy(&bytes, text.data() + at, kBlock);
    return bytes;
  };
  const auto any = [](auto found) {
    return std::bit_cast<std::uint16_t>(__builtin_convertvector(found, Bits)) != 0;
  };
  const auto odd = [](Bytes c) { return (c < '(') | (c > 'z') | (c == '=') | (c == '\\'); };
  const std::size_t last = text.size() - kReach;  // its block overlaps the one before
  for (std::size_t at = 0;; at = std::min(at + kBlock, last)) {
    const Bytes first = load(at), third = load(at + 2), small = load(at + 1) | 0x20;
    const auto key = (small == 'k') & (third == '-');
    const auto bearer = ((first | 0x20) == 'b') & (small == 'e') & ((third | 0x20) == 'a');
    if (any(odd(first) | key | bearer)) return false;
    if (at == last) return !any(odd(third)) && text.size() <= kLongestValue;
  }
}

void append_escaped(std::string& out, std::string_view text) {
  const std::string_view kept = cut(text);
  if (std::string masked; mask_keys(kept, masked))
    append_escaped_whole(out, masked);
  else
    append_escaped_whole(out, kept);
  if (kept.size() < text.size()) out += "…";
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

}  // namespace gantry::observe
