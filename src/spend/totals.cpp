#include "spend/totals.hpp"

#include <algorithm>
#include <limits>

namespace gantry::spend {
namespace {

// Sums of a few amounts, exact.
using Wide = __int128;
Wide wide(PicoUsd amount) { return amount.value; }

bool fits(Wide amount) {
  return amount >= std::numeric_limits<std::int64_t>::min() &&
         amount <= std::numeric_limits<std::int64_t>::max();
}
PicoUsd narrow(Wide amount) { return {static_cast<std::int64_t>(amount)}; }

}  // namespace

KeyMeter begin_meter(const KeyLook& look) {
  const Wide base = wide(look.told) - wide(look.booked);
  return {.told = look.told,
          .booked = look.booked,
          .base = fits(base) ? narrow(base) : PicoUsd{},
          .slack = look.open,
          .unexplained = {}};
}

std::optional<KeyGrowth> advance(KeyMeter& meter, const KeyLook& look) {
  const Wide least = wide(meter.told) - wide(meter.base) - wide(look.booked) - wide(look.open);
  const Wide most = wide(look.told) - wide(meter.base) - wide(meter.booked) + wide(meter.slack);
  if (look.told < meter.told || look.booked < meter.booked || !fits(least) || !fits(most)) {
    meter = begin_meter(look);
    return std::nullopt;
  }
  const PicoUsd unexplained = narrow(std::clamp(wide(meter.unexplained), least, most));
  const KeyGrowth growth{.told = narrow(wide(look.told) - wide(meter.told)),
                         .booked = narrow(wide(look.booked) - wide(meter.booked)),
                         .unexplained = narrow(wide(unexplained) - wide(meter.unexplained))};
  const bool still = look.open.value == 0 && growth.told.value == 0 && growth.booked.value == 0;
  meter.told = look.told, meter.booked = look.booked, meter.unexplained = unexplained;
  // What is known now is exact, and what was under way at the beginning matters no more.
  const Wide base = wide(look.told) - wide(look.booked) - wide(unexplained);
  if (still && fits(base)) meter.base = narrow(base), meter.slack = {};
  return growth;
}

}  // namespace gantry::spend
