#include "engine/stream_clocks.hpp"

namespace gantry::engine {

using route::Outcome;

StreamClocks::Limit StreamClocks::limit(MonoTime given_up) const {
  const MonoTime silent = earlier(given_up, last_byte_, limits_.silence);
  const MonoTime tokens = token_seen_ ? earlier(given_up, last_token_, limits_.stall)
                                      : earlier(given_up, began_, limits_.first_token);
  if (tokens <= silent)
    return token_seen_ ? Limit{tokens, Outcome::slow, "the stream stalled between tokens"}
                       : Limit{tokens, Outcome::silent, "no first token came in time"};
  return {silent, token_seen_ ? Outcome::slow : Outcome::silent, "the stream fell silent"};
}

bool StreamClocks::token(MonoTime now) {
  last_token_ = now;
  if (!token_seen_) {
    token_seen_ = true;
    counted_from_ = now;  // the first token's time is first_token's to judge
    return true;
  }
  ++counted_;
  const Duration span = now - counted_from_;
  if (min_rate_ <= 0 || span < limits_.stall) return true;
  const bool enough = counted_ >= min_rate_ * std::chrono::duration<double>(span).count();
  counted_from_ = now;
  counted_ = 0;
  return enough;
}

}  // namespace gantry::engine
