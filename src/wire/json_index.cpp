#include "wire/json_index.hpp"

namespace gantry::wire {

std::optional<JsonError> JsonIndex::parse(std::string_view text) {
  text_ = text;
  nodes_.clear();
  JsonReader in(text);
  add(in, in.root());
  return in.finish();
}

void JsonIndex::add(JsonReader& in, JsonToken value) {
  const std::size_t node = nodes_.size();
  const auto next = [this] { return static_cast<std::uint32_t>(nodes_.size()); };
  nodes_.push_back({value});
  in.each_member_token(value, [&](JsonToken key, JsonToken member) {
    nodes_.push_back({key, next() + 1});
    add(in, member);
  });
  in.each_element(value, [&](JsonToken element) { add(in, element); });
  if (value.is_object() || value.is_array()) nodes_[node].token = JsonToken(value.kind(), in.whole(value));
  nodes_[node].next = next();
}

JsonValue JsonIndex::root() const { return {this, 0}; }

void JsonIndex::release_if_large(std::size_t bytes) {
  if (nodes_.capacity() * sizeof(JsonNode) > bytes) std::vector<JsonNode>().swap(nodes_);
}

bool JsonValue::empty() const {
  if (is_object() || is_array()) return node().next == node_ + 1;
  return !is_string() || raw().size() == 2;
}

std::optional<JsonValue> JsonValue::find(std::string_view name) const {
  if (!is_object()) return std::nullopt;
  for (std::uint32_t i = node_ + 1; i < node().next;) {
    const JsonValue key(index_, i), value(index_, i + 1);
    if (key.equals(name) && !value.is_null()) return value;
    i = value.node().next;
  }
  return std::nullopt;
}

}  // namespace gantry::wire
