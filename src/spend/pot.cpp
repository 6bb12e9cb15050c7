#include "spend/pot.hpp"

#include <algorithm>
#include <limits>

namespace gantry::spend {
namespace {

bool within(std::int64_t committed, std::int64_t amount, std::int64_t granted) {
  return committed <= granted && amount <= granted - committed;
}

std::int64_t sum_within_range(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

bool Pot::fits(PicoUsd amount) const { return within(committed_.load(), amount.value, granted_.load()); }

// Why a take and a keep() cannot both be right about the same money:
//
//  1. A take adds to `committed` (T1) and reads `granted` after it (T2); it stands only if what it made of
//     `committed` is within what T2 read.
//  2. keep() writes the lower `granted` (K1), reads `committed` after it (K2), and raises `granted` again, to
//     what K2 read, when that is more (K3).
//  3. All five are sequentially consistent: one order holds for all of them. If T1 is before K2, then K2
//  reads
//     a `committed` with this take in it, and what is kept covers it. Else T1, and so T2, is after K1, and
//     the take stands only if it is within what was kept.
//  4. So what is committed is within what is kept, whichever way they meet. A take that T2 turns down was in
//     K2's sum for nothing, and then more is kept than needed, never less; and between K1 and K3 a take may
//     be turned down that fits afterwards. Neither is a refusal yet: who was turned down asks again, alone
//     (Accounts).
//
// The first test, before anything is added, keeps a sum from leaving its range, and those who cannot fit from
// being in the way of others.
bool Pot::take(PicoUsd amount) {
  std::int64_t was = committed_.load();
  do {
    if (!within(was, amount.value, granted_.load())) return false;
  } while (!committed_.compare_exchange_weak(was, was + amount.value));  // T1
  if (was + amount.value <= granted_.load()) return true;  // T2
  change({-amount.value});
  return false;
}

void Pot::change(PicoUsd by) {
  std::int64_t was = committed_.load();
  while (!committed_.compare_exchange_weak(was, sum_within_range(was, by.value))) {
  }
}

void Pot::grant(PicoUsd total) {
  if (total.value > granted_.load()) granted_.store(total.value);
}

PicoUsd Pot::keep(PicoUsd wanted) {
  const std::int64_t before = granted_.load();
  if (wanted.value >= before) return {before};
  granted_.store(wanted.value);                      // K1
  const std::int64_t committed = committed_.load();  // K2
  const std::int64_t kept = std::clamp(committed, wanted.value, before);
  if (kept != wanted.value) granted_.store(kept);  // K3
  return {kept};
}

}  // namespace gantry::spend
