#pragma once
// What a model answers: decided at once and as a whole, from seed, model, request and faults; sending it
// (whole, streamed, broken) is somebody else's work. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/time.hpp"
#include "sim/catalogue.hpp"
#include "sim/faults.hpp"
#include "sim/request.hpp"

namespace gantry::sim {

/// Token counts of one answer, by the simulator's tokenizer (texts.hpp). Prompt: 3 a message, one per four
/// bytes of each text part and each tool definition, 85 an image, 10 a KiB of audio; prompt_tokens holds them
/// all.
struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;  ///< reasoning included
  std::int64_t reasoning_tokens = 0;
  std::int64_t audio_tokens = 0;
  std::int64_t images = 0;
  [[nodiscard]] std::int64_t total() const { return prompt_tokens + completion_tokens; }
};

/// What a reply, and every chunk of a stream, says of itself.
struct Identity {
  std::string id;
  std::int64_t created = 0;
  std::string model;
  std::string provider;
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

/// What usage costs at the model's prices: overrides and discount in force, the sum rounded once to 10⁻¹²
/// USD.
struct Bill {
  PicoUsd total, prompt, completion;
};
/// Errors: bad_input when the model has no price before routing (-1).
Result<Bill> price(const Usage& usage, const Model& model, WallTime now);

/// `"usage":{…}`'s object (CONTRACT §4.1).
void append_usage(std::string& out, const Usage& usage, const Bill& bill);

}  // namespace gantry::sim
