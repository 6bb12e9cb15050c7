#pragma once
// What upstream charged to a key beyond what was booked for it (DESIGN §5, totals). Pure.
//
// Upstream tells one number, `usage`, which only grows; the ledger has another, all that was ever settled on
// the key. Their difference moves for three reasons: somebody else spends on the key; what is under way or
// pending was charged there and is not settled here; and what was settled here is not in what was told, since
// it was asked for a moment before, or upstream is slow to count. Only the first is unexplained, so at each
// look it is known within bounds,
//
//     told a look ago − settled − under way  ≤  unexplained  ≤  told − settled a look ago,
//
// (counted from the first look on), and is taken to be as it was, as far as these allow. What is under way is
// counted at its estimate, which may be low: a look's time later the most of it is settled. With nobody else
// the answer is zero at every look; with somebody it is exact at the second look at which nothing is under
// way.

#include <optional>

#include "base/money.hpp"

namespace gantry::spend {

/// What is remembered of a key between two looks.
struct KeyMeter {
  PicoUsd told, booked;  ///< at the last look
  PicoUsd base;          ///< told − booked where the comparing began
  PicoUsd slack;         ///< what was under way there, and may have been in `told` already
  PicoUsd unexplained;   ///< since then
  bool operator==(const KeyMeter&) const = default;
};

struct KeyLook {
  PicoUsd told;    ///< `usage` as upstream says
  PicoUsd booked;  ///< settled on the key, later than that
  PicoUsd open;    ///< the most that is under way or pending on it, at the same time
};

/// What came to a key's sums between two looks.
struct KeyGrowth {
  PicoUsd told, booked, unexplained;
};

KeyMeter begin_meter(const KeyLook& look);
/// nullopt: usage shrank, or an amount leaves its range. It is not the same key any more, or it was reset,
/// and the comparing begins anew.
std::optional<KeyGrowth> advance(KeyMeter& meter, const KeyLook& look);

}  // namespace gantry::spend
