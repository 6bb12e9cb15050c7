#pragma once
// What OpenRouter tells of one generation afterwards: GET /generation (CONTRACT §4.6). Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/money.hpp"
#include "base/result.hpp"

namespace gantry::wire {

struct GenerationFacts {
  std::string id;
  std::string model;
  std::string provider;
  PicoUsd cost;                          ///< total_cost, to the digit
  std::optional<PicoUsd> upstream_cost;  ///< the provider's own bill; counts with is_byok only
  bool is_byok = false;
  bool cancelled = false;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;  ///< native ones where they are told
};

/// From the body of a 200. Errors: malformed, also when no cost is told, which must not be taken for zero.
Result<GenerationFacts> read_generation(std::string_view body);

}  // namespace gantry::wire
