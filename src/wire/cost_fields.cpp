#include "wire/cost_fields.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/ascii.hpp"

namespace gantry::wire {
namespace {

// CONTRACT §3.1 and §4.5.
constexpr std::array<std::pair<std::string_view, CostField>, 58> kFields = {{
    {"messages", CostField::messages},
    {"prompt", CostField::prompt},
    {"suffix", CostField::counted},
    {"response_format", CostField::counted},
    {"tools", CostField::tools},
    {"tool_choice", CostField::tool_choice},
    {"functions", CostField::functions},  // OpenAI's older form of tools
    {"function_call", CostField::free},
    {"n", CostField::answers},
    {"best_of", CostField::answers},
    {"max_tokens", CostField::max_tokens},
    {"max_completion_tokens", CostField::max_tokens},
    {"reasoning", CostField::reasoning},
    {"prediction", CostField::prediction},
    {"modalities", CostField::modalities},
    {"cache_control", CostField::cache},
    {"prompt_cache_options", CostField::cache},
    {"plugins", CostField::plugins},
    {"provider", CostField::provider},
    {"models", CostField::models},
    {"preset", CostField::preset},
    {"service_tier", CostField::service_tier},
    {"web_search_options", CostField::web_search},
    {"model", CostField::free},  // its suffixes are read from what the scan found
    {"route", CostField::free},
    {"stream", CostField::free},
    {"stream_options", CostField::free},
    {"usage", CostField::free},
    {"temperature", CostField::free},
    {"top_p", CostField::free},
    {"top_k", CostField::free},
    {"min_p", CostField::free},
    {"top_a", CostField::free},
    {"frequency_penalty", CostField::free},
    {"presence_penalty", CostField::free},
    {"repetition_penalty", CostField::free},
    {"seed", CostField::free},
    {"logit_bias", CostField::free},
    {"logprobs", CostField::free},
    {"top_logprobs", CostField::free},
    {"stop", CostField::free},
    {"echo", CostField::free},
    {"parallel_tool_calls", CostField::free},
    {"stop_server_tools_when", CostField::free},  // server tools themselves are seen in tools
    {"reasoning_effort", CostField::free},        // a share of max_tokens
    {"include_reasoning", CostField::free},
    {"verbosity", CostField::free},
    {"image_config", CostField::free},  // shapes what modalities asks for
    {"audio", CostField::free},         // the voice of what modalities asks for
    {"prompt_cache_key", CostField::free},
    {"transforms", CostField::free},
    {"user", CostField::free},
    {"session_id", CostField::free},
    {"metadata", CostField::free},
    {"trace", CostField::free},
    {"debug", CostField::free},
    {"structured_outputs", CostField::free},
    {"store", CostField::free},
}};

constexpr std::array<std::string_view, 25> kCostly = {
    "search",      "tool",      "plugin", "agent", "ground", "retriev", "brows", "fetch",    "crawl",
    "interpreter", "connector", "mcp",    "skill", "preset", "tier",    "speed", "priority", "fallback",
    "model",       "image",     "video",  "audio", "file",   "url",     "attach"};
constexpr std::array<std::string_view, 8> kCounting = {"num_",    "count", "candidate", "sample",
                                                       "generat", "beam",  "choice",    "completions"};
constexpr std::array<std::string_view, 3> kTokens = {"token", "budget", "num_predict"};

bool holds_one_of(std::string_view name, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) {
    return !std::ranges::search(name, word, [](char a, char b) { return to_lower(a) == b; }).empty();
  });
}

}  // namespace

CostField cost_field(std::string_view name) {
  for (const auto& [known, field] : kFields)
    if (known == name) return field;
  return CostField::unknown;
}

bool speaks_of_other_work(std::string_view name) { return holds_one_of(name, kCostly); }
bool speaks_of_answers(std::string_view name) { return holds_one_of(name, kCounting); }
bool speaks_of_tokens(std::string_view name) { return holds_one_of(name, kTokens); }

}  // namespace gantry::wire
