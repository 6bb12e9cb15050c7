#pragma once
// What the simulator understands of a chat or text completion request (CONTRACT §3). Parsing also decides the
// parts of the answer that depend on the request's JSON (tool arguments, structured output), so that the DOM
// does not live on.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace gantry::sim {

enum class Api : std::uint8_t { chat, completions };

struct ToolCall {
  std::string name;
  std::string arguments;  ///< JSON text
};

/// Of the `provider` object, what chooses among providers (CONTRACT §3.3): slugs.
struct Preferences {
  std::vector<std::string> order, only, ignore;
  bool allow_fallbacks = true;
};

struct Request {
  std::vector<std::string> models;  ///< `model`, then `models`; never empty
  Preferences provider;
  bool stream = false;
  std::int64_t max_tokens = -1;  ///< max_completion_tokens, else max_tokens; -1 = not given
  std::int64_t text_tokens = 0;  ///< prompt tokens of all text and tools
  std::int64_t image_count = 0;
  std::int64_t audio_tokens = 0;
  std::vector<std::string> stops;
  std::vector<ToolCall> tool_calls;  ///< what to call, when a tool is to be called
  std::string structured;            ///< the answer's JSON when response_format asks for it
  bool reasoning_off = false;        ///< effort none or enabled false
  bool reasoning_hidden = false;     ///< exclude, or include_reasoning false
  std::int64_t searches = 0;         ///< web searches that it has made
  std::string tier;                  ///< "flex", "priority"; empty = the usual one
  // The prompt up to its last breakpoint for the prompt cache (cache_control).
  std::int64_t cacheable_tokens = 0;
  std::uint64_t cacheable_hash = 0;
  bool cache_for_hour = false;
};

/// `seed` chooses the made-up values. Errors: bad_input with a sentence for the client (HTTP 400).
Result<Request> parse_request(std::string_view body, Api api, std::uint64_t seed);

}  // namespace gantry::sim
