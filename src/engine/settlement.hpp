#pragma once
// What the end of an attempt says of its cost (DESIGN §5): told, to be computed, nothing, or not known. Pure.
//
// Nothing is recorded as zero because it was not known. Known to cost nothing is what was not sent, what
// upstream answered with an error's status instead of an answer, and what OpenRouter insures: an end with
// finish_reason error, or without a token and a finish_reason (CONTRACT §10.1). A timeout at upstream may
// have been billed all the same (CONTRACT §6.3), and so may whatever broke, fell silent or was cut after it
// was sent.

#include <cstdint>
#include <optional>

#include "route/outcome.hpp"
#include "spend/account.hpp"
#include "wire/reply.hpp"

namespace gantry::engine {

enum class Bill : std::uint8_t { told, tokens, nothing, unknown };

struct AttemptFacts {
  route::Outcome outcome = route::Outcome::delivered;
  bool sent = false;          ///< upstream may have seen the request
  int status = 0;             ///< of upstream's head; 0 when none came
  bool told_failure = false;  ///< upstream said in its answer that it failed, or ended it as an empty one
  bool maybe_billed = false;  ///< see route::Verdict
  bool insured = true;        ///< it is OpenRouter: others give no such promise
  const std::optional<wire::Usage>& usage;
};
Bill bill_of(const AttemptFacts& facts);

struct WasteFacts {
  bool delivered = false;  ///< the client has the answer, or a part of it
  bool client_left = false;
  bool primary = false;  ///< the first model of the chain
};
spend::Waste waste_of(const WasteFacts& facts);

}  // namespace gantry::engine
