#pragma once
// Which model to ask next, and when: the plan of one call (DESIGN §4), as a pure decision. This is its first
// form: the chain in order, then around again after a jittered pause while tries are left.

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "route/outcome.hpp"
#include "route/wish.hpp"

namespace gantry::route {

struct PlanLimits {
  int retries = 3;  ///< the allowance is max(1 + retries, models in the chain)
  Duration base_delay =
      std::chrono::milliseconds{500};  ///< full jitter: uniform in [0, base × 2^round], capped
  Duration max_delay = std::chrono::seconds{8};
};

/// Ask `model` (an index into the chain) at `at`.
struct Try {
  std::size_t model;
  MonoTime at;
};
/// Nothing is left to ask; what happened last is the answer.
struct Stop {
  std::string why;
};
using Step = std::variant<Try, Stop>;

class Plan {
 public:
  /// `models` ≥ 1; nothing is asked at or after `deadline`.
  Plan(std::size_t models, PlanLimits limits, MonoTime deadline);

  [[nodiscard]] Step first(MonoTime now);
  /// After an attempt on `model` ended in `outcome`. `retry_after` is upstream's wish, zero when it gave
  /// none: a wish that does not fit the deadline takes the model out of this call.
  [[nodiscard]] Step next(std::size_t model, Outcome outcome, Duration retry_after, MonoTime now,
                          Random& random);
  [[nodiscard]] int attempts() const { return attempts_; }
  [[nodiscard]] int allowance() const { return allowance_; }

 private:
  struct ModelState {
    bool out = false;  // asking it again cannot help this call
    MonoTime not_before = MonoTime::min();
  };
  [[nodiscard]] Step choose(std::size_t from, MonoTime now, Random* random);

  std::vector<ModelState> models_;
  PlanLimits limits_;
  MonoTime deadline_;
  int attempts_ = 0;
  int allowance_;
  int round_ = 0;
};

/// May the same model be asked again within this call? (DESIGN §4, "Same model again?")
bool may_retry(Outcome outcome);

}  // namespace gantry::route
