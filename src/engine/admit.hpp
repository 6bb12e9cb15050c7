#pragma once
// From a scanned request to what will be asked of upstream: route, chain and edits; or a refusal before
// anything is sent. Pure.

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "spend/bound.hpp"
#include "wire/dialect.hpp"
#include "wire/edit.hpp"
#include "wire/provider.hpp"
#include "wire/request.hpp"

namespace gantry::engine {

/// More models than this in a client's own `models` are refused: each may cost an attempt.
inline constexpr std::size_t kMaxClientModels = 16;

/// What was decided for a call. Views are of the configuration snapshot and of strings that the facts own,
/// not of the body: both must stay where they were when it was made.
struct Admission {
  const config::Route* route = nullptr;
  std::string_view route_name;  ///< "-" when the client named a plain model id
  std::vector<std::string_view>
      chain;  ///< models that Gantry asks, in order; the first may be "" (the account's default model)
  /// Models that OpenRouter is to go on to itself behind `carrier` (an index into the chain), as `models`
  /// (docs/decisions/0009).
  std::vector<std::string_view> upstream_chain;
  std::size_t carrier = 0;
  bool models_as_sent = false;  ///< the client's own `models` goes along with the carrier, as it is written
  std::optional<std::string> provider;  ///< the client's object under the route's policy, where they differ
  wire::ProviderDemands demands;        ///< what client and policy ask of upstreams other than OpenRouter
  std::string_view asked;               ///< what the client asked for, for logs
};

/// `fallback` is the client's x-gantry-fallback header: "none" keeps to the one model it named (DESIGN §1,
/// route).
std::expected<Admission, wire::Refusal> admit(std::string_view body, const wire::RequestFacts& facts,
                                              const config::Config& config,
                                              std::optional<std::string_view> fallback);

/// What one attempt asks.
struct Asking {
  std::size_t candidate = 0;                     ///< index into the chain
  std::string_view as = {};                      ///< its name where it is asked, when that is not the chain's
  bool again = false;                            ///< it was asked before in this call
  std::span<const std::string_view> avoid = {};  ///< providers behind open breakers, as slugs
  std::int64_t most_tokens = 0;                  ///< what can be paid for; 0 = no bound
  /// Put before `user` and `session_id`, so that clients who share the upstream key neither share sessions
  /// nor are blocked for each other's end users; "" = nothing.
  std::string_view space = {};
  /// What endpoints may cost at most, where the bound of the call depends on it; null = whatever they do.
  const spend::PriceCap* price_cap = nullptr;
};

/// The limit of each answer that is sent: what the client set (of two limits the larger, since nobody says
/// which one holds), else the route's; lowered to the route's ceiling and to `most_tokens`.
std::int64_t sent_limit(const wire::RequestFacts& facts, const config::Route& route,
                        std::int64_t most_tokens);

/// The request's edits for one attempt: max_tokens set or clamped, temperature by route, model, `models` and
/// `provider` replaced where they differ from what the client wrote; for another upstream, what only
/// OpenRouter knows is left out (wire/portable.hpp). Everything else stays byte-identical. `body` is the one
/// that was admitted.
void edit(wire::Splice& body, const wire::RequestFacts& facts, const Admission& admission,
          const wire::Dialect& dialect, const Asking& asking);

}  // namespace gantry::engine
