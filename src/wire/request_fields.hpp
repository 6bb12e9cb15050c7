#pragma once
// The members of a request that its scan looks at. Internal to the scanner.

#include <array>
#include <cstddef>
#include <string_view>

namespace gantry::wire {

// The fields Gantry acts on. Twice the same one would let Gantry check one value and upstream use the other.
enum class Field {
  model,
  models,
  stream,
  max_tokens,
  max_completion_tokens,
  temperature,
  tools,
  response_format,
  messages,
  prompt,
  provider,
  preset,
  modalities,
  reasoning,
  reasoning_effort,
  plugins,
  debug,
  web_search_options,
  user,
  session_id,
  none
};
inline constexpr std::array<std::string_view, 20> kFields = {"model",
                                                             "models",
                                                             "stream",
                                                             "max_tokens",
                                                             "max_completion_tokens",
                                                             "temperature",
                                                             "tools",
                                                             "response_format",
                                                             "messages",
                                                             "prompt",
                                                             "provider",
                                                             "preset",
                                                             "modalities",
                                                             "reasoning",
                                                             "reasoning_effort",
                                                             "plugins",
                                                             "debug",
                                                             "web_search_options",
                                                             "user",
                                                             "session_id"};

template <Field... candidates>
constexpr Field one_of(std::string_view key) {
  for (const Field each : {candidates...})
    if (key == kFields[static_cast<std::size_t>(each)]) return each;
  return Field::none;
}

// By length first: every member of every request comes through here.
constexpr Field field_of(std::string_view key) {
  switch (key.size()) {
    case 4:
      return one_of<Field::user>(key);
    case 5:
      return one_of<Field::model, Field::tools, Field::debug>(key);
    case 6:
      return one_of<Field::stream, Field::models, Field::prompt, Field::preset>(key);
    case 7:
      return one_of<Field::plugins>(key);
    case 8:
      return one_of<Field::messages, Field::provider>(key);
    case 9:
      return one_of<Field::reasoning>(key);
    case 10:
      return one_of<Field::max_tokens, Field::modalities, Field::session_id>(key);
    case 11:
      return one_of<Field::temperature>(key);
    case 15:
      return one_of<Field::response_format>(key);
    case 16:
      return one_of<Field::reasoning_effort>(key);
    case 18:
      return one_of<Field::web_search_options>(key);
    case 21:
      return one_of<Field::max_completion_tokens>(key);
    default:
      return Field::none;
  }
}
static_assert([] {
  for (std::size_t i = 0; i < kFields.size(); ++i)
    if (field_of(kFields[i]) != static_cast<Field>(i)) return false;
  return true;
}());

}  // namespace gantry::wire
