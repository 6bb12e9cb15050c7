#pragma once
// What a client key may do, besides spending what its account has (DESIGN §5). Pure.
//
// What a new key may do: ask any route and any model as often as it likes, and nothing that costs or reaches
// beyond the answer of a model. That is off until an operator allows it:
//   plugins, server_tools  cost money beside tokens (searches, OCR, other models), and zero data retention
//   does
//                          not cover them: parts of the prompt reach third parties
//   presets                the account's presets put prompts, tools and provider rules into a request after
//                          everything here was checked
//   debug                  shows what is really sent upstream, the operator's additions too
//   response_cache         all clients share the upstream key, and with it one cache: a hit gives one client
//   the
//                          answer that another one paid for, and tells that it asked

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/fields.hpp"
#include "base/result.hpp"
#include "wire/request.hpp"

namespace gantry::access {

/// What is off unless it is allowed.
enum class Feature : std::uint8_t { plugins, server_tools, presets, debug, response_cache };
inline constexpr std::array kFeatures{Feature::plugins, Feature::server_tools, Feature::presets,
                                      Feature::debug, Feature::response_cache};
std::string_view name(Feature feature);
std::optional<Feature> feature_named(std::string_view name);

using Features = std::array<bool, kFeatures.size()>;

struct KeyPolicy {
  /// Names of routes; nullopt = all. A call for a plain model id has no route of a name.
  std::optional<std::vector<std::string>> routes{};
  /// All models that a call may be sent to, whoever names them: ids, or `author/*` and `upstream:*` for all
  /// of one; nullopt = all. `author/slug` is not `author/slug:nitro`, which has another price;
  /// `author/slug:*` is.
  std::optional<std::vector<std::string>> models{};
  std::optional<std::int64_t> requests_per_minute{}, tokens_per_minute{},
      concurrency{};    ///< nullopt = no limit
  Features features{};  ///< by Feature

  [[nodiscard]] bool allows(Feature feature) const { return features.at(static_cast<std::size_t>(feature)); }
  [[nodiscard]] bool allows_route(std::string_view route) const;
  /// With or without `@preset/…` behind it.
  [[nodiscard]] bool allows_model(std::string_view model) const;
  bool operator==(const KeyPolicy&) const = default;
};

/// What of a policy is set, and what stays as it is.
struct PolicyChange {
  Said<std::vector<std::string>> routes{}, models{};
  Said<std::int64_t> requests_per_minute{}, tokens_per_minute{}, concurrency{};
  std::array<std::optional<bool>, kFeatures.size()> features{};
  bool operator==(const PolicyChange&) const = default;
};
PolicyChange read_policy(const Field& field, Problems& problems);
KeyPolicy changed(KeyPolicy policy, const PolicyChange& change);

/// All members, so that a default that changes later changes no key that there is.
std::string to_json(const KeyPolicy& policy);
/// As the ledger keeps it. Errors: bad_input for what this program does not understand: it may be a newer
/// one's restriction, so whoever reads it must not pass it over.
Result<KeyPolicy> parse_policy(std::string_view json);

/// What of a request a policy decides on.
struct Asked {
  std::string_view route;                    ///< the name of a route; "" when a plain id was asked for
  std::span<const std::string_view> models;  ///< that the client named, also in its `models`
  std::span<const std::string_view> chain;   ///< of the route, where the client named none
  Features features{};                       ///< that it uses
};
/// Why it is refused (403), and how an operator changes that; nullopt = it may go on. `key` is the key's
/// public id. Of a route's chain one allowed model is enough: the plan passes over the others (allows_model).
std::optional<wire::Refusal> why_not(const KeyPolicy& policy, const Asked& asked, std::string_view key);

}  // namespace gantry::access
