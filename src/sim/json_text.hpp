#pragma once
// Writing JSON by hand: replies have a fixed key order, so that equal seeds give equal bytes.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_string.hpp"

namespace gantry::sim {

/// A JSON string, or null when `text` is empty.
void append_string_or_null(std::string& out, std::string_view text);
void append_int(std::string& out, std::int64_t value);
inline void append_bool(std::string& out, bool value) { out += value ? "true" : "false"; }

/// `"a","b"` between brackets.
template <class Range>
void append_string_array(std::string& out, const Range& range) {
  out += '[';
  bool first = true;
  for (const auto& item : range) {
    if (!first) out += ',';
    first = false;
    append_quoted(out, item);
  }
  out += ']';
}

}  // namespace gantry::sim
