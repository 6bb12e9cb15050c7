#pragma once
// Entries for tests: equality, random ones, and one as bytes.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>

#include "base/random.hpp"
#include "ledger/entry_code.hpp"

namespace gantry::ledger {

inline bool same(const AttemptBegun& a, const AttemptBegun& b) {
  return a.attempt == b.attempt && a.call == b.call && a.payer == b.payer && a.at == b.at &&
         a.hold == b.hold && a.estimate == b.estimate && a.model == b.model && a.route == b.route &&
         a.upstream == b.upstream && a.upstream_key == b.upstream_key && a.places == b.places;
}
inline bool same(const GenerationSeen& a, const GenerationSeen& b) {
  return a.attempt == b.attempt && a.generation == b.generation;
}
inline bool same(const AttemptSettled& a, const AttemptSettled& b) {
  return a.attempt == b.attempt && a.at == b.at && a.cost == b.cost && a.upstream_cost == b.upstream_cost &&
         a.source == b.source && a.waste == b.waste && a.delivered == b.delivered &&
         a.prompt_tokens == b.prompt_tokens && a.completion_tokens == b.completion_tokens &&
         a.served_model == b.served_model && a.provider == b.provider && a.outcome == b.outcome &&
         a.generation == b.generation;
}
inline bool same(const AttemptPending& a, const AttemptPending& b) {
  return a.attempt == b.attempt && a.at == b.at && a.estimate == b.estimate && a.waste == b.waste &&
         a.delivered == b.delivered && a.outcome == b.outcome && a.generation == b.generation;
}
inline bool same(const Entry& a, const Entry& b) {
  return a.index() == b.index() &&
         std::visit([&](const auto& one) { return same(one, std::get<std::decay_t<decltype(one)>>(b)); }, a);
}

/// Random entries, and the memory of their texts.
class Entries {
 public:
  explicit Entries(std::uint64_t seed) : random_(seed) {}

  AttemptBegun begun() {
    return {.attempt = {random_.next()},
            .call = random_.next(),
            .payer = {{number()}, {number()}, {number()}},
            .at = time(),
            .hold = {number()},
            .estimate = {number()},
            .model = text(kModelBytes),
            .route = text(kNameBytes),
            .upstream = text(kNameBytes),
            .upstream_key = text(kNameBytes),
            .places = static_cast<std::uint16_t>(random_.below(1U << 12))};
  }
  GenerationSeen seen() { return {.attempt = {random_.next()}, .generation = text(kGenerationBytes)}; }
  AttemptSettled settled() {
    return {.attempt = {random_.next()},
            .at = time(),
            .cost = {number()},
            .upstream_cost = {number()},
            .source = static_cast<spend::CostSource>(random_.below(4)),
            .waste = static_cast<spend::Waste>(random_.below(5)),
            .delivered = random_.below(2) == 1,
            .prompt_tokens = number(),
            .completion_tokens = number(),
            .served_model = text(kModelBytes),
            .provider = text(kNameBytes),
            .outcome = text(kOutcomeBytes),
            .generation = text(kGenerationBytes)};
  }
  AttemptPending pending() {
    return {.attempt = {random_.next()},
            .at = time(),
            .estimate = {number()},
            .waste = static_cast<spend::Waste>(random_.below(5)),
            .delivered = random_.below(2) == 1,
            .outcome = text(kOutcomeBytes),
            .generation = text(kGenerationBytes)};
  }
  Entry any() {
    switch (random_.below(4)) {
      case 0:
        return begun();
      case 1:
        return seen();
      case 2:
        return settled();
      default:
        return pending();
    }
  }
  Random& random() { return random_; }

 private:
  std::int64_t number() { return static_cast<std::int64_t>(random_.next()); }
  WallTime time() { return WallTime{Duration{number()}}; }
  // Any bytes, of lengths up to the bound and with it.
  std::string_view text(std::size_t most) {
    std::string& made = texts_.emplace_back(random_.below(4) == 0 ? most : random_.below(most + 1), '\0');
    for (char& c : made) c = static_cast<char>(random_.next());
    return made;
  }

  Random random_;
  std::deque<std::string> texts_;  // stay where they are
};

/// The record of one entry.
inline std::string record_of(const Entry& entry, std::uint64_t sequence) {
  std::string bytes(kLongestRecord, '\0');
  bytes.resize(encode(entry, sequence, bytes.data()));
  return bytes;
}

}  // namespace gantry::ledger
