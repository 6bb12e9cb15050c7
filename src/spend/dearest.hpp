#pragma once
// The dearest prices that a call may be charged at. A part of the bound (bound.hpp), not for others.

#include <cstdint>
#include <expected>
#include <optional>

#include "base/money.hpp"
#include "spend/bound.hpp"

namespace gantry::spend {

/// What all endpoints that may serve have in common.
struct Endpoints {
  std::optional<std::int64_t> context;         ///< the largest; nullopt when one is not known
  std::optional<std::int64_t> max_completion;  ///< the same
  bool listed_only = false;                    ///< some model's endpoints are not known
};

/// The dearest of each kind of unit.
struct Rates {
  Price prompt{}, completion{};  ///< what a plain token costs
  Price input{}, output{};       ///< what a token can cost
  Price cache_fee{};             ///< and besides, for each token of the prompt
  Price request{}, image{};
};

/// Calls visit(endpoint's pricing) for every price list that may be charged; stops at the first reason why
/// there is no bound.
std::expected<Endpoints, Unbounded> endpoints_of(const wire::CostDrivers& drivers, const Served& served);
/// After endpoints_of() found no reason.
Rates dearest(const wire::CostDrivers& drivers, const Served& served, std::int64_t prompt_tokens,
              bool listed_only);

}  // namespace gantry::spend
