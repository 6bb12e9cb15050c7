#pragma once
// hold = "calibrated": what is set aside for a call is learned from what calls of the same client key on the
// same model cost (DESIGN §5). Far less than the bound, which assumes the worst of every part. Pure; one
// shard's own, not shared.
//
// What it promises. The hold is never above the bound, so no call is set aside more for than without it; and
// a call whose bill stays within its bound overshoots by bound − hold at most. How often: for n costs that do
// not drift, the ⌈q (n + 1)⌉-th smallest is exceeded by the next one with a probability of at most 1 − q (all
// orders of n + 1 such costs are equally likely), and the hold is that one rounded up, by an eighth at most.
// So at most one call in a hundred overshoots, and with fewer than kLeast costs nothing is said. Costs that
// grow are learned within about a thousand calls: each kRemembered costs the weight of all before is halved.
//
// Bounded: with kPairs pairs known, a new one takes the place of the one that was not used for longest.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/money.hpp"
#include "spend/account.hpp"

namespace gantry::spend {

/// A histogram of costs whose steps are an eighth of their power of two.
class CostHistogram {
 public:
  static constexpr std::uint32_t kRemembered = 2'000;
  static constexpr std::uint32_t kOverOneIn = 100;         ///< 1 − q
  static constexpr std::uint32_t kLeast = kOverOneIn - 1;  ///< costs without which nothing is said

  void add(PicoUsd cost);
  /// nullopt while too little is known.
  [[nodiscard]] std::optional<PicoUsd> high() const;

 private:
  static constexpr int kLowest = 10;  // 2¹⁰ pico-dollars and less are one step: a thousandth of a token
  static constexpr std::size_t kSteps = 8;
  static constexpr std::size_t kBuckets = 1 + (63 - kLowest) * kSteps;
  static std::size_t bucket_of(PicoUsd cost);
  static PicoUsd top_of(std::size_t bucket);
  void halve();

  std::array<std::uint16_t, kBuckets> counts_{};
  std::uint32_t total_ = 0;
};

class Calibrated {
 public:
  static constexpr std::size_t kPairs = 512;  ///< less than half a megabyte

  explicit Calibrated(std::size_t pairs = kPairs) : pairs_(pairs) {}

  /// A call's settled cost.
  void learn(AccountId key, std::string_view model, PicoUsd cost);
  /// What to set aside for a call with this bound; nullopt as bound: it has none. Without enough that is
  /// known it is the bound.
  [[nodiscard]] std::optional<PicoUsd> hold(AccountId key, std::string_view model,
                                            std::optional<PicoUsd> bound);
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  using Pair = std::pair<AccountId, std::string>;
  struct Before {
    using is_transparent = void;
    using View = std::pair<AccountId, std::string_view>;
    bool operator()(const Pair& a, const Pair& b) const { return a < b; }
    bool operator()(const Pair& a, const View& b) const { return View(a) < b; }
    bool operator()(const View& a, const Pair& b) const { return a < View(b); }
  };
  struct Known {
    std::unique_ptr<CostHistogram> costs;
    std::uint64_t used = 0;
  };
  void make_room();

  const std::size_t pairs_;
  std::map<Pair, Known, Before> known_;
  std::uint64_t uses_ = 0;
};

}  // namespace gantry::spend
