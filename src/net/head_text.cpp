#include "net/head_text.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace gantry::net {

// Sixteen bytes at a time, in whatever vector register the machine has.
std::size_t count_value(std::string_view text) {
  constexpr std::size_t kBlock = 16;
  using Bytes = unsigned char __attribute__((ext_vector_type(kBlock)));
  using Bits = bool __attribute__((ext_vector_type(kBlock)));
  for (std::size_t at = 0;; at += kBlock) {
    Bytes bytes = {};  // zeros behind the end stop the search
    if (text.size() - at >= kBlock) {
      std::memcpy(&bytes, text.data() + at, kBlock);
    } else {
      std::memcpy(&bytes, text.data() + at, text.size() - at);
    }
    const auto found = ((bytes < 0x20) & (bytes != '\t')) | (bytes == 0x7f);
    const auto bits = std::bit_cast<std::uint16_t>(__builtin_convertvector(found, Bits));
    if (bits != 0) return std::min(at + static_cast<std::size_t>(std::countr_zero(bits)), text.size());
  }
}

}  // namespace gantry::net
