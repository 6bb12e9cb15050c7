#pragma once
// When a stream is given up for want of bytes or tokens (DESIGN §4, Time). Pure.

#include <string_view>

#include "config/config.hpp"
#include "route/outcome.hpp"

namespace gantry::engine {

/// One attempt's stream. Comments are bytes and no tokens. Of tokens there may be a floor: over each `stall`
/// of time at least `min_rate` a second, where a chunk with content counts as one, as most providers send
/// them.
class StreamClocks {
 public:
  /// `limits` outlives it. `min_rate` in tokens a second; 0 is no floor.
  StreamClocks(const config::Timeouts& limits, double min_rate, MonoTime began)
      : limits_(limits), min_rate_(min_rate), began_(began), last_byte_(began), last_token_(began) {}

  struct Limit {
    MonoTime until;
    route::Outcome outcome;
    std::string_view why;  ///< a fixed text
  };
  /// What ends it next if nothing comes, at `given_up` at the latest.
  [[nodiscard]] Limit limit(MonoTime given_up) const;

  void byte(MonoTime now) { last_byte_ = now; }
  /// False when the tokens since the last look came slower than the floor.
  [[nodiscard]] bool token(MonoTime now);

 private:
  const config::Timeouts& limits_;
  double min_rate_;
  MonoTime began_, last_byte_, last_token_, counted_from_{};
  unsigned counted_ = 0;
  bool token_seen_ = false;
};

}  // namespace gantry::engine
