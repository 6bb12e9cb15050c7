#pragma once
// OpenRouter's list of providers (CONTRACT §2, GET /providers), reduced to what turns a provider's name, as
// replies and errors give it, into the slug that a request's `provider` object wants. Read once and never
// changed: safe to read from any thread.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"

namespace gantry::wire {

/// A provider's name without what its display name and its slug differ in, case and punctuation: "Google AI
/// Studio" and "google-ai-studio" (CONTRACT §6.4 has both forms).
std::string bare_provider_name(std::string_view name);

class ProviderSlugs {
 public:
  /// From the body of GET /providers: {"data":[{"name":…,"slug":…}]}. Unknown fields are passed over, so is
  /// an entry without name or slug; of two with the same name the first stands. Errors: malformed, when it is
  /// not such a list.
  static Result<ProviderSlugs> parse(std::string_view body);

  /// By the name as it is listed, by the slug, else by either in another case or punctuation when that is one
  /// provider's alone. "" when the list does not name it.
  [[nodiscard]] std::string_view find(std::string_view name) const;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Slugs = std::unordered_map<std::string, std::string, Hash, std::equal_to<>>;

  void add_bare(std::string_view name, const std::string& slug);

  Slugs exact_;
  Slugs bare_;  // "" where two providers share one
  std::size_t size_ = 0;
};

}  // namespace gantry::wire
