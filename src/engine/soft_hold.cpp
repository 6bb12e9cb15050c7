#include "engine/soft_hold.hpp"

#include <algorithm>
#include <limits>

#include "base/saturate.hpp"
#include "engine/prices.hpp"
#include "spend/dearest.hpp"

namespace gantry::engine {
namespace {

constexpr PicoUsd kMost{std::numeric_limits<std::int64_t>::max()};

// Four fifths: one round to the ledger fits before the rest is spent.
PicoUsd before_the_end(PicoUsd held) { return {held.value - held.value / 5}; }

}  // namespace

SoftHold::SoftHold(PicoUsd held, std::optional<PicoUsd> bound, PicoUsd prompt, Price token)
    : held_(held), bound_(bound), prompt_(prompt), token_(token), look_at_(before_the_end(held)) {}

PicoUsd SoftHold::spent() const {
  CostSum sum;
  sum.add(token_, count_.tokens());
  return add(prompt_, sum.total(Rounding::up).value_or(kMost)).value_or(kMost);
}

bool SoftHold::due() const {
  if (!token_.known() || (bound_ && held_ >= *bound_)) return false;
  return spent() >= look_at_;
}

PicoUsd SoftHold::more() const {
  const std::int64_t ahead = saturating_multiply(spent().value, 2) - held_.value;
  const std::int64_t by = std::max<std::int64_t>({1, ahead, held_.value / 2});
  return {bound_ ? std::min(by, bound_->value - held_.value) : by};
}

void SoftHold::extended(PicoUsd by) {
  held_ = add(held_, by).value_or(kMost);
  look_at_ = before_the_end(held_);
}

bool SoftHold::refused() {
  const PicoUsd so_far = spent();
  if (so_far >= held_) return true;
  look_at_ = {so_far.value + (held_.value - so_far.value + 1) / 2};
  return false;
}

SoftHold soft_hold(PicoUsd held, std::optional<PicoUsd> bound, const wire::CostDrivers& drivers,
                   const spend::Served& served, std::int64_t request_bytes) {
  constexpr Price kUnknown{-1, 0};
  const auto endpoints = spend::endpoints_of(drivers, served);
  if (!endpoints) return {held, bound, {}, kUnknown};
  const std::int64_t prompt_tokens = request_bytes / kBytesAToken;
  const auto rates = spend::dearest(drivers, served, prompt_tokens, endpoints->listed_only);
  CostSum sum;
  sum.add(rates.prompt, prompt_tokens);
  sum.add(rates.request, 1);
  return {held, bound, sum.total(Rounding::up).value_or(kMost), rates.output};
}

}  // namespace gantry::engine
