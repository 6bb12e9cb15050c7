#pragma once
// What Gantry needs to know of a request body, found in one scan, with the byte ranges that edits
// need. Fields Gantry does not act on are neither read nor changed (CONTRACT §11.27).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/edit.hpp"
#include "wire/modality.hpp"

namespace gantry::wire {

/// A request that is refused before anything is sent (HTTP 400 unless said otherwise), in words for its
/// author.
struct Refusal {
  int status = 400;
  std::string message;                         ///< what is wrong, naming the field
  std::string remedy;                          ///< what to do next, naming the setting if one is concerned
  std::string param;                           ///< the field, for SDKs that show it; may be empty
  std::string error_type = "invalid_request";  ///< CONTRACT §6.2
};

struct PromptSize {
  std::size_t code_points =
      0;  ///< of text only: strings and text parts of every message, or `prompt`; never base64 or tools
  bool any_text = false;        ///< some text that is not all white space
  bool other_modality = false;  ///< image, audio, video or file part, or tool calls / tool results
  Modalities inputs{};          ///< of the parts that Gantry knows; a file is one, whoever reads it
};

/// Facts of a chat/completions or completions request.
struct RequestFacts {
  std::optional<std::string> model;         ///< decoded; null counts as absent
  std::optional<ByteRange> model_value;     ///< the value's bytes, quotes included, also when it is null
  std::vector<std::string> models;          ///< the client's own chain behind `model`; null counts as absent
  std::optional<ByteRange> models_value;    ///< also when it is null or empty
  std::optional<ByteRange> provider_value;  ///< an object, or null
  bool has_preset = false;  ///< a `preset` that is not null; `@preset/…` in the model is not looked for
  bool stream = false;
  std::optional<std::int64_t> max_tokens;     ///< null counts as absent
  std::optional<ByteRange> max_tokens_value;  ///< also when it is null
  std::optional<std::int64_t> max_completion_tokens;
  std::optional<ByteRange> max_completion_tokens_value;
  bool has_temperature = false;  ///< present, also when it is null: a second one must not be inserted
  bool has_tools = false;
  bool has_response_format = false;
  bool has_modalities = false;    ///< output kinds are asked for
  bool has_reasoning = false;     ///< `reasoning` or `reasoning_effort`
  bool has_plugins = false;       ///< at least one
  bool has_server_tools = false;  ///< tools that OpenRouter runs, web_search_options among them
  bool has_debug = false;
  std::optional<ByteRange> user_value, session_value;  ///< `user` and `session_id`, where they are strings
  std::size_t message_count = 0;
  PromptSize prompt;
  std::size_t insert_at = 0;  ///< offset right after the object's '{', where new members may be put
  bool object_empty = false;  ///< no member follows, so that an inserted one needs no comma
};

/// What the scan checks itself: JSON that is one object, UTF-8, types of the fields above, duplicate keys
/// among them, messages/prompt present and not all blank. The prompt limit and the model's form are the
/// engine's (they depend on the route). Keeps nothing between two scans.
class RequestScanner {
 public:
  std::expected<RequestFacts, Refusal> chat(std::string_view body);  ///< `messages`
  std::expected<RequestFacts, Refusal> completions(
      std::string_view body);  ///< `prompt`: string or list of strings
};

/// Why a prompt is over the limit, naming the setting; nullopt when it is not. `limit` 0 = no limit.
std::optional<Refusal> check_prompt_limit(const PromptSize& prompt, std::size_t limit);
/// A model id as CONTRACT §3.4: `[~]author/slug[:variant][@preset/name]` or `@preset/name`.
bool is_model_id(std::string_view model);
/// JSON string literal with quotes, for inserted values.
std::string json_quote(std::string_view text);

}  // namespace gantry::wire
