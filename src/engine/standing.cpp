#include "engine/standing.hpp"

namespace gantry::engine {

std::string_view name(Standing standing) {
  switch (standing) {
    case Standing::fine:
      return "fine";
    case Standing::low:
      return "low";
    case Standing::out:
      return "out";
    case Standing::refused:
      return "refused";
  }
  return "";
}

Standing standing_of(std::optional<PicoUsd> left, PicoUsd low) {
  if (!left) return Standing::fine;
  if (*left <= PicoUsd{}) return Standing::out;
  return *left < low ? Standing::low : Standing::fine;
}

Standing standing_of(std::optional<PicoUsd> left, PicoUsd low, route::Breaker key) {
  if (key.state() != route::Breaker::State::closed) {
    if (key.reason() == route::OpenReason::bad_key) return Standing::refused;
    if (key.reason() == route::OpenReason::out_of_money) return Standing::out;
  }
  return standing_of(left, low);
}

}  // namespace gantry::engine
