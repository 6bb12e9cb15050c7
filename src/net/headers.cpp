#include "net/headers.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace gantry::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

namespace {

std::uint64_t load8(const char* p) {
  std::uint64_t bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

std::uint64_t load4(const char* p) {
  std::uint32_t bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

// Eight characters at once: what differs must differ in the case bit only, and be a letter.
bool same_eight(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  const std::uint64_t differs = a ^ b;
  if (differs == 0) return true;
  if ((differs & ~(0x20 * kEach)) != 0) return false;
  const std::uint64_t low = (a | (0x20 * kEach)) & (0x7f * kEach);
  const std::uint64_t from_a = low + (0x80 - 'a') * kEach;
  const std::uint64_t behind_z = low + (0x80 - 'z' - 1) * kEach;
  const std::uint64_t letters = from_a & ~behind_z & ~a;  // in the top bit of each
  return ((differs << 2) & ~letters & (0x80 * kEach)) == 0;
}

}  // namespace

// Of two names of one length. The last eight may overlap the ones before.
bool detail::same_letters(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8)
      if (!same_eight(load8(&a[i]), load8(&b[i]))) return false;
    return same_eight(load8(&a[size - 8]), load8(&b[size - 8]));
  }
  if (size >= 4)
    return same_eight(load4(&a[0]) << 32 | load4(&a[size - 4]), load4(&b[0]) << 32 | load4(&b[size - 4]));
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool list_has(std::string_view value, std::string_view token) {
  while (true) {
    const auto comma = value.find(',');
    if (same_name(trim(value.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

std::optional<std::string_view> HeaderView::get(std::string_view field) const {
  for (const Header& header : fields_) {
    if (same_name(header.name, field)) return header.value;
  }
  return std::nullopt;
}

std::size_t HeaderView::count(std::string_view field) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields_, [&](const Header& header) { return same_name(header.name, field); }));
}

}  // namespace gantry::net
