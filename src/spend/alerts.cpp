#include "spend/alerts.hpp"

#include <algorithm>
#include <vector>

namespace gantry::spend {
namespace {

// How many thresholds an amount has come to.
std::size_t reached(PicoUsd limit, PicoUsd amount) {
  if (limit <= PicoUsd{}) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(kThresholds, [&](int percent) {
    return static_cast<__int128>(amount.value) * 100 >= static_cast<__int128>(limit.value) * percent;
  }));
}

}  // namespace

std::span<const int> crossed(PicoUsd limit, PicoUsd before, PicoUsd after) {
  const std::size_t from = reached(limit, before), to = reached(limit, after);
  return std::span<const int>(kThresholds).subspan(from, to > from ? to - from : 0);
}

std::string threshold_event(PotId pot, int percent) {
  return "budget:" + std::to_string(pot.account.value) + ":" + std::string(name(pot.window.period)) + ":" +
         std::to_string(pot.window.number) + ":" + std::to_string(percent);
}

std::optional<PicoUsd> usual_hour(std::span<const PicoUsd> week) {
  if (week.size() < kUsualHours) return std::nullopt;
  std::vector<PicoUsd> hours(week.begin(), week.end());
  const auto usual = hours.begin() + static_cast<std::ptrdiff_t>((hours.size() * 9 + 9) / 10 - 1);
  std::ranges::nth_element(hours, usual);
  return *usual;
}

bool sudden(PicoUsd hour, std::span<const PicoUsd> week) {
  const auto usual = hour < kSuddenFloor ? std::nullopt : usual_hour(week);
  return usual && static_cast<__int128>(hour.value) > static_cast<__int128>(usual->value) * kSuddenFactor;
}

std::string burn_event(AccountId account, WallTime at) {
  const auto hour = std::chrono::floor<std::chrono::hours>(at).time_since_epoch().count();
  return "burn:" + std::to_string(account.value) + ":" + std::to_string(hour);
}

}  // namespace gantry::spend
