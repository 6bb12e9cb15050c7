#pragma once
// What the tests of provider.hpp share.

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "wire/provider.hpp"

namespace gantry::wire {

using Slugs = std::vector<std::string>;

// A policy that owns what ProviderPolicy views.
struct Rules {
  bool zdr = false;
  bool deny = false;
  Slugs only = {}, ignore = {};
  std::string prompt = {}, completion = {};
  [[nodiscard]] ProviderPolicy policy() const {
    return {"fast", zdr, deny, only, ignore, prompt, completion};
  }
};

inline std::expected<ProviderMerge, Refusal> merge(std::string_view client, const Rules& rules,
                                                   const Slugs& avoid = {}) {
  const std::vector<std::string_view> views(avoid.begin(), avoid.end());
  const auto policy = rules.policy();
  return merge_provider(client, policy, views);
}

}  // namespace gantry::wire
