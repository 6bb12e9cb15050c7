#include "observe/escape.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/ascii.hpp"
#include "base/json_string.hpp"
#include "base/keys.hpp"

namespace gantry::observe {
namespace {

constexpr bool ends_bearer(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\'' || c == ',' || c == ';';
}

struct Hidden {
  std::size_t shown;   // this much stays readable
  std::size_t length;  // with what stays
};

std::optional<Hidden> hidden_at(std::string_view text, std::size_t at) {
  constexpr std::string_view kBearer = "bearer";
  const char first = to_lower(text[at]);
  if (first == 's' || first == 'g') {
    const auto key = key_at(text, at);
    return key ? std::optional(Hidden{3, key->length}) : std::nullopt;
  }
  const std::string_view rest = text.substr(at);
  if (first != 'b' || !starts_with_any_case(rest, kBearer)) return std::nullopt;
  std::size_t start = kBearer.size();
  while (start < rest.size() && (rest[start] == ' ' || rest[start] == '\t')) ++start;
  std::size_t end = start;
  while (end < rest.size() && !ends_bearer(rest[end])) ++end;
  if (start == kBearer.size() || end == start) return std::nullopt;
  return Hidden{start, end};
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

constexpr auto kBare = [] {
  std::array<bool, 256> bare{};
  for (std::size_t c = 0x21; c < 0x7f; ++c) bare[c] = true;
  for (const char c : std::string_view("\"\\='")) bare[static_cast<unsigned char>(c)] = false;
  return bare;
}();

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
    const auto hidden = hidden_at(text, i);
    if (!hidden) {
      ++i;
      continue;
    }
    out.append(text, copied, i - copied).append(text, i, hidden->shown).append("***");
    i += hidden->length;
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
    gantry::append_escaped(out, masked, Escapes::line);
  else
    gantry::append_escaped(out, kept, Escapes::line);
  if (kept.size() < text.size()) out += "…";
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

}  // namespace gantry::observe
