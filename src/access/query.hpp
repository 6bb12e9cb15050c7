#pragma once
// The query of a request line, and parts of its path. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/fields.hpp"

namespace gantry::access {

/// With %XX decoded; nullopt when one is broken. `plus` says what a '+' is: in a query a space.
enum class Plus : std::uint8_t { plus, space };
std::optional<std::string> percent_decoded(std::string_view text, Plus plus);
/// Everything but letters, digits, '-', '.', '_' and '~' as %XX.
std::string percent_encoded(std::string_view text);

/// `a=1&b=2`. A parameter that is not known, comes twice or is not well encoded is a problem.
class Query {
 public:
  Query(std::string_view text, std::span<const std::string_view> known, Problems& problems);
  /// nullopt when it is absent or empty.
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;

 private:
  struct Parameter {
    std::string name, value;
  };
  std::vector<Parameter> parameters_;
};

}  // namespace gantry::access
