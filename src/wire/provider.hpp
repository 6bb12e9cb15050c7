#pragma once
// The request's `provider` object (CONTRACT §3.3) and what a route demands of it: a client may tighten the
// route's policy, never loosen it. Pure.

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/request.hpp"

namespace gantry::wire {

/// A route's policy, as views of its configuration.
struct ProviderPolicy {
  std::string_view route;  ///< its name, for those whom it refuses
  bool zdr = false;
  bool deny_data_collection = false;
  std::span<const std::string> only;      ///< slugs; none = all providers
  std::span<const std::string> ignore;    ///< slugs
  std::string_view max_price_prompt;      ///< USD per million tokens, a decimal; "" = no limit
  std::string_view max_price_completion;  ///< the same
  [[nodiscard]] bool demands_nothing() const {
    return !zdr && !deny_data_collection && only.empty() && ignore.empty() && max_price_prompt.empty() &&
           max_price_completion.empty();
  }
};

/// What the object that is sent demands, for whoever would ask an upstream that does not read it.
struct ProviderDemands {
  bool zdr = false;
  bool deny_data_collection = false;
  bool only = false;
  bool operator==(const ProviderDemands&) const = default;
};

struct ProviderMerge {
  std::optional<std::string>
      object;  ///< to be sent instead; nullopt: what the client sent, or nothing, stands
  ProviderDemands demands;
};

/// The client's object ("" when there is none, or null) under a route's policy:
/// - `zdr` and `data_collection`: the stricter wins;
/// - `only`: the intersection; an empty one is refused, as is an `ignore` of the route that leaves nothing of
/// it;
/// - `ignore`: the union;
/// - `max_price`: the smaller of prompt and of completion, the client's kept as it is written;
/// - `avoid`, providers that are down, are ignored too, unless the client pinned one of them (in `only`, or
/// in
///   `order` with allow_fallbacks false: those stay), or nothing of `only` would be left (then none is
///   added).
/// All other members keep their bytes and their order; null members count as absent. `client` is JSON. What
/// Gantry has to act on and cannot read is refused; without a policy it is left to upstream.
std::expected<ProviderMerge, Refusal> merge_provider(std::string_view client, const ProviderPolicy& policy,
                                                     std::span<const std::string_view> avoid);

/// True when `slug` is the provider `base` or a variant or region of it: `google-vertex` covers
/// `google-vertex/us-east5`. A service tier is covered by itself only (`openai/priority`).
bool covers(std::string_view base, std::string_view slug);

}  // namespace gantry::wire
