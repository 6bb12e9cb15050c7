#pragma once
// What a shard's journal tells of attempts, in the order in which it happened (DESIGN §5, Journal). Money
// travels this way only. Texts are views: of the caller's when written, of the journal's memory when read.

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/money.hpp"
#include "base/time.hpp"
#include "spend/account.hpp"

namespace gantry::ledger {

/// A number that no other attempt of any process has (random).
struct AttemptId {
  std::uint64_t value = 0;
  auto operator<=>(const AttemptId&) const = default;
};

/// Money was set aside and the request is about to leave. `at` (the ledger's clock) decides the windows that
/// it is charged to, also when it ends in later ones.
struct AttemptBegun {
  AttemptId attempt{};
  std::uint64_t call = 0;
  spend::Path payer{};
  WallTime at{};
  PicoUsd hold{};      ///< set aside in each pot of `places`
  PicoUsd estimate{};  ///< what is assumed if nobody ever tells
  std::string_view model{}, route{}, upstream{}, upstream_key{};
  /// The pots that the hold is in: bit level × kPeriodCount + period, level 0 the key (spend::Hold::places).
  /// Only there it counts against a lease and can be exceeded; 0 when no account of the path had a limit.
  std::uint16_t places = 0;
};
/// Upstream named the generation long before the end, so that its cost can be asked for should there be none.
struct GenerationSeen {
  AttemptId attempt{};
  std::string_view generation{};
};
/// It ended and its cost is known. One that ended without having been sent costs nothing, with
/// CostSource::free.
struct AttemptSettled {
  AttemptId attempt{};
  WallTime at{};
  PicoUsd cost{};
  PicoUsd upstream_cost{};  ///< BYOK: what the provider bills besides (DESIGN §5)
  spend::CostSource source = spend::CostSource::told;
  spend::Waste waste = spend::Waste::none;
  bool delivered = false;  ///< its answer was given to the client, whole or in part
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::string_view served_model{}, provider{}, outcome{};
  std::string_view generation{};  ///< unless GenerationSeen told it
};
/// It ended and its cost is not known: its estimate counts until it is settled or assumed.
struct AttemptPending {
  AttemptId attempt{};
  WallTime at{};
  PicoUsd estimate{};
  spend::Waste waste = spend::Waste::none;
  bool delivered = false;
  std::string_view outcome{};
  std::string_view generation{};  ///< unless GenerationSeen told it
};

using Entry = std::variant<AttemptBegun, GenerationSeen, AttemptSettled, AttemptPending>;

}  // namespace gantry::ledger
