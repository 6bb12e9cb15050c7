#pragma once
// The class of an attempt's end (DESIGN §4) and what follows from it. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/reply.hpp"

namespace gantry::route {

enum class Outcome {
  delivered,
  empty,
  rate_limited,
  overloaded,
  upstream_error,
  unreachable,
  ambiguous,
  silent,
  slow,
  model_missing,
  too_long,
  refused_content,
  bad_request,
  bad_key,
  out_of_money,
  cancelled,
};
inline constexpr int kOutcomes = static_cast<int>(Outcome::cancelled) + 1;
std::string_view name(Outcome outcome);

/// May another model of the chain be asked? (DESIGN §4, "Next model?")
bool may_fall_back(Outcome outcome);

/// From an error body, in DESIGN's order: availability.retryable → error_type → HTTP status. Unknown future
/// codes: a 4xx is bad_request, anything else upstream_error.
Outcome classify(const wire::UpstreamError& error);

/// From a transport failure. `sent`: the request had been handed to the network.
enum class Sent { no, yes };
Outcome classify(Fault fault, Sent sent);

/// From a whole plain reply with status 200: delivered, empty, or the class of its error. `broken` JSON is
/// upstream_error (use classify(Fault::malformed, Sent::yes)).
Outcome classify(const wire::ReplyFacts& reply);

/// The status and error_type a client sees for an outcome that no fallback cured (DESIGN §6: upstream's
/// 401/402 about our key become 502/503).
struct ClientStatus {
  int status;
  std::string_view error_type;
};
ClientStatus client_status(Outcome outcome, int upstream_status);

}  // namespace gantry::route
