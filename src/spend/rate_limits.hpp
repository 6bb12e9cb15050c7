#pragma once
// How often one client key may call: requests and tokens a minute, and calls at a time (DESIGN §5). Pure:
// time is an argument.
//
// The two rates are counted by virtual scheduling (GCRA): one number says when everything that was admitted
// will have drained at the allowed rate, and a call is admitted while that lies less than a minute ahead. So
// a key that was quiet may send a minute's allowance at once, no clock minute has an edge where twice as much
// fits, "when may I come again" is exact, and each limit is one compare and exchange. In any minute at most
// twice the allowance is admitted, over any long time the allowance.
//
// A call with more tokens than a minute allows is admitted when everything has drained, and those after it
// wait the longer: it is late, not impossible.
//
// Lock-free; any thread. A call that is refused by one limit takes nothing of the others.

#include <atomic>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace gantry::spend {

/// Each nullopt is no limit. They may change between calls.
struct RateLimits {
  std::optional<std::int64_t> requests{};  ///< a minute
  std::optional<std::int64_t> tokens{};    ///< a minute
  std::optional<std::int64_t> concurrent{};
};

enum class RateLimit : std::uint8_t { requests, tokens, concurrency };
std::string_view name(RateLimit limit);

struct RateRefusal {
  RateLimit limit = RateLimit::requests;  ///< the one to wait for longest
  Duration retry_after{};                 ///< above zero
};

class RateState;

/// A call that is under way. Its place among those at a time is free when this is gone. The RateState must
/// outlive it.
class Admission {
 public:
  Admission() = default;
  Admission(Admission&& other) noexcept;
  Admission& operator=(Admission&& other) noexcept;
  ~Admission() { end(); }

  /// The tokens that the call really took, in place of those it was admitted with. The last word counts.
  void correct(std::int64_t tokens, MonoTime now);

 private:
  friend class RateState;
  void end();

  RateState* state_ = nullptr;
  std::optional<std::int64_t> token_limit_;
  Duration charged_{};
};

/// What a key has used of its limits.
class RateState {
 public:
  RateState() = default;
  RateState(const RateState&) = delete;

  /// `tokens`: estimated, ≥ 0.
  [[nodiscard]] std::expected<Admission, RateRefusal> admit(const RateLimits& limits, std::int64_t tokens,
                                                            MonoTime now);
  [[nodiscard]] std::int64_t running() const { return running_.load(std::memory_order_relaxed); }

 private:
  friend class Admission;

  /// When all that was admitted has drained.
  class Flow {
   public:
    /// How long `cost` has to wait; zero or less when it does not.
    [[nodiscard]] Duration wait(Duration cost, MonoTime now) const;
    [[nodiscard]] bool take(Duration cost, MonoTime now);
    void change(Duration by, MonoTime now);

   private:
    std::atomic<Duration::rep> drained_{std::numeric_limits<Duration::rep>::min()};
  };

  struct Costs {
    Duration request, tokens;
  };

  [[nodiscard]] std::optional<RateRefusal> ask(const RateLimits& limits, const Costs& costs,
                                               MonoTime now) const;
  [[nodiscard]] bool enter(std::int64_t most);

  Flow requests_, tokens_;
  std::atomic<std::int64_t> running_{0};
};

}  // namespace gantry::spend
