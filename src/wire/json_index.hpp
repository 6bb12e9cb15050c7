#pragma once
// All values of a document at once, to be looked at in any order: errors are told in many shapes, and reading
// them wants to look twice. What is read on every call goes through JsonReader alone.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/edit.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_text.hpp"

namespace gantry::wire {

/// One value, or one key, of an indexed document.
struct JsonNode {
  JsonToken token;         ///< of a container, its whole text
  std::uint32_t next = 0;  ///< the node after this value and everything in it
};

class JsonValue;

/// The index of one document at a time. Its memory is reused; `release_if_large` gives it back. One owner,
/// one thread.
class JsonIndex {
 public:
  static constexpr std::size_t kMaxDepth = JsonReader::kMaxDepth;

  /// Indexes `text`, which must outlive every use of root(). No padding is needed.
  std::optional<JsonError> parse(std::string_view text);
  /// The whole document; only after a parse() that found no error.
  [[nodiscard]] JsonValue root() const;
  /// Gives the memory back when it grew past `bytes`.
  void release_if_large(std::size_t bytes);

 private:
  friend class JsonValue;
  void add(JsonReader& in, JsonToken value);

  std::string_view text_;
  std::vector<JsonNode> nodes_;
};

/// A value of an indexed document: two words, copied freely, valid until the next parse().
class JsonValue {
 public:
  JsonValue(const JsonIndex* index, std::uint32_t node) : index_(index), node_(node) {}

  [[nodiscard]] JsonKind kind() const { return token().kind(); }
  [[nodiscard]] bool is_null() const { return token().is_null(); }
  [[nodiscard]] bool is_object() const { return token().is_object(); }
  [[nodiscard]] bool is_array() const { return token().is_array(); }
  [[nodiscard]] bool is_string() const { return token().is_string(); }
  [[nodiscard]] bool is_true() const { return token().is_true(); }
  [[nodiscard]] bool is_bool() const { return token().is_bool(); }
  [[nodiscard]] ByteRange range() const {
    const auto begin = static_cast<std::size_t>(raw().data() - index_->text_.data());
    return {begin, begin + raw().size()};
  }
  /// The value's own bytes, quotes and brackets included.
  [[nodiscard]] std::string_view raw() const { return token().raw(); }
  /// Holds no member, element or character; true for anything that cannot hold some.
  [[nodiscard]] bool empty() const;

  /// As JsonToken says.
  [[nodiscard]] std::optional<std::int64_t> integer() const { return token().integer(); }
  [[nodiscard]] std::optional<std::string> string() const { return token().string(); }
  bool string_into(std::string& out) const { return token().string_into(out); }
  [[nodiscard]] bool equals(std::string_view text) const { return token() == text; }
  [[nodiscard]] TextSize text_size() const { return token().text_size(); }

  /// Calls visit(key, value) for each member; for anything but an object, never.
  template <class Visit>
  void each_member(Visit visit) const {
    if (!is_object()) return;
    for (std::uint32_t i = node_ + 1; i < node().next;) {
      const JsonValue key(index_, i), value(index_, i + 1);
      i = value.node().next;
      visit(key, value);
    }
  }
  /// Calls visit(element) for each element; for anything but an array, never.
  template <class Visit>
  void each_element(Visit visit) const {
    if (!is_array()) return;
    for (std::uint32_t i = node_ + 1; i < node().next;) {
      const JsonValue element(index_, i);
      i = element.node().next;
      visit(element);
    }
  }
  /// The first member of that name whose value is not null (CONTRACT: null means absent).
  [[nodiscard]] std::optional<JsonValue> find(std::string_view name) const;

 private:
  [[nodiscard]] const JsonNode& node() const { return index_->nodes_[node_]; }
  [[nodiscard]] const JsonToken& token() const { return node().token; }
  const JsonIndex* index_;
  std::uint32_t node_;
};

}  // namespace gantry::wire
