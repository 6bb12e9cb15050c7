#pragma once
// What a model answers: decided at once and as a whole, from seed, model, request and faults; sending it
// (whole, streamed, broken) is somebody else's work. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/bill.hpp"
#include "sim/catalogue.hpp"
#include "sim/faults.hpp"
#include "sim/request.hpp"

namespace gantry::sim {

/// What a reply, and every chunk of a stream, says of itself.
struct Identity {
  std::string id;
  std::int64_t created = 0;
  std::string model;
  std::string provider;
  std::string service_tier;  ///< "flex", "priority"; empty = the usual one
};

struct Answer {
  std::string_view reasoning;        ///< shared text
  std::string owned;                 ///< structured output; empty = the prose is the content
  std::string_view prose;            ///< shared text
  std::vector<ToolCall> tool_calls;  ///< then there is no content
  std::string_view finish = "stop";  ///< static text
  std::string_view native = "stop";  ///< native_finish_reason, static text
  bool reasoning_shown = true;
  Usage usage;

  [[nodiscard]] std::string_view content() const { return owned.empty() ? prose : std::string_view(owned); }
};

Answer make_answer(Request&& request, const Model& model, const FaultSet& faults, std::uint64_t seed);

/// How a finish reason is called by the model's author: end_turn, STOP, max_tokens …
std::string_view native_finish(std::string_view model_id, std::string_view finish);

/// Prompt tokens of a request, as Usage has them.
std::int64_t prompt_tokens(const Request& request);

}  // namespace gantry::sim
