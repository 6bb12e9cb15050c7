#include "spend/calibrated.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace gantry::spend {

// ---- CostHistogram

std::size_t CostHistogram::bucket_of(PicoUsd cost) {
  if (cost.value <= std::int64_t{1} << kLowest) return 0;
  // A power of two is the top of the bucket below it.
  const auto below = static_cast<std::uint64_t>(cost.value) - 1;
  const auto power = static_cast<int>(std::bit_width(below)) - 1;
  const auto step = static_cast<std::size_t>(below >> (power - 3)) - kSteps;
  return 1 + static_cast<std::size_t>(power - kLowest) * kSteps + step;
}

PicoUsd CostHistogram::top_of(std::size_t bucket) {
  if (bucket == 0) return {std::int64_t{1} << kLowest};
  const auto power = static_cast<int>((bucket - 1) / kSteps) + kLowest;
  const std::uint64_t top = (kSteps + (bucket - 1) % kSteps + 1) << (power - 3);
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return {static_cast<std::int64_t>(std::min(top, kMost))};
}

void CostHistogram::add(PicoUsd cost) {
  if (total_ >= kRemembered) halve();
  ++counts_[bucket_of(cost)];
  ++total_;
}

// From the top down, and what does not halve goes to the next bucket below: so as many as before, halved, lie
// above each step, and a long thin tail is not forgotten bucket by bucket.
void CostHistogram::halve() {
  std::uint32_t left = 0;
  total_ = 0;
  for (std::size_t bucket = kBuckets; bucket-- > 0;) {
    const std::uint32_t count = counts_[bucket] + left;
    counts_[bucket] = static_cast<std::uint16_t>(count / 2);
    left = count % 2;
    total_ += count / 2;
  }
}

// At most n − ⌈q (n + 1)⌉ = ⌊(n + 1) / kOverOneIn⌋ − 1 costs may lie above.
std::optional<PicoUsd> CostHistogram::high() const {
  if (total_ < kLeast) return std::nullopt;
  const std::uint32_t most_above = (total_ + 1) / kOverOneIn - 1;
  std::uint32_t above = 0;
  std::size_t bucket = kBuckets - 1;
  while (bucket > 0 && above + counts_[bucket] <= most_above) above += counts_[bucket--];
  return top_of(bucket);
}

// ---- Calibrated

void Calibrated::learn(AccountId key, std::string_view model, PicoUsd cost) {
  auto found = known_.find(Before::View(key, model));
  if (found == known_.end()) {
    if (known_.size() >= pairs_) make_room();
    found = known_.emplace(Pair(key, model), Known{.costs = std::make_unique<CostHistogram>()}).first;
  }
  found->second.costs->add(cost);
  found->second.used = ++uses_;
}

std::optional<PicoUsd> Calibrated::hold(AccountId key, std::string_view model, std::optional<PicoUsd> bound) {
  const auto found = known_.find(Before::View(key, model));
  if (found == known_.end()) return bound;
  found->second.used = ++uses_;
  const auto high = found->second.costs->high();
  return high && bound ? std::min(*high, *bound) : high ? high : bound;
}

void Calibrated::make_room() {
  known_.erase(std::ranges::min_element(known_, {}, [](const auto& entry) { return entry.second.used; }));
}

}  // namespace gantry::spend
