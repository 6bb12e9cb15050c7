#include "access/query.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace gantry::access {
namespace {

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  return is_hex_digit(c) ? to_lower(c) - 'a' + 10 : -1;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, Plus plus) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_alnum(c) || std::string_view("-._~").contains(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

Query::Query(std::string_view text, std::span<const std::string_view> known, Problems& problems) {
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const auto equals = std::min(part.find('='), part.size());
    const auto name = percent_decoded(part.substr(0, equals), Plus::space);
    const auto value = percent_decoded(part.substr(std::min(equals + 1, part.size())), Plus::space);
    if (!name || !value) {
      problems.add("query", "holds a % that two hexadecimal digits do not follow");
    } else if (std::ranges::find(known, *name) == known.end()) {
      problems.add(told_name(*name), not_known(known));
    } else if (std::ranges::find(parameters_, *name, &Parameter::name) != parameters_.end()) {
      problems.add(*name, "is named twice");
    } else {
      parameters_.push_back({*name, *value});
    }
  }
}

std::optional<std::string> Query::get(std::string_view name) const {
  const auto at = std::ranges::find(parameters_, name, &Parameter::name);
  return at == parameters_.end() || at->value.empty() ? std::nullopt : std::optional(at->value);
}

}  // namespace gantry::access
