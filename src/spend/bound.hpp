#pragma once
// The most a call can cost (DESIGN §5, The bound): what is held before it is sent. Pure arithmetic: drivers
// of its cost from the request, prices from the catalogue, time from the caller. Rounded once, up.
//
// Prompt. A token covers at least one byte of UTF-8, so bytes bound tokens; to them come what templates put
// around messages, parts and tools, and what providers put in front (kTokens… below). Inline media are
// bounded by the context length alone, and no prompt is larger than that. Completion. Answers × (token limit
// + reasoning budget), an answer never larger than the context, and what was predicted wrongly. Prices. Each
// token is the dearest that it may be (plain, cached, written to a cache, audio, reasoning, …) at the dearest
// endpoint and tier that may serve, under every override that may apply before the call ends. A discount is
// not counted on: nobody says whether prices have it folded in (CONTRACT §8.2).

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "base/money.hpp"
#include "base/time.hpp"
#include "wire/cost_drivers.hpp"
#include "wire/price_table.hpp"

namespace gantry::spend {

/// Role, separators and the like around each message, part and tool. The widest templates known take about
/// ten.
inline constexpr std::int64_t kTokensPerPiece = 16;
/// What is put in front of every prompt: default system prompts, dates.
inline constexpr std::int64_t kTokensPerRequest = 256;
/// And the instructions for calling tools, where there are some.
inline constexpr std::int64_t kTokensForTools = 1024;
/// Clocks differ: an override's window is taken to be so much wider on both sides.
inline constexpr Duration kClockTolerance = std::chrono::minutes{1};

/// Whom a request as it is sent may be answered by, and when.
struct Served {
  /// All models that may: one, or all of `models`. nullptr: one whose price nobody knows.
  std::span<const wire::ModelPrices* const> models;
  WallTime at{};
  Duration lasts{};  ///< until it must have ended
};

/// What must be put into `provider.max_price`, USD per million tokens. A smaller limit that is there stays.
struct PriceCap {
  std::string prompt, completion;
  bool operator==(const PriceCap&) const = default;
};

struct Bound {
  PicoUsd most;
  /// Some model's endpoints are not known: the bound holds only while dearer ones than the listed are
  /// excluded.
  std::optional<PriceCap> cap;
};

/// Why nothing bounds the cost, for people: it goes behind "this call has no bound on its cost: ".
struct Unbounded {
  std::string field;  ///< of the request; "model" when it is about prices
  std::string reason;
  bool operator==(const Unbounded&) const = default;
};

std::expected<Bound, Unbounded> bound(const wire::CostDrivers& drivers, const Served& served);

/// The largest max_tokens, no larger than the request's own, with which the call's bound fits the budget;
/// nullopt when not even one token does, or when nothing bounds the call.
std::optional<std::int64_t> affordable_tokens(const wire::CostDrivers& drivers, const Served& served,
                                              PicoUsd budget);
/// What affordable_tokens() says where no price and no limit bounds it.
inline constexpr std::int64_t kMostTokens = 2'147'483'647;

}  // namespace gantry::spend
