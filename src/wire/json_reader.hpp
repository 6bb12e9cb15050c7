#pragma once
// Reads a JSON document once, from front to back, and hands out tokens as they come: nothing is copied and
// nothing is kept. Every byte is checked (RFC 8259, UTF-8), also in the parts nobody looks at: a container
// that a visitor leaves alone is walked through behind it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/edit.hpp"
#include "wire/json_text.hpp"

namespace gantry::wire {

/// Why a document is not JSON, and where.
struct JsonError {
  std::string_view what;  ///< "expected ':' after a key"; a literal
  std::size_t at = 0;     ///< byte offset, or kNowhere when only the document as a whole is known to be wrong
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
};

enum class JsonKind : std::uint8_t { object, array, string, number, true_value, false_value, null_value };

/// A key, a scalar, or the opening bracket of a container: two words, copied freely, a view of the document.
class JsonToken {
 public:
  JsonToken() = default;
  JsonToken(JsonKind kind, std::string_view raw, TextForm form = TextForm::ascii)
      : begin_(raw.data()), size_(static_cast<std::uint32_t>(raw.size())), kind_(kind), form_(form) {}

  [[nodiscard]] JsonKind kind() const { return kind_; }
  [[nodiscard]] bool is_null() const { return kind_ == JsonKind::null_value; }
  [[nodiscard]] bool is_object() const { return kind_ == JsonKind::object; }
  [[nodiscard]] bool is_array() const { return kind_ == JsonKind::array; }
  [[nodiscard]] bool is_string() const { return kind_ == JsonKind::string; }
  [[nodiscard]] bool is_number() const { return kind_ == JsonKind::number; }
  [[nodiscard]] bool is_true() const { return kind_ == JsonKind::true_value; }
  [[nodiscard]] bool is_bool() const { return is_true() || kind_ == JsonKind::false_value; }
  /// The token's own bytes, quotes included; of a container only the bracket.
  [[nodiscard]] std::string_view raw() const { return {begin_, size_}; }

  /// The inside of a string as it is written, for one without escapes its text.
  [[nodiscard]] std::string_view inner() const { return {begin_ + 1, size_ - 2U}; }
  [[nodiscard]] TextForm form() const { return form_; }
  /// True when this is a string with exactly this (decoded) text.
  [[nodiscard]] bool operator==(std::string_view text) const {
    if (form_ == TextForm::escaped) return equals_escaped(*this, text);
    return is_string() && inner() == text;
  }
  /// A whole number; `100.0` and `1e2` are 100. nullopt for anything else or beyond ±2⁵³ in those forms.
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  /// The decoded text of a string; nullopt for other kinds. A lone surrogate becomes U+FFFD.
  [[nodiscard]] std::optional<std::string> string() const;
  /// Decodes into `out`, reusing its memory; false for other kinds.
  bool string_into(std::string& out) const;
  /// How long a string is and whether it is blank, without decoding it; nothing for other kinds.
  [[nodiscard]] TextSize text_size() const { return is_string() ? measure(inner(), form_) : TextSize{}; }

 private:
  // By value, so that tokens need no address and stay in registers.
  friend bool equals_escaped(JsonToken token, std::string_view text);

  const char* begin_ = nullptr;
  std::uint32_t size_ = 0;
  JsonKind kind_ = JsonKind::null_value;
  TextForm form_ = TextForm::ascii;
};

/// One reading of one document, which must outlive it; no padding is needed. Usage:
///   JsonReader in(text);
///   in.each_member(in.root(), [&](std::string_view key, JsonToken value) { if (key == "model") … });
///   if (const auto error = in.finish()) …
/// A visitor may walk the container it was given, once, before it returns. What was seen before finish()
/// found no error may come from a broken document.
class JsonReader {
 public:
  /// Containers nested deeper than this are refused: nobody sends them, and readers, ours too, recurse.
  static constexpr std::size_t kMaxDepth = 256;

  explicit JsonReader(std::string_view text);

  /// The document's one value; to be asked for once, first.
  JsonToken root();

  /// Calls visit(key, value) for each member; for anything but an object, never. The key is the decoded text,
  /// valid until the visitor walks on.
  template <class Visit>
  void each_member(JsonToken object, Visit visit) {
    each_member_token(object, [&](JsonToken key, JsonToken value) {
      visit(key.form() == TextForm::escaped ? decoded(key) : key.inner(), value);
    });
  }
  /// The same with the key as it is written.
  template <class Visit>
  void each_member_token(JsonToken object, Visit visit) {
    if (!object.is_object() || !enter('}')) return;
    do {
      const JsonToken name = key();
      const JsonToken member = value();
      if (error_) return;
      visit(name, member);
      if (unread_) skip();
    } while (more('}'));
  }
  /// Calls visit(element) for each element; for anything but an array, never.
  template <class Visit>
  void each_element(JsonToken array, Visit visit) {
    if (!array.is_array() || !enter(']')) return;
    do {
      const JsonToken element = value();
      if (error_) return;
      visit(element);
      if (unread_) skip();
    } while (more(']'));
  }

  /// Holds no member, element or character; true for anything that cannot hold some. Of a container, only
  /// before it is walked.
  [[nodiscard]] bool is_empty(JsonToken value);
  /// All bytes of the value at hand; a container is walked through, unless it was before.
  std::string_view whole(JsonToken value);
  /// Where the token's bytes lie in the document.
  [[nodiscard]] ByteRange range(JsonToken token) const {
    const auto begin = static_cast<std::size_t>(token.raw().data() - begin_);
    return {begin, begin + token.raw().size()};
  }

  /// Reads what is left and says what is wrong with the document, if anything is.
  std::optional<JsonError> finish();

 private:
  // The next byte that is not white space; 0 at the end (and for a 0, which is legal nowhere).
  char next() {
    if (at_ != end_ && static_cast<unsigned char>(*at_) > ' ') return *at_;
    return next_behind_space();
  }
  bool enter(char close) {
    unread_ = 0;
    if (++depth_ > kMaxDepth) return fail("the nesting is deeper than 256 levels");
    return next() != close || leave();
  }
  bool more(char close) {
    const char c = next();
    if (c == ',') return ++at_, true;
    return c == close ? leave() : unexpected(close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
  }
  bool leave() {
    ++at_;
    --depth_;
    return false;
  }

  char next_behind_space();
  JsonToken key();
  std::string_view decoded(JsonToken key);
  JsonToken value();
  JsonToken open(JsonKind kind);
  JsonToken word(std::string_view literal, JsonKind kind);
  JsonToken number();
  JsonToken string();
  JsonToken any_string(const char* p);
  JsonToken closed_string(const char* quote, TextForm form);
  void skip();  // the container of unread_
  bool fail(const char* what);
  bool unexpected(const char* what) { return fail(at_ == end_ ? "the document ends too early" : what); }

  const char* begin_;
  const char* end_;
  const char* at_;
  const char* error_ = nullptr;  // the first one; from then on there is nothing left to read
  const char* error_at_ = nullptr;
  std::size_t depth_ = 0;
  char unread_ = 0;      // the bracket of the last value, when nothing behind it was read yet
  bool ascii_ = true;    // so far
  std::string decoded_;  // the last key that held escapes
};

}  // namespace gantry::wire
