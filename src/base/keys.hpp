#pragma once
// What looks like a key in a text, for everybody who must not show one. Pure.

#include <cstddef>
#include <optional>
#include <string_view>

namespace gantry {

struct KeyShape {
  std::size_t prefix = 0;  ///< of its beginning, "sk-or-", "sk-" or "gk-": this much may stay readable
  std::size_t length = 0;  ///< of all of it
  [[nodiscard]] bool is_openrouters() const { return prefix == 6; }
};

/// The key that begins at `at`, in any case: `sk-or-` with a letter or digit behind it (within a word, five
/// characters), or `sk-` or `gk-` where a word begins, with eight characters behind it; "sk-learn" is a word.
/// A whole client key (access/client_key.hpp) is one wherever it stands.
/// Masked labels (sk-or-v1-abc...123) are keys too. Dots at the end are the sentence's.
std::optional<KeyShape> key_at(std::string_view text, std::size_t at);

}  // namespace gantry
