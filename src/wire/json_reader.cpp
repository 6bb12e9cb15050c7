#include "wire/json_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace gantry::wire {
namespace {

// A string's bytes are compared sixteen at a time, in whatever vector register the machine has.
constexpr std::ptrdiff_t kBlock = 16;
using BlockBits = bool __attribute__((ext_vector_type(kBlock)));

// A bit for each byte that is none of plain ASCII text: a quote, a backslash, a control character or not
// ASCII. As a signed number the last is below the control characters, so that one comparison finds both.
std::uint32_t marks(const char* p) {
  using Bytes = signed char __attribute__((ext_vector_type(kBlock)));
  Bytes bytes;
  std::memcpy(&bytes, p, kBlock);
  const auto found = (bytes == '"') | (bytes == '\\') | (bytes < 0x20);
  return std::bit_cast<std::uint16_t>(__builtin_convertvector(found, BlockBits));
}

// The first quote, backslash or control character, or the end. Blocks reach past it, so that `ascii` may
// become false for what follows: that costs time, never truth.
const char* find_mark(const char* p, const char* end, bool& ascii) {
  using Bytes = unsigned char __attribute__((ext_vector_type(kBlock)));
  Bytes seen = {};
  for (;; p += kBlock) {
    Bytes bytes = {};  // zeros behind the end stop the search
    if (end - p >= kBlock) {
      std::memcpy(&bytes, p, kBlock);
    } else {
      std::memcpy(&bytes, p, static_cast<std::size_t>(end - p));
    }
    seen |= bytes;
    const auto found = (bytes == '"') | (bytes == '\\') | (bytes < 0x20);
    const auto bits = std::bit_cast<std::uint16_t>(__builtin_convertvector(found, BlockBits));
    if (bits == 0) continue;
    ascii &= std::bit_cast<std::uint16_t>(__builtin_convertvector(seen >= 0x80, BlockBits)) == 0;
    return p + std::countr_zero(bits);
  }
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

JsonReader::JsonReader(std::string_view text)
    : begin_(text.data()), end_(text.data() + text.size()), at_(text.data()) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) fail("the document is larger than 4 GB");
}

JsonToken JsonReader::root() {
  next();
  if (at_ == end_) return fail("there is nothing but white space"), JsonToken();
  return value();
}

char JsonReader::next_behind_space() {
  while (at_ != end_ && is_space(*at_)) ++at_;
  return at_ == end_ ? '\0' : *at_;
}

bool JsonReader::fail(const char* what) {
  if (!error_) {
    error_ = what;
    error_at_ = at_;
  }
  at_ = end_;
  unread_ = 0;
  return false;
}

std::string_view JsonReader::decoded(JsonToken key) {
  key.string_into(decoded_);
  return decoded_;
}

JsonToken JsonReader::key() {
  if (next() != '"') return unexpected("expected a key in double quotes"), JsonToken();
  const JsonToken key = string();
  if (next() != ':') return unexpected("expected ':' after a key"), JsonToken();
  ++at_;
  return key;
}

JsonToken JsonReader::value() {
  switch (next()) {
    case '{':
      return open(JsonKind::object);
    case '[':
      return open(JsonKind::array);
    case '"':
      return string();
    case 't':
      return word("true", JsonKind::true_value);
    case 'f':
      return word("false", JsonKind::false_value);
    case 'n':
      return word("null", JsonKind::null_value);
    default:
      return number();
  }
}

JsonToken JsonReader::open(JsonKind kind) {
  unread_ = *at_;
  return {kind, {at_++, 1}};
}

JsonToken JsonReader::word(std::string_view literal, JsonKind kind) {
  const std::size_t size = literal.size();  // not starts_with(): only a constant length is compared in place
  if (static_cast<std::size_t>(end_ - at_) < size || std::memcmp(at_, literal.data(), size) != 0)
    return unexpected("expected a value"), JsonToken();
  at_ += size;
  return {kind, {at_ - size, size}};
}

JsonToken JsonReader::number() {
  const std::size_t length = json_number_length({at_, end_});
  if (length == 0) return unexpected("expected a value"), JsonToken();
  at_ += length;
  return {JsonKind::number, {at_ - length, length}};
}

JsonToken JsonReader::string() {
  // Nearly all strings are plain ASCII text and do not end with the document.
  const char* p = at_ + 1;
  for (; end_ - p >= kBlock; p += kBlock) {
    const std::uint32_t marked = marks(p);
    if (marked == 0) continue;
    p += std::countr_zero(marked);
    if (*p == '"') return closed_string(p, TextForm::ascii);
    break;
  }
  return any_string(p);
}

// A string that is plain ASCII up to `p`.
JsonToken JsonReader::any_string(const char* p) {
  bool ascii = true, escaped = false;
  p = find_mark(p, end_, ascii);
  while (p != end_ && *p == '\\') {
    escaped = true;
    p = end_ - p >= 2 ? find_mark(p + 2, end_, ascii) : end_;
  }
  if (p == end_) return fail("a string is not closed"), JsonToken();
  if (*p != '"') return fail("a string holds a control character that is not escaped"), JsonToken();
  if (escaped && !escapes_are_valid({at_ + 1, p}))
    return fail("a string holds an unknown escape"), JsonToken();
  ascii_ &= ascii;
  return closed_string(p, escaped ? TextForm::escaped : ascii ? TextForm::ascii : TextForm::utf8);
}

JsonToken JsonReader::closed_string(const char* quote, TextForm form) {
  const std::string_view raw(at_, quote + 1);
  at_ = quote + 1;
  return {JsonKind::string, raw, form};
}

// Recursion is bounded by kMaxDepth.
void JsonReader::skip() {
  const JsonToken container(unread_ == '{' ? JsonKind::object : JsonKind::array, {});
  each_member_token(container, [](JsonToken, JsonToken) {});
  each_element(container, [](JsonToken) {});
}

bool JsonReader::is_empty(JsonToken value) {
  switch (value.kind()) {
    case JsonKind::object:
      return next() == '}';
    case JsonKind::array:
      return next() == ']';
    case JsonKind::string:
      return value.raw().size() == 2;
    default:
      return true;
  }
}

std::string_view JsonReader::whole(JsonToken value) {
  if (unread_) skip();
  if (!value.is_object() && !value.is_array()) return value.raw();
  const char* const begin = value.raw().data();
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

std::optional<JsonError> JsonReader::finish() {
  if (unread_) skip();
  next();
  if (at_ != end_) fail("something follows the end of the document");
  if (error_) return JsonError{error_, static_cast<std::size_t>(error_at_ - begin_)};
  const auto size = static_cast<std::size_t>(end_ - begin_);
  if (!ascii_ && !simdjson::validate_utf8(begin_, size))
    return JsonError{"the text is not valid UTF-8", JsonError::kNowhere};
  return std::nullopt;
}

std::optional<std::int64_t> JsonToken::integer() const {
  if (kind_ != JsonKind::number) return std::nullopt;
  const char* const end = begin_ + size_;
  std::int64_t whole = 0;
  const auto read = std::from_chars(begin_, end, whole);
  if (read.ptr == end) return read.ec == std::errc() ? std::optional(whole) : std::nullopt;
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it a double no longer names one integer
  double value = 0;
  const auto real = std::from_chars(begin_, end, value);
  if (real.ec != std::errc() || std::abs(value) > kExact || std::trunc(value) != value) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::optional<std::string> JsonToken::string() const {
  if (!is_string()) return std::nullopt;
  if (form_ != TextForm::escaped) return std::string(inner());
  std::string out;
  append_unescaped(out, inner());
  return out;
}

bool JsonToken::string_into(std::string& out) const {
  if (!is_string()) return false;
  if (form_ != TextForm::escaped) {
    out.assign(inner());
    return true;
  }
  out.clear();
  append_unescaped(out, inner());
  return true;
}

bool equals_escaped(JsonToken token, std::string_view text) { return token.string() == text; }

}  // namespace gantry::wire
