#include "net/headers.hpp"

#include <algorithm>

namespace gantry::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

// Of two names of one length.
bool detail::same_letters(std::string_view a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
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
