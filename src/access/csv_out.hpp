#pragma once
// CSV as RFC 4180 has it, safe to open in a spreadsheet: a text that one would take for a formula gets an
// apostrophe before it. Pure.

#include <string>
#include <string_view>
#include <utility>

namespace gantry::access {

class CsvOut {
 public:
  void cell(std::string_view text) {
    comma();
    const bool formula = text.size() > 1 && std::string_view("=+-@\t\r").contains(text.front());
    if (!formula && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out_ += text;
      return;
    }
    out_ += '"';
    if (formula) out_ += '\'';
    for (const char c : text) {
      if (c == '"') out_ += '"';
      out_ += c;
    }
    out_ += '"';
  }
  /// Digits, which may begin with a minus.
  void number(std::string_view digits) {
    comma();
    out_ += digits;
  }
  void end_row() {
    out_ += "\r\n";
    first_ = true;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void comma() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  std::string out_;
  bool first_ = true;
};

}  // namespace gantry::access
