#include "sim/answer.hpp"

#include <algorithm>
#include <array>

#include "base/random.hpp"
#include "sim/texts.hpp"

namespace gantry::sim {
namespace {

constexpr std::int64_t kImageTokens = 85;

// The answer's text before any limit: structured output, prose of a demanded length, or a few sentences.
void write_content(Answer& answer, Request& request, const FaultSet& faults, Random& random) {
  if (!request.structured.empty()) {
    answer.owned = std::move(request.structured);
    return;
  }
  const bool unicode = faults.has(FaultKind::unicode) || faults.has(FaultKind::split_utf8);
  const auto choice = random.next();
  if (const auto* exact = faults.get(FaultKind::tokens)) {
    answer.prose = prose_of_length(choice, exact->number, unicode);
  } else {
    answer.prose = prose(choice, 1 + static_cast<int>(random.below(3)), unicode);
  }
}

void cut_at_stops(Answer& answer, const std::vector<std::string>& stops) {
  auto end = std::string_view::npos;
  for (const auto& stop : stops)
    if (!stop.empty()) end = std::min(end, answer.content().find(stop));
  if (end == std::string_view::npos) return;
  if (answer.owned.empty()) {
    answer.prose = answer.prose.substr(0, end);
  } else {
    answer.owned.resize(end);
    if (answer.owned.empty()) answer.prose = {};
  }
}

// Reasoning takes its share of the limit first, content what is left (CONTRACT §11.5).
void limit_tokens(Answer& answer, std::int64_t limit) {
  const auto wanted = count_tokens(answer.content());
  const auto left = std::max<std::int64_t>(0, limit - answer.usage.reasoning_tokens);
  answer.usage.completion_tokens = answer.usage.reasoning_tokens + std::min(wanted, left);
  if (wanted <= left) return;
  answer.finish = "length";
  const auto kept = first_tokens(answer.content(), left).size();
  answer.prose = answer.prose.substr(0, answer.owned.empty() ? kept : 0);
  answer.owned.resize(std::min(answer.owned.size(), kept));
}

std::int64_t limit_of(const Request& request, const Model& model) {
  const auto most = model.max_completion_tokens > 0 ? model.max_completion_tokens : std::int64_t{1} << 40;
  return request.max_tokens > 0 ? std::min(request.max_tokens, most) : most;
}

void think(Answer& answer, const Request& request, const Model& model, const FaultSet& faults,
           std::int64_t limit, Random& random) {
  const bool thinks = faults.has(FaultKind::reasoning) || faults.has(FaultKind::reasoning_only) ||
                      (model.reasons && !request.reasoning_off);
  if (!thinks) return;
  auto tokens = faults.number(FaultKind::reasoning, 8 + static_cast<std::int64_t>(random.below(24)));
  if (faults.has(FaultKind::reasoning_only)) tokens = limit;
  answer.reasoning = thoughts(std::min(tokens, limit));
  answer.usage.reasoning_tokens = count_tokens(answer.reasoning);
  answer.reasoning_shown = !request.reasoning_hidden;
}

void call_tools(Answer& answer, Request& request, const FaultSet& faults) {
  answer.tool_calls = std::move(request.tool_calls);
  if (faults.has(FaultKind::tool_calls) && answer.tool_calls.empty())
    answer.tool_calls.push_back({"lookup", R"({"query":"harbour","limit":3})"});
  if (answer.tool_calls.empty()) return;
  auto& arguments = answer.tool_calls.front().arguments;
  if (faults.text(FaultKind::tool_calls) == "bad") arguments.resize(arguments.size() - 1);
  answer.owned.clear();
  answer.prose = {};
  answer.finish = "tool_calls";
  answer.usage.completion_tokens = answer.usage.reasoning_tokens;
  for (const auto& call : answer.tool_calls)
    answer.usage.completion_tokens += count_tokens(call.name) + count_tokens(call.arguments);
}

// Faults that change what the answer is, not how it is sent.
void spoil(Answer& answer, const FaultSet& faults) {
  const bool silent =
      faults.has(FaultKind::empty) || faults.has(FaultKind::null_content) || faults.has(FaultKind::refusal);
  if (silent || faults.has(FaultKind::reasoning_only)) {
    answer.owned.clear();
    answer.prose = {};
    answer.tool_calls.clear();
    answer.usage.completion_tokens = answer.usage.reasoning_tokens;
  }
  if (faults.has(FaultKind::reasoning_only)) answer.finish = "length";
  if (faults.has(FaultKind::bill_zero) || faults.text(FaultKind::cache) == "hit") answer.usage = Usage{};
}

}  // namespace

std::int64_t prompt_tokens(const Request& request) {
  return request.text_tokens + request.audio_tokens + request.image_count * kImageTokens;
}

Answer make_answer(Request&& request, const Model& model, const FaultSet& faults, std::uint64_t seed) {
  Random random(seed);
  Answer answer;
  auto limit = limit_of(request, model);
  if (faults.has(FaultKind::reasoning_only) && request.max_tokens < 0) limit = 64;
  answer.usage.prompt_tokens = prompt_tokens(request);
  answer.usage.audio_tokens = request.audio_tokens;
  answer.usage.images = request.image_count;
  answer.usage.image_tokens = request.image_count * kImageTokens;
  answer.usage.searches = request.searches;
  think(answer, request, model, faults, limit, random);
  write_content(answer, request, faults, random);
  cut_at_stops(answer, request.stops);
  limit_tokens(answer, limit);
  call_tools(answer, request, faults);
  spoil(answer, faults);
  answer.native = native_finish(model.id, answer.finish);
  return answer;
}

std::string_view native_finish(std::string_view model_id, std::string_view finish) {
  struct Names {
    std::string_view author, stop, length, tools;
  };
  static constexpr Names kNames[] = {{"anthropic", "end_turn", "max_tokens", "tool_use"},
                                     {"google", "STOP", "MAX_TOKENS", "STOP"}};
  for (const auto& n : kNames) {
    if (author_of(model_id) != n.author) continue;
    if (finish == "stop") return n.stop;
    if (finish == "length") return n.length;
    if (finish == "tool_calls") return n.tools;
  }
  return finish;
}

}  // namespace gantry::sim
