#pragma once
// The models that the simulator serves, read from a list in OpenRouter's own format (CONTRACT §8.1), be it
// the built-in one or an operator's. Reading is tolerant: nulls, unknown fields and unknown enum values pass.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace gantry::sim {

/// One price with the text it came as: the text is shown, the exact value is charged.
struct PriceEntry {
  std::string key;  ///< prompt, completion, request, image, audio, input_cache_read …
  std::string text;
  Price price;
};

/// A conditional price (CONTRACT §8.2): all conditions must match; a later entry wins per key.
struct PriceOverride {
  std::int64_t min_prompt_tokens = -1;  ///< applies when strictly more; -1 = no condition
  int utc_start = -1;                   ///< HHMM, inclusive; -1 = no condition
  int utc_end = -1;                     ///< HHMM, exclusive; the window may wrap past midnight
  std::vector<PriceEntry> prices;

  [[nodiscard]] bool in_window(WallTime now) const;
};

struct Pricing {
  std::vector<PriceEntry> prices;
  std::vector<PriceOverride> overrides;
  std::string discount;  ///< the number's text; empty = none

  /// The entry in force for a request of that many prompt tokens, discount not yet taken off; nullptr when
  /// the key is not priced.
  [[nodiscard]] const PriceEntry* find(std::string_view key, std::int64_t prompt_tokens, WallTime now) const;
  /// What one unit costs, discount taken off; zero when the key is not priced, unknown (-1) for routers.
  [[nodiscard]] Price unit(std::string_view key, std::int64_t prompt_tokens, WallTime now) const;
};

/// A service tier with an endpoint of its own (CONTRACT §8.3): "flex", "priority".
struct Tier {
  std::string name;
  Pricing pricing;
};

struct Model {
  std::string id, canonical_slug, name;
  std::int64_t created = 0;
  std::int64_t context_length = 0;  ///< 0 = null
  std::string modality, tokenizer, instruct_type;
  std::vector<std::string> input_modalities, output_modalities, supported_parameters;
  Pricing pricing;
  std::int64_t provider_context = 0;       ///< top_provider.context_length, 0 = null
  std::int64_t max_completion_tokens = 0;  ///< 0 = null
  bool is_moderated = false;
  std::string default_parameters;  ///< JSON text; "null" when there are none
  std::string knowledge_cutoff, expiration_date;
  std::string alias_slug, alias_name;  ///< alias_target; empty = not an alias
  bool reasons = false;                ///< answers come with reasoning
  bool reasoning_mandatory = false;    ///< effort none is a 400 (CONTRACT §3.4)
  // The simulator's own ("sim" objects of the list):
  std::int64_t min_max_tokens = 0;  ///< fewer max_tokens are refused with 400
  std::string routes_to;            ///< a router's pick
  std::string faults;               ///< a sim/… model's faults
  std::vector<Tier> tiers;          ///< beside the usual one

  [[nodiscard]] bool takes(std::string_view modality_name) const;
  [[nodiscard]] bool supports(std::string_view parameter) const;
  /// nullptr when it has no such tier: then the usual one serves.
  [[nodiscard]] const Tier* tier(std::string_view wanted) const;
};

/// Immutable once built.
class Catalogue {
 public:
  /// Reads `{"data":[…]}` or a bare array. `source` names the list in errors. Errors: bad_input with the
  /// entry.
  static Result<Catalogue> parse(std::string_view json, std::string_view source, WallTime now);
  static Result<Catalogue> load(const std::string& file, WallTime now);
  static Result<Catalogue> builtin(WallTime now);

  [[nodiscard]] const std::vector<Model>& models() const { return models_; }
  /// The model of that id, or canonical slug; nullptr when there is none.
  [[nodiscard]] const Model* find(std::string_view id) const;
  /// As find(), but resolves dynamic variants (:nitro, :floor, :exacto, :online; CONTRACT §3.4), presets
  /// after '@', aliases and routers to the model that answers. Bounded against cycles.
  [[nodiscard]] const Model* resolve(std::string_view id) const;
  /// Up to three living ids that come closest: same author first, then similar names.
  [[nodiscard]] std::vector<std::string> relatives(std::string_view id) const;

 private:
  std::vector<Model> models_;
  std::unordered_map<std::string, std::size_t> by_id_;
};

/// The compiled-in list (catalogue_builtin.cpp).
std::string builtin_catalogue_json();

/// A provider that serves an author's models, as /providers and the endpoints list name it.
struct Provider {
  std::string_view author, name, slug;
  bool bills_after_cancel;  ///< CONTRACT §5.4: generation runs on and is billed in full
};
/// The first of providers_of().
const Provider& provider_of(std::string_view model_id);
/// All that serve the model; open-weight models have several.
std::span<const Provider* const> providers_of(std::string_view model_id);
std::string_view author_of(std::string_view model_id);

}  // namespace gantry::sim
