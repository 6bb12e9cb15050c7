#pragma once
// How the top-level fields of a request bound its cost: one table, and the rule for fields that are not in it
// (cost_drivers.hpp).

#include <cstdint>
#include <string_view>

namespace gantry::wire {

enum class CostField : std::uint8_t {
  free,     ///< costs nothing: steers, names or limits
  counted,  ///< its bytes may become prompt tokens
  messages,
  prompt,
  answers,
  max_tokens,
  reasoning,
  tools,
  functions,
  tool_choice,
  prediction,
  modalities,
  cache,
  plugins,
  provider,
  models,
  preset,
  service_tier,
  web_search,
  unknown,
};
CostField cost_field(std::string_view name);

/// The name of an unknown field speaks of work that is not tokens.
bool speaks_of_other_work(std::string_view name);
/// Of a number of answers.
bool speaks_of_answers(std::string_view name);
/// Of tokens that it allows.
bool speaks_of_tokens(std::string_view name);

}  // namespace gantry::wire
