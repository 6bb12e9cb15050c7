#pragma once
// Randomness is handed in, like time, so that a seed reproduces a run.

#include <cstdint>

namespace gantry {

/// A small fast generator (SplitMix64 seeding xoshiro256**; Blackman and Vigna, 2018). Not for secrets.
/// One owner, one thread.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  /// Uniform in [0, bound); 0 when bound is 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();

 private:
  std::uint64_t state_[4];
};

/// A seed from the operating system, for production.
std::uint64_t system_seed();

}  // namespace gantry
