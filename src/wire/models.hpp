#pragma once
// OpenRouter's models list (CONTRACT §8.1), reduced to what decides whether a model can do a request. Read
// once and never changed: safe to read from any thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/modality.hpp"
#include "wire/model_names.hpp"

namespace gantry::wire {

/// What a model can do. Whatever the list leaves out, or has as null or [], is unknown: nullopt.
struct ModelFacts {
  std::string id;
  std::string slug;  ///< the canonical one, which variants share and aliases have of their target
  std::optional<std::int64_t> context_length;         ///< its own, else its top provider's
  std::optional<std::int64_t> max_completion_tokens;  ///< its top provider's
  std::optional<Modalities> inputs;
  std::optional<Modalities> outputs;
  std::optional<bool> tools;               ///< of supported_parameters, as are the next two
  std::optional<bool> response_format;     ///< structured_outputs implies it
  std::optional<bool> structured_outputs;  ///< response_format with a schema
  std::optional<bool> reasoning_mandatory;
  std::optional<bool> prefill;  ///< continues a trailing assistant message; the list does not tell
  std::optional<std::chrono::sys_days> expiration_date;  ///< the model may be removed after that day
};

/// Whether both are the same model, or variants or an alias of it: a reply may name any of them.
bool same_model(const ModelFacts& a, const ModelFacts& b);

/// Models by every name they are asked for.
class ModelTable {
 public:
  /// From the body of GET /models: {"data":[…]}. Unknown fields and values are passed over, so is an entry
  /// without an id; of two with the same id the first stands. Errors: malformed, when it is not such a list.
  static Result<ModelTable> parse(std::string_view body);

  /// By id; then by canonical slug; then without a preset and a dynamic variant (CONTRACT §3.4), which every
  /// model has. nullptr when the list does not name it.
  [[nodiscard]] const ModelFacts* find(std::string_view id) const;
  [[nodiscard]] const std::vector<ModelFacts>& all() const { return models_; }

 private:
  std::vector<ModelFacts> models_;
  ModelNames names_;  // rows of models_
};

}  // namespace gantry::wire
