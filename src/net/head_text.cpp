#include "net/head_text.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace gantry::net {
namespace {

// Sixteen bytes at a time, in whatever vector register the machine has.
constexpr std::size_t kBlock = 16;
using Bytes = unsigned char __attribute__((ext_vector_type(kBlock)));

// The bytes of `text` from `at` on; behind its end zeros, which stop every search here.
Bytes load(std::string_view text, std::size_t at) {
  Bytes bytes = {};
  if (text.size() - at >= kBlock) {
    std::memcpy(&bytes, text.data() + at, kBlock);
  } else {
    std::memcpy(&bytes, text.data() + at, text.size() - at);
  }
  return bytes;
}

// A bit for each byte found.
std::uint16_t bits_of(auto found) {
  using Bits = bool __attribute__((ext_vector_type(kBlock)));
  return std::bit_cast<std::uint16_t>(__builtin_convertvector(found, Bits));
}

}  // namespace

std::size_t count_token(std::string_view text) {
  for (std::size_t at = 0;; at += kBlock) {
    const Bytes bytes = load(text, at);
    const Bytes letters = (bytes | 0x20) - 'a';
    const Bytes digits = bytes - '0';
    const auto usual = (letters < 26) | (digits < 10) | (bytes == '-');
    const std::uint16_t others = static_cast<std::uint16_t>(~bits_of(usual));
    if (others == 0) continue;
    // The rarer characters of tokens one by one.
    const std::size_t found = std::min(at + static_cast<std::size_t>(std::countr_zero(others)), text.size());
    return found + count_front(text.substr(found), kTokenChars);
  }
}

std::size_t count_value(std::string_view text) {
  for (std::size_t at = 0;; at += kBlock) {
    const Bytes bytes = load(text, at);
    const std::uint16_t found = bits_of(((bytes < 0x20) & (bytes != '\t')) | (bytes == 0x7f));
    if (found != 0) return std::min(at + static_cast<std::size_t>(std::countr_zero(found)), text.size());
  }
}

}  // namespace gantry::net
