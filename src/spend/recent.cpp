#include "spend/recent.hpp"

#include <algorithm>

namespace gantry::spend {

void RecentSpend::note(WallTime now, PicoUsd committed) {
  if (count_ > 0) {
    const WallTime last = samples_[(count_ - 1) % kSamples].at;
    if (now < last) count_ = 0;
    if (count_ > 0 && now - last < std::chrono::seconds{1}) return;
  }
  samples_[count_++ % kSamples] = {now, committed};
}

PicoUsd RecentSpend::spent(WallTime now, PicoUsd committed) const {
  const std::size_t kept = std::min(count_, kSamples);
  if (kept == 0) return {};
  Sample since = samples_[(count_ - kept) % kSamples];
  for (std::size_t back = kept; back > 0; --back) {
    const Sample& sample = samples_[(count_ - back) % kSamples];
    if (now - sample.at >= kRecent) since = sample;
  }
  const std::int64_t grown = committed.value - since.committed.value;
  if (grown <= 0) return {};
  const Duration over = now - since.at;
  if (over <= kRecent) return {grown};
  return {static_cast<std::int64_t>(static_cast<__int128>(grown) * kRecent.count() / over.count())};
}

bool RecentSpend::long_enough(WallTime now) const {
  return count_ > 0 && now - samples_[(count_ - std::min(count_, kSamples)) % kSamples].at >= kRecent;
}

}  // namespace gantry::spend
