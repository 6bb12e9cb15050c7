#pragma once
// HTTP header fields, in order, names compared without case (RFC 9110 §5.1).

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::net {

namespace detail {
bool same_letters(std::string_view a, std::string_view b);
}
/// ASCII case-insensitive equality. Most names differ in length already: that much is inline.
inline bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && detail::same_letters(a, b);
}
/// True when the comma list `value` holds `token` (case-insensitive), as in Connection: keep-alive, Upgrade.
bool list_has(std::string_view value, std::string_view token);

struct Header {
  std::string_view name;
  std::string_view value;
};

/// Views into bytes that somebody else owns; cheap to fill on every request.
class HeaderView {
 public:
  void add(std::string_view field, std::string_view value) { fields_.push_back({field, value}); }
  void clear() { fields_.clear(); }
  /// The first field of that name; nullopt when absent.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view field) const;
  [[nodiscard]] std::size_t count(std::string_view field) const;
  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Header> fields_;
};

}  // namespace gantry::net
