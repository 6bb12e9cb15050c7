#include "engine/settlement.hpp"

namespace gantry::engine {

Bill bill_of(const AttemptFacts& facts) {
  if (facts.usage && facts.usage->cost) return Bill::told;
  if (!facts.sent) return Bill::nothing;
  const bool answered = facts.status == 200;
  if (facts.status != 0 && !answered) return facts.maybe_billed ? Bill::unknown : Bill::nothing;
  if (answered && facts.told_failure && facts.insured) return Bill::nothing;
  const bool counted = facts.usage && facts.usage->prompt_tokens && facts.usage->completion_tokens;
  return counted ? Bill::tokens : Bill::unknown;
}

spend::Waste waste_of(const WasteFacts& facts) {
  if (facts.delivered) return spend::Waste::none;
  if (facts.client_left) return spend::Waste::abandoned;
  return facts.primary ? spend::Waste::lost_primary : spend::Waste::retry;
}

}  // namespace gantry::engine
