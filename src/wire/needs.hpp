#pragma once
// What a request needs a model to be able to do. A second look at the body, for calls that have a choice of
// models and may need what not every model can; the scan of every request (request.hpp) does without it.

#include <cstdint>
#include <string_view>

#include "wire/models.hpp"
#include "wire/request.hpp"

namespace gantry::wire {

struct RequestNeeds {
  bool tools = false;
  bool response_format = false;     ///< any but text
  bool structured_outputs = false;  ///< a response_format with a schema
  /// Of the prompt's parts. `file` only where the request has files read by the model itself: else OpenRouter
  /// parses them for it (CONTRACT §3.1, the plugin file-parser).
  Modalities inputs;
  Modalities outputs;         ///< what `modalities` asks for
  bool prefill = false;       ///< the last message is the assistant's, to be continued
  bool no_reasoning = false;  ///< an effort of none, which models that must reason refuse (CONTRACT §3.4)
  std::int64_t prompt_tokens_at_least = 0;
};

/// Text in and text out, and not much of it: any model will do, and nobody need look closer.
bool needs_little(const RequestFacts& facts);
/// All that the request can turn out to need, by what its scan found: a model that can do this can do what
/// read_needs() will find.
RequestNeeds most_needs(const RequestFacts& facts);

/// Of a body that was scanned into `facts`. What is of another type than expected needs nothing.
RequestNeeds read_needs(std::string_view body, const RequestFacts& facts);

/// A count of tokens that text of so many code points hardly ever stays below. Plain text has four or five
/// characters a token; eight leave room for indentation and long words. Too low an estimate only lets a model
/// refuse by itself.
std::int64_t tokens_at_least(std::size_t code_points);

}  // namespace gantry::wire
