#pragma once
// Costs for tests: equality, and random ones with the memory of their texts.

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "ledger/cost_page.hpp"

namespace gantry::ledger {

inline bool same(const Cost& a, const Cost& b) {
  return a.attempt == b.attempt && a.call == b.call && a.holder == b.holder && a.payer == b.payer &&
         a.began == b.began && a.ended == b.ended && a.hold == b.hold && a.cost == b.cost &&
         a.upstream_cost == b.upstream_cost && a.places == b.places && a.source == b.source &&
         a.waste == b.waste && a.delivered == b.delivered && a.prompt_tokens == b.prompt_tokens &&
         a.completion_tokens == b.completion_tokens && a.model == b.model &&
         a.served_model == b.served_model && a.provider == b.provider && a.route == b.route &&
         a.upstream == b.upstream && a.upstream_key == b.upstream_key && a.generation == b.generation &&
         a.outcome == b.outcome;
}

class Costs {
 public:
  explicit Costs(std::uint64_t seed) : random_(seed) {}
  /// Few keys and models, so that costs have something in common; numbers and generations of all kinds.
  Cost any() {
    return {.attempt = {random_.next()},
            .call = random_.next(),
            .holder = {few()},
            .payer = {{few()}, {few()}, {1}},
            .began = WallTime{Duration{number()}},
            .ended = WallTime{Duration{number()}},
            .hold = {number()},
            .cost = {number()},
            .upstream_cost = {number()},
            .places = static_cast<std::uint16_t>(random_.below(2)),
            .source = static_cast<spend::CostSource>(random_.below(4)),
            .waste = static_cast<spend::Waste>(random_.below(5)),
            .delivered = random_.below(2) == 1,
            .prompt_tokens = number(),
            .completion_tokens = number(),
            .model = name(),
            .served_model = name(),
            .provider = name(),
            .route = name(),
            .upstream = name(),
            .upstream_key = name(),
            .generation = text(),
            .outcome = name()};
  }

 private:
  std::int64_t few() { return static_cast<std::int64_t>(random_.below(2)); }
  std::int64_t number() { return static_cast<std::int64_t>(random_.next()) >> random_.below(64); }
  std::string_view name() {
    static constexpr std::array<std::string_view, 3> kNames{"", "maker/model", "\xff\0x"};
    return kNames[random_.below(kNames.size())];
  }
  std::string_view text() {
    std::string& made = texts_.emplace_back(random_.below(200), '\0');
    for (char& c : made) c = static_cast<char>(random_.next());
    return made;
  }

  Random random_;
  std::deque<std::string> texts_;
};

}  // namespace gantry::ledger
