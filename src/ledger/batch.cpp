#include "ledger/batch.hpp"

#include <chrono>
#include <limits>
#include <utility>

#include "spend/window.hpp"

namespace gantry::ledger {
namespace {

// A sum that leaves the range stays at its end, where the store refuses the next addition.
void grow(PicoUsd& sum, PicoUsd by) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (__builtin_add_overflow(sum.value, by.value, &sum.value))
    sum.value = by.value > 0 ? Limits::max() : Limits::min();
}
void shrink(PicoUsd& sum, PicoUsd by) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (__builtin_sub_overflow(sum.value, by.value, &sum.value))
    sum.value = by.value < 0 ? Limits::max() : Limits::min();
}

}  // namespace

PicoUsd overshoot_of(std::uint16_t places, PicoUsd hold, PicoUsd cost) {
  return places != 0 && cost > hold ? PicoUsd{cost.value - hold.value} : PicoUsd{};
}

std::array<PotId, 3 * spend::kPeriodCount> pots_of(const spend::Path& payer, std::int32_t day) {
  const WallTime at{std::chrono::days{day}};
  std::array<PotId, 3 * spend::kPeriodCount> pots;
  auto* pot = pots.data();
  for (const auto account : {payer.key, payer.project, payer.organisation})
    for (const auto period : spend::kPeriods) *pot++ = {account, spend::window_of(period, at)};
  return pots;
}

Batch::Kept* Batch::find(AttemptId attempt) {
  const auto found = by_id_.find(attempt.value);
  return found == by_id_.end() || found->second->settled ? nullptr : found->second;
}

Tally& Batch::tally(const Kept& kept) {
  const auto day = spend::window_of(spend::Period::daily, kept.open.began).number;
  const OpenAttempt& open = kept.open;
  const TallyKey key{{open.payer, day, open.places, open.holder}, open.model};
  if (!last_tally_ || last_tally_->first != key) last_tally_ = &*tallies_.try_emplace(key).first;
  return last_tally_->second;
}

void Batch::know(const OpenAttempt& attempt) {
  Kept& kept = attempts_.emplace_back(attempt, true);
  by_id_.emplace(kept.open.attempt.value, &kept);
}

void Batch::apply(HolderId holder, const Entry& entry) {
  if (const auto* begun = std::get_if<AttemptBegun>(&entry)) return apply_begun(holder, *begun);
  const auto id = std::visit([](const auto& told) { return told.attempt; }, entry);
  Kept* kept = find(id);
  const auto* end = std::get_if<AttemptPending>(&entry);
  if (!kept || (end && kept->open.ended)) {
    ++strays_;
    return;
  }
  kept->changed = true;
  if (end)
    leave_pending(*kept, *end);
  else if (const auto* seen = std::get_if<GenerationSeen>(&entry))
    kept->open.generation = seen->generation;
  else
    settle(*kept, std::get<AttemptSettled>(entry));
}

void Batch::apply_begun(HolderId holder, const AttemptBegun& begun) {
  if (by_id_.contains(begun.attempt.value)) {
    ++strays_;
    return;
  }
  Kept& kept = attempts_.emplace_back();
  kept.open = {.attempt = begun.attempt,
               .holder = holder,
               .call = begun.call,
               .payer = begun.payer,
               .began = begun.at,
               .hold = begun.hold,
               .estimate = begun.estimate,
               .places = begun.places,
               .model = begun.model,
               .route = begun.route,
               .upstream = begun.upstream,
               .upstream_key = begun.upstream_key};
  by_id_.emplace(begun.attempt.value, &kept);
}

void Batch::settle(Kept& kept, const AttemptSettled& end) {
  if (!end.generation.empty()) kept.open.generation = end.generation;
  Tally& sums = tally(kept);
  grow(sums.spent, end.cost);
  sums.calls += end.delivered ? 1 : 0;
  if (kept.open.ended) {  // it was counted when it ended, at its estimate
    shrink(sums.pending, kept.open.estimate);
    shrink(sums.spent, kept.open.estimate);
    sums.calls -= kept.open.delivered ? 1 : 0;
  } else {
    ++sums.attempts;
  }
  count_cost(sums, kept, end);
  kept.settled = true;
  settled_.push_back({&kept, end});
}

void Batch::count_cost(Tally& sums, const Kept& kept, const AttemptSettled& end) {
  grow(sums.cost, end.cost);
  grow(sums.upstream_cost, end.upstream_cost);
  if (end.source == spend::CostSource::computed) grow(sums.computed, end.cost);
  if (end.source == spend::CostSource::assumed) grow(sums.assumed, end.cost);
  grow(sums.waste[static_cast<std::size_t>(end.waste)], end.cost);
  grow(sums.overshoot, overshoot_of(kept.open.places, kept.open.hold, end.cost));
  sums.prompt_tokens += end.prompt_tokens;
  sums.completion_tokens += end.completion_tokens;
}

void Batch::leave_pending(Kept& kept, const AttemptPending& end) {
  kept.open.ended = end.at;
  kept.open.estimate = end.estimate;
  kept.open.waste = end.waste;
  kept.open.delivered = end.delivered;
  kept.open.outcome = end.outcome;
  if (!end.generation.empty()) kept.open.generation = end.generation;
  Tally& sums = tally(kept);
  ++sums.attempts;
  sums.calls += end.delivered ? 1 : 0;
  grow(sums.pending, end.estimate);
  grow(sums.spent, end.estimate);
}

const OpenAttempt* Batch::resolve(HolderId by, const Resolution& resolution) {
  Kept* kept = find(resolution.attempt);
  if (!kept || !kept->open.ended) return nullptr;
  settle(*kept, {.attempt = resolution.attempt,
                 .at = *kept->open.ended,
                 .cost = resolution.cost,
                 .upstream_cost = resolution.upstream_cost,
                 .source = resolution.source,
                 .waste = kept->open.waste,
                 .delivered = kept->open.delivered,
                 .prompt_tokens = resolution.prompt_tokens,
                 .completion_tokens = resolution.completion_tokens,
                 .served_model = resolution.served_model,
                 .provider = resolution.provider,
                 .outcome = kept->open.outcome});
  if (kept->open.holder != by) tally(*kept).spent = {};
  return &kept->open;
}

void Batch::give_up(WallTime at) {
  for (Kept& kept : attempts_) {
    if (kept.settled || kept.open.ended) continue;
    kept.changed = true;
    // Sent perhaps, and nobody read an answer to its end.
    leave_pending(kept, {.attempt = kept.open.attempt,
                         .at = at,
                         .estimate = kept.open.estimate,
                         .waste = spend::Waste::abandoned,
                         .outcome = "ambiguous"});
  }
}

PotChanges Batch::pots() const {
  std::map<Purse, std::pair<PotChange, PicoUsd>> purses;  // few, where there are many models
  for (const auto& [key, sums] : tallies_) {
    auto& [change, spent] = purses[key.purse];
    grow(change.settled, sums.cost), grow(change.pending, sums.pending);
    grow(change.overshoot, sums.overshoot), grow(spent, sums.spent);
  }
  PotChanges changes;
  for (const auto& [purse, amounts] : purses) {
    const auto& [change, spent] = amounts;
    std::uint32_t place = 1;
    for (const PotId& pot : pots_of(purse.payer, purse.day)) {
      PotChange& sum = changes.pots[pot];
      grow(sum.settled, change.settled), grow(sum.pending, change.pending);
      if ((purse.places & place) != 0) {
        grow(sum.overshoot, change.overshoot);
        if (spent.value != 0) grow(changes.leases[{pot, purse.holder}], spent);
      }
      place <<= 1;
    }
  }
  return changes;
}

}  // namespace gantry::ledger
