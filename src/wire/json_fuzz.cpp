// The index, and a reader that only passes over everything, against simdjson's full parser: the same
// documents are JSON for both, but for three kinds that only ours accepts on purpose (numbers no machine word
// holds, lone surrogates) or refuses (deeper than 256).
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/json_index.hpp"

namespace {

using gantry::wire::JsonIndex;
using gantry::wire::JsonReader;
using gantry::wire::JsonValue;

// Ranges lie inside their parents, in order; strings and whole numbers read the same.
void compare(JsonValue ours, simdjson::dom::element theirs, std::size_t begin, std::size_t end) {
  const auto range = ours.range();
  if (range.begin < begin || range.end > end || range.begin >= range.end) std::abort();
  std::string_view text;
  if (theirs.get(text) == simdjson::SUCCESS && ours.string() != text) std::abort();
  std::int64_t number = 0;
  if (theirs.is_int64() && theirs.get(number) == simdjson::SUCCESS && ours.integer() != number) std::abort();
  if (theirs.is_null() != ours.is_null() || theirs.is_bool() != ours.is_bool()) std::abort();
  if (theirs.is_array() != ours.is_array() || theirs.is_object() != ours.is_object()) std::abort();
  std::size_t at = range.begin + 1;
  if (ours.is_array()) {
    auto next = simdjson::dom::array(theirs).begin();
    ours.each_element([&](JsonValue element) {
      compare(element, *next, at, range.end - 1);
      at = element.range().end;
      ++next;
    });
    if (next != simdjson::dom::array(theirs).end()) std::abort();
  }
  if (ours.is_object()) {
    auto next = simdjson::dom::object(theirs).begin();
    ours.each_member([&](JsonValue key, JsonValue value) {
      if (key.range().begin < at || !key.equals(next.key())) std::abort();
      compare(value, next.value(), key.range().end, range.end - 1);
      at = value.range().end;
      ++next;
    });
    if (next != simdjson::dom::object(theirs).end()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static JsonIndex index;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto error = index.parse(text);
  JsonReader reader(text);
  reader.root();
  const auto skipped = reader.finish();
  if (skipped.has_value() != error.has_value() || (error && skipped->at != error->at)) std::abort();
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto theirs = parser.parse(simdjson::padded_string(text)).get(root);
  if (error) {
    if (theirs == simdjson::SUCCESS && error->what.find("nesting") == std::string_view::npos) std::abort();
    return 0;
  }
  if (theirs == simdjson::SUCCESS) {
    compare(index.root(), root, 0, text.size());
  } else if (theirs != simdjson::NUMBER_ERROR && theirs != simdjson::STRING_ERROR) {
    std::abort();
  }
  return 0;
}
