#pragma once
// Tables and amounts for people.

#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

/// Columns as wide as their longest cell, two spaces between them. Numbers, and what stands above them, are
/// aligned to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.size() == 1; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the headings first
};

/// "1.5" -> "$1.50": at least two decimals, all that there are; "" -> "-".
std::string dollars(std::string_view decimal);

}  // namespace gantry::cli
