#include "cli/table.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace gantry::cli {
namespace {

// In characters: names may hold any.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.starts_with('$')) text.remove_prefix(1);
  return std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.'; });
}

void pad(std::string& out, std::size_t spaces) { out.append(spaces, ' '); }

}  // namespace

std::string Table::text() const {
  const auto columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> right(columns, rows_.size() > 1);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    for (std::size_t c = 0; c < columns; ++c) {
      widths[c] = std::max(widths[c], width(rows_[i][c]));
      if (i > 0 && !is_number(rows_[i][c])) right[c] = false;
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      if (c > 0) pad(line, 2);
      const auto spaces = widths[c] - width(row[c]);
      if (right[c]) pad(line, spaces);
      line += row[c];
      if (!right[c]) pad(line, spaces);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string dollars(std::string_view decimal) {
  if (decimal.empty()) return "-";
  const bool negative = decimal.starts_with('-');
  std::string out = (negative ? "-$" : "$") + std::string(decimal.substr(negative ? 1 : 0));
  const auto dot = out.find('.');
  if (dot == std::string::npos) return out + ".00";
  return out.size() - dot == 2 ? out + "0" : out;
}

}  // namespace gantry::cli
