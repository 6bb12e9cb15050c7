#pragma once
// Writes the JSON of this room, member by member. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_string.hpp"
#include "base/money.hpp"

namespace gantry::access {

/// Appends to a text that it does not own. Nesting: `key("a")`, then another JsonOut or append.
class JsonOut {
 public:
  explicit JsonOut(std::string& out, char open = '{') : out_(out), close_(open == '{' ? '}' : ']') {
    out_ += open;
  }
  JsonOut(const JsonOut&) = delete;
  ~JsonOut() { out_ += close_; }

  JsonOut& key(std::string_view name) {
    comma();
    append_quoted(out_, name);
    out_ += ':';
    return *this;
  }
  void text(std::string_view name, std::string_view value) { append_quoted(key(name).out_, value); }
  void text_or_null(std::string_view name, const std::optional<std::string>& value) {
    value ? text(name, *value) : raw(name, "null");
  }
  void flag(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
  void number(std::string_view name, std::int64_t value) { raw(name, std::to_string(value)); }
  /// USD as a decimal text: exact, whatever the reader's numbers are.
  void money(std::string_view name, PicoUsd amount) { text(name, to_decimal(amount)); }
  void money_or_null(std::string_view name, const std::optional<PicoUsd>& amount) {
    amount ? money(name, *amount) : raw(name, "null");
  }
  /// `json` is JSON.
  void raw(std::string_view name, std::string_view json) { key(name).out_ += json; }
  /// Before each element of a list.
  void comma() {
    if (!first_) out_ += ',';
    first_ = false;
  }

 private:
  std::string& out_;
  char close_;
  bool first_ = true;
};

}  // namespace gantry::access
