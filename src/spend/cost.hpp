#pragma once
// What a call did cost when its reply does not tell: tokens × prices (DESIGN §5, Units), and which ends are
// known to cost nothing. Pure. `usage.cost` is the truth wherever it is told; none of this is asked then.

#include <cstdint>
#include <optional>

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/pricing.hpp"
#include "wire/reply.hpp"

namespace gantry::spend {

/// What usage does not tell and prices depend on.
struct Circumstances {
  WallTime at{};             ///< decides which overrides apply
  std::int64_t images = 0;   ///< inline images of the request
  bool caches_long = false;  ///< the request asked for a cache of an hour
};

/// Tokens × prices, rounded once, half-even. Cached, written, audio and reasoning tokens are parts of prompt
/// and completion and cost what is told for them, else what the plain ones cost; the discount is taken off
/// (CONTRACT §8.2).
/// Errors: not_found, when usage does not tell enough to compute it: token counts are missing, OpenRouter ran
/// tools, or the call was billed by the provider to a key of its own (BYOK). Then the cost is unknown, not
/// zero.
Result<PicoUsd> computed_cost(const wire::Usage& usage, const wire::Pricing& pricing,
                              const Circumstances& when);

/// How an attempt ended that has no `usage.cost`.
struct End {
  wire::FinishReason finish = wire::FinishReason::none;
  std::optional<std::int64_t> prompt_tokens{}, completion_tokens{};
  bool cache_hit = false;  ///< X-OpenRouter-Cache-Status: HIT
  /// Something else than tokens may be billed: a price for each request, searching, reading files.
  bool other_fees = false;
};
/// True for ends that OpenRouter does not charge: answers from its response cache (CONTRACT §10.3), and those
/// of the zero-completion insurance (§10.1), which covers tokens alone.
bool known_free(const End& end);

}  // namespace gantry::spend
