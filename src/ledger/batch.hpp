#pragma once
// What a run of entries comes to: which attempts are left open, which were settled, and the sums that they
// change. Added up in memory, so that a thousand attempts of one key are one addition to its row. Pure;
// internal to src/ledger.

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/entries.hpp"
#include "ledger/ledger.hpp"

namespace gantry::ledger {

/// Memory of texts that were read out of rows.
class Texts {
 public:
  std::string_view keep(std::string_view text) { return text.empty() ? text : kept_.emplace_back(text); }

 private:
  std::deque<std::string> kept_;  // never moves one
};

/// An attempt that began and was not settled: open until it has an end, then pending. Its texts are views: of
/// the entries that told of it, or of Texts.
struct OpenAttempt {
  AttemptId attempt{};
  HolderId holder{};
  std::uint64_t call = 0;
  spend::Path payer{};
  WallTime began{};
  PicoUsd hold{}, estimate{};
  std::uint16_t places = 0;
  std::string_view model{}, route{}, upstream{}, upstream_key{}, generation{};
  std::optional<WallTime> ended{};
  spend::Waste waste = spend::Waste::none;
  bool delivered = false;
  std::string_view outcome{};
};

/// What a sum's money belongs to: who pays, when it was set aside, and by whom in which pots.
struct Purse {
  spend::Path payer;
  std::int32_t day = 0;  ///< of the attempts' beginning
  std::uint16_t places = 0;
  HolderId holder;
  auto operator<=>(const Purse&) const = default;
};
struct TallyKey {
  Purse purse;
  std::string_view model;
  auto operator<=>(const TallyKey&) const = default;
};
struct Tally {
  std::int64_t calls = 0, attempts = 0, prompt_tokens = 0, completion_tokens = 0;
  PicoUsd cost, upstream_cost, computed, assumed, overshoot, pending;
  std::array<PicoUsd, 5> waste{};  ///< by spend::Waste
  PicoUsd spent;                   ///< what the holder has seen end
};

/// What a pot's row changes by.
struct PotChange {
  PicoUsd settled, pending, overshoot;
};
/// What rows change by, in the order in which they are locked.
struct PotChanges {
  std::map<PotId, PotChange> pots;
  std::map<std::pair<PotId, HolderId>, PicoUsd> leases;  ///< `spent` of them
};

/// Lives no longer than the entries that it was given, whose texts it points into.
class Batch {
 public:
  /// An attempt that the ledger knows already, before the entries that speak of it. Its texts may live in
  /// texts().
  void know(const OpenAttempt& attempt);
  [[nodiscard]] Texts& texts() { return texts_; }
  /// Begun attempts are `holder`'s.
  void apply(HolderId holder, const Entry& entry);
  /// A pending attempt is settled, with the end that it had; nullptr when it is not pending. Only the leases
  /// of `by` follow, since no other holder hears of it.
  const OpenAttempt* resolve(HolderId by, const Resolution& resolution);
  /// All attempts without an end become pending at their estimate.
  void give_up(WallTime at);

  struct Kept {
    OpenAttempt open;
    bool known = false;    ///< the ledger has a row of it
    bool changed = false;  ///< and that says something else
    bool settled = false;
  };
  struct Settled {
    const Kept* attempt;
    AttemptSettled end;
  };
  [[nodiscard]] const std::deque<Kept>& attempts() const { return attempts_; }
  [[nodiscard]] const std::vector<Settled>& settled() const { return settled_; }
  [[nodiscard]] const std::map<TallyKey, Tally>& tallies() const { return tallies_; }
  [[nodiscard]] PotChanges pots() const;
  [[nodiscard]] std::int64_t strays() const { return strays_; }

 private:
  void apply_begun(HolderId holder, const AttemptBegun& begun);
  void settle(Kept& kept, const AttemptSettled& end);
  void count_cost(Tally& sums, const Kept& kept, const AttemptSettled& end);
  void leave_pending(Kept& kept, const AttemptPending& end);
  Kept* find(AttemptId attempt);
  Tally& tally(const Kept& kept);

  Texts texts_;
  std::deque<Kept> attempts_;  // never moves one
  boost::unordered_flat_map<std::uint64_t, Kept*> by_id_;
  std::vector<Settled> settled_;
  std::map<TallyKey, Tally> tallies_;
  std::pair<const TallyKey, Tally>* last_tally_ = nullptr;  // neighbours mostly share one
  std::int64_t strays_ = 0;
};

/// What a cost exceeded an attempt's hold by.
PicoUsd overshoot_of(std::uint16_t places, PicoUsd hold, PicoUsd cost);

/// The pots that money of one day is charged to: each account of the path in each period, by their places.
std::array<PotId, 3 * spend::kPeriodCount> pots_of(const spend::Path& payer, std::int32_t day);

}  // namespace gantry::ledger
