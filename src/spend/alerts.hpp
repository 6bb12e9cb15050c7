#pragma once
// When somebody should hear of what is spent (DESIGN §5): a budget's thresholds, and an hour that is not like
// the others. Pure.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/money.hpp"
#include "spend/account.hpp"

namespace gantry::spend {

/// Percent of a budget.
inline constexpr std::array kThresholds{50, 80, 95, 100};

/// The thresholds that a spend brought the budget to: those above `before` and not above `after`, the lowest
/// first. A limit of zero has none. With `before` zero, all that are reached, as after a change of the limit:
/// who gives each event once needs nothing else.
std::span<const int> crossed(PicoUsd limit, PicoUsd before, PicoUsd after);

/// What that event is called: "budget:42:daily:20781:80". The same for everybody, so that it is given once.
std::string threshold_event(PotId pot, int percent);

/// Sudden: an hour that costs at least kSuddenFloor and more than kSuddenFactor times the usual. The usual is
/// what nine of ten hours of the week before stayed within (so that a night does not make a working day look
/// sudden, and one bad hour does not hide the next). Fewer than kUsualHours hours are too few to know.
inline constexpr PicoUsd kSuddenFloor{1'000'000'000'000};
inline constexpr int kSuddenFactor = 3;
inline constexpr std::size_t kUsualHours = 24;
inline constexpr std::size_t kWeekHours = 7 * 24;
/// nullopt when there are too few hours.
std::optional<PicoUsd> usual_hour(std::span<const PicoUsd> week);
/// `week`: what each hour of the last seven days cost, in any order, without the present one.
bool sudden(PicoUsd hour, std::span<const PicoUsd> week);

/// "burn:42:498749", the hour counted since 1970.
std::string burn_event(AccountId account, WallTime at);

}  // namespace gantry::spend
