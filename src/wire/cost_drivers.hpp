#pragma once
// What a request may make a call cost: its size, its limits, and what in it has a price of its own. A second
// look at the body, for calls that are charged to an account with a limit; the scan of every request
// (request.hpp) does without it.
//
// Fields that Gantry does not know are forwarded, so they are judged by this rule:
// - One that is null, false, 0 or empty switches nothing on.
// - Its bytes may become prompt tokens, and are counted as such: documents, grammars, template arguments.
// - Whole numbers in it, at any depth, whose name speaks of tokens or of a budget may allow more tokens than
//   max_tokens does, and are added: `max_new_tokens`, `thinking.budget_tokens`.
// - It can cost beyond that, and has no bound, when its name speaks of work that is not tokens (searching,
//   tools, media, models, tiers: kCostly), or when it is a number above 1 that counts answers (kCounting).
// Everything else steers sampling and is harmless.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/models.hpp"
#include "wire/price_table.hpp"
#include "wire/request.hpp"

namespace gantry::wire {

/// A driver of cost that nothing in the request bounds.
enum class Boundless : std::uint8_t {
  server_tool,    ///< a tool that OpenRouter runs
  plugin,         ///< one that may cost
  web_search,     ///< `:online`, web_search_options
  preset,         ///< brings settings that are not in the request
  url_media,      ///< media that are not in the request
  file_parsing,   ///< files that a plugin reads for the model
  unknown_part,   ///< a part of a kind that nobody knows
  unknown_field,  ///< a field that nobody knows and that can cost
};
inline constexpr std::size_t kBoundlessCount = 8;

struct BoundlessField {
  Boundless why;
  std::string field;  ///< as its author would name it: "messages[].content[].image_url"
  bool operator==(const BoundlessField&) const = default;
};

/// A set of tiers.
class Tiers {
 public:
  void add(Tier tier) { bits_ |= 1U << static_cast<unsigned>(tier); }
  [[nodiscard]] bool has(Tier tier) const { return (bits_ & (1U << static_cast<unsigned>(tier))) != 0; }

 private:
  unsigned bits_ = 0;
};

struct CostDrivers {
  // What becomes prompt tokens. Counts stop at the largest number instead of passing it.
  std::int64_t prompt_bytes = 0;  ///< text, names, tool calls, tools, schemas, and fields that nobody knows
  std::int64_t messages = 0;      ///< messages, or prompts
  std::int64_t pieces = 0;        ///< parts of messages, and tools
  bool tools = false;
  std::int64_t images = 0, audios = 0, videos = 0, files = 0;  ///< inline
  [[nodiscard]] bool media() const { return images + audios + videos + files > 0; }
  bool caches = false;       ///< asks for what it sends to be cached
  bool caches_long = false;  ///< for another time than five minutes

  // What becomes completion tokens.
  std::int64_t answers = 1;                ///< `n`, best_of, times prompts
  std::optional<std::int64_t> max_tokens;  ///< for each answer; the larger when both fields are there
  std::int64_t reasoning_tokens = 0;       ///< allowed besides
  std::int64_t prediction_bytes = 0;       ///< what is predicted wrongly is completion too
  std::optional<Modalities> outputs;       ///< nullopt: whatever the model gives
  [[nodiscard]] bool may_give(Modality modality) const { return !outputs || outputs->has(modality); }

  Tiers tiers;                            ///< that may serve; standard always
  bool has_models = false;                ///< `models`: other models may answer, at their own prices
  std::vector<BoundlessField> boundless;  ///< in their order in the request; empty for nearly all
};

/// Of a body that was scanned into `facts`. What is of another type than expected is judged as what it might
/// be taken for.
CostDrivers read_cost_drivers(std::string_view body, const RequestFacts& facts);
/// What asking for this model adds: variants and presets of its id (CONTRACT §3.4). The request's own are in
/// it already; those of a route are not.
void add_model(CostDrivers& drivers, std::string_view model);

}  // namespace gantry::wire
