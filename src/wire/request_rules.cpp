// What is asked of a request beyond its form.

#include "wire/request.hpp"

namespace gantry::wire {
namespace {

bool is_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

bool is_id_word(std::string_view word) {
  for (const char c : word)
    if (!is_id_char(c)) return false;
  return !word.empty();
}

}  // namespace

std::optional<Refusal> check_prompt_limit(const PromptSize& prompt, std::size_t limit) {
  if (limit == 0 || prompt.code_points <= limit) return std::nullopt;
  Refusal refusal;
  refusal.message = "The prompt has " + std::to_string(prompt.code_points) +
                    " characters of text; max_prompt allows " + std::to_string(limit) + ".";
  refusal.remedy =
      "Shorten the prompt, or raise max_prompt for this route (max_prompt = \"context\" leaves the limit to "
      "the model).";
  refusal.param = "messages";
  refusal.error_type = "string_too_long";
  return refusal;
}

bool is_model_id(std::string_view model) {
  constexpr std::string_view kPreset = "@preset/";
  if (const auto preset = model.find(kPreset); preset != std::string_view::npos) {
    if (!is_id_word(model.substr(preset + kPreset.size()))) return false;
    if (preset == 0) return true;
    model = model.substr(0, preset);
  }
  const auto slash = model.find('/');
  if (slash == std::string_view::npos) return false;
  std::string_view author = model.substr(0, slash), slug = model.substr(slash + 1);
  if (const auto colon = slug.find(':'); colon != std::string_view::npos) {
    if (!is_id_word(slug.substr(colon + 1))) return false;
    slug = slug.substr(0, colon);
  }
  if (author.starts_with('~')) author.remove_prefix(1);
  return is_id_word(author) && is_id_word(slug);
}

}  // namespace gantry::wire
