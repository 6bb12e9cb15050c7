#include "route/capability.hpp"

#include <chrono>
#include <string_view>

namespace gantry::route {
namespace {

using Reason = std::optional<std::string>;

constexpr wire::Modality kModalities[] = {wire::Modality::text, wire::Modality::image, wire::Modality::audio,
                                          wire::Modality::file, wire::Modality::video};

Reason modality_missing(std::string_view verb, const std::optional<wire::Modalities>& can,
                        wire::Modalities needed) {
  if (!can) return std::nullopt;
  for (const auto each : kModalities)
    if (needed.has(each) && !can->has(each))
      return std::string(verb) + " no " + std::string(wire::name(each));
  return std::nullopt;
}

// What the list says it does not do; `false` is said, nullopt is not.
Reason feature_missing(const wire::ModelFacts& model, const wire::RequestNeeds& needs) {
  if (needs.tools && model.tools == false) return "takes no tools";
  if (needs.structured_outputs && model.structured_outputs == false) return "has no structured outputs";
  if (needs.response_format && model.response_format == false) return "takes no response_format";
  if (needs.no_reasoning && model.reasoning_mandatory == true) return "cannot do without reasoning";
  if (needs.prefill && model.prefill == false) return "does not continue an assistant message";
  return std::nullopt;
}

// What one answer may hold at most is not looked at: the list has it of a model's top provider only, and
// OpenRouter goes to another for more (CONTRACT §3.1).
Reason too_small(const wire::ModelFacts& model, const wire::RequestNeeds& needs) {
  if (!model.context_length || needs.prompt_tokens_at_least <= *model.context_length) return std::nullopt;
  return "holds " + std::to_string(*model.context_length) + " tokens, and the prompt has at least " +
         std::to_string(needs.prompt_tokens_at_least);
}

std::string text_of(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  const auto two = [](unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return std::to_string(static_cast<int>(date.year())) + "-" + two(static_cast<unsigned>(date.month())) +
         "-" + two(static_cast<unsigned>(date.day()));
}

}  // namespace

std::optional<std::string> reason_to_skip(const wire::ModelFacts& model, const wire::RequestNeeds& needs,
                                          WallTime now) {
  if (model.expiration_date && *model.expiration_date < std::chrono::floor<std::chrono::days>(now))
    return "was to be removed after " + text_of(*model.expiration_date);
  if (auto reason = feature_missing(model, needs)) return reason;
  if (auto reason = modality_missing("takes", model.inputs, needs.inputs)) return reason;
  if (auto reason = modality_missing("makes", model.outputs, needs.outputs)) return reason;
  return too_small(model, needs);
}

bool may_hold_more(std::optional<std::int64_t> candidate, std::optional<std::int64_t> failed) {
  return !candidate || !failed || *candidate > *failed;
}

}  // namespace gantry::route
