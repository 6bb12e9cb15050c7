#pragma once
// The characters of HTTP heads (RFC 9110 §5.5, §5.6.2), for those who read heads and those who write them.
// Internal to src/net. Pure.

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string>
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

/// How many bytes at the front of `text` are of a token: a method, or a field's name.
std::size_t count_token(std::string_view text);

inline bool is_token(std::string_view text) { return !text.empty() && count_token(text) == text.size(); }

/// How many bytes at the front of `text` a field's value may hold: no control characters but the tab.
std::size_t count_value(std::string_view text);

inline bool is_value(std::string_view text) { return count_value(text) == text.size(); }

/// Writes a head into a string whose room is taken once: its pieces are many and short.
class HeadWriter {
 public:
  /// `room` ≥ the bytes that will be written; field_bytes() helps to count.
  HeadWriter(std::string& out, std::size_t room) : out_(out) {
    if (out.size() < room) out.resize(room);
    at_ = out.data();
  }
  static std::size_t field_bytes(std::string_view name, std::string_view value) {
    return name.size() + value.size() + 4;
  }

  void text(std::string_view piece) {
    std::memcpy(at_, piece.data(), piece.size());
    at_ += piece.size();
  }
  void field(std::string_view name, std::string_view value) {
    text(name);
    text(": ");
    text(value);
    text("\r\n");
  }
  void number(std::size_t value) { at_ = std::to_chars(at_, out_.data() + out_.size(), value).ptr; }
  /// Once, at the end: the string is what was written.
  void finish() { out_.resize(static_cast<std::size_t>(at_ - out_.data())); }

 private:
  std::string& out_;
  char* at_;
};

}  // namespace gantry::net
