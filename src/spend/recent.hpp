#pragma once
// How much of a pot was committed lately: the measure of how large a lease should be (DESIGN §5: slices are
// at most ten seconds of recent spend, or one call's hold). A pure function of samples. Pure.

#include <array>
#include <cstddef>

#include "base/money.hpp"
#include "base/time.hpp"

namespace gantry::spend {

inline constexpr Duration kRecent = std::chrono::seconds{10};

class RecentSpend {
 public:
  /// `committed` at `now`. Samples closer than a second to the last one are passed over. A clock that steps
  /// back starts anew.
  void note(WallTime now, PicoUsd committed);
  /// What the last ten seconds added, never below zero. Of a sample older than that only its share counts:
  /// 30 USD in a minute that nobody looked at are 5.
  [[nodiscard]] PicoUsd spent(WallTime now, PicoUsd committed) const;
  /// Whether it has been looked at for long enough to say that something is not needed.
  [[nodiscard]] bool long_enough(WallTime now) const;

 private:
  struct Sample {
    WallTime at;
    PicoUsd committed;
  };
  static constexpr std::size_t kSamples = 12;  // a second apart, they reach back more than kRecent

  std::array<Sample, kSamples> samples_{};
  std::size_t count_ = 0;  // ever noted since the last start; the newest lies at (count_ - 1) % kSamples
};

}  // namespace gantry::spend
