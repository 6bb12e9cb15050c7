#pragma once
// The classes of an attempt's end (DESIGN §4) and what a client is told of each. How an end gets its class is
// verdict.hpp. Pure.

#include <string_view>

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

/// The status and error_type a client sees for an outcome that no fallback cured (DESIGN §6: upstream's
/// 401/402 about our key become 502/503).
struct ClientStatus {
  int status;
  std::string_view error_type;
};
ClientStatus client_status(Outcome outcome, int upstream_status);

}  // namespace gantry::route
