#pragma once
// Requests are edited by splicing bytes: everything that is not edited stays byte-identical (prompt and
// response caches depend on it, CONTRACT §10.2–3). The result is a list of views for a gathered write; the
// body is never copied.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::wire {

/// A half-open range of byte offsets into a body.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const ByteRange&) const = default;
};

/// What to cut so that a member leaves its object, with the comma that parted it from a neighbour. `value`
/// are the bytes of the member's value in `json`, which is known to be JSON; its name holds no quote.
ByteRange member_around(std::string_view json, ByteRange value);

/// Collects edits of one body and yields the pieces of the edited one. The body outlives it; the pieces live
/// as long as both. Ranges must not overlap; they may be given in any order.
class Splice {
 public:
  explicit Splice(std::string_view body) : body_(body) {}
  void replace(ByteRange range, std::string text);
  void insert(std::size_t at, std::string text) { replace({at, at}, std::move(text)); }
  [[nodiscard]] std::string_view body() const { return body_; }
  [[nodiscard]] bool unchanged() const { return edits_.empty(); }
  /// Pieces in order; empty ones left out.
  [[nodiscard]] std::vector<std::string_view> pieces();
  /// The edited body as one string, for tests and small bodies.
  [[nodiscard]] std::string joined();

 private:
  struct Edit {
    ByteRange range;
    std::string text;
  };
  std::string_view body_;
  std::vector<Edit> edits_;
};

}  // namespace gantry::wire
