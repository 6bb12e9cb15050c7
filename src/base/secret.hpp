#pragma once
// A string that must never be shown. It prints as ***, does not compare in variable time, and wipes its
// memory.

#include <string>
#include <string_view>
#include <utility>

namespace gantry {

/// Holds a key or token. Movable and copyable (snapshots share it); `reveal()` is the one way to the text and
/// is easy to search for. There is deliberately no operator<< and no formatter that prints the text.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  [[nodiscard]] std::string_view reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

  /// Compares without leaking where the first difference is.
  [[nodiscard]] bool matches(std::string_view candidate) const;

  /// `sk-or-v1-abc...123` (CONTRACT §1.2): enough to recognise a key, not to use it; `***` for anything
  /// short.
  [[nodiscard]] std::string masked() const { return mask(text_); }
  static std::string mask(std::string_view text);

 private:
  void wipe();
  std::string text_;
};

/// What a Secret looks like wherever it is formatted.
inline std::string_view to_string(const Secret&) { return "***"; }

}  // namespace gantry
