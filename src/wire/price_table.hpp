#pragma once
// What models cost, and at which of their endpoints (CONTRACT §8.1–§8.3). Built once and never changed: then
// safe to read from any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/model_names.hpp"
#include "wire/pricing.hpp"

namespace gantry::wire {

/// Service tiers have endpoints, and prices, of their own (CONTRACT §3.3).
enum class Tier : std::uint8_t { standard, flex, priority };
/// Of an endpoint's tag or a provider slug: "openai/flex".
Tier tier_of(std::string_view tag);

/// One endpoint of a model.
struct EndpointPrices {
  std::string tag;       ///< the provider's slug with region, variant and tier
  std::string provider;  ///< its name, as replies tell it; may be empty
  Tier tier = Tier::standard;
  std::optional<std::int64_t> context_length, max_completion_tokens;
  std::optional<Pricing> pricing;  ///< nullopt: it has no price before it is chosen
  bool searches = false;           ///< searches the web unasked (see ModelPrices)
};

struct ModelPrices {
  std::string id;
  std::optional<std::int64_t> context_length, max_completion_tokens;
  std::optional<Pricing> pricing;  ///< as the models list tells it; some endpoint may be dearer
  /// Web search has a price and is tuned by request: such a model searches by itself.
  bool searches = false;
  std::vector<EndpointPrices> endpoints;  ///< all there are; empty while nobody asked for them

  /// The price list of the provider that answered: of its standard tier if it has one, else any of its own,
  /// else the model's. nullptr when that is not known.
  [[nodiscard]] const Pricing* of(std::string_view provider) const;
};

/// The endpoints of one model: the body of GET /models/{author}/{slug}/endpoints.
struct ModelEndpoints {
  std::string id;  ///< as it names the model
  std::vector<EndpointPrices> endpoints;
};
/// Entries that are no objects are passed over. Errors: malformed.
Result<ModelEndpoints> parse_endpoints(std::string_view body);

/// Price lists by every name that a model is asked for.
class PriceTable {
 public:
  /// From the body of GET /models: {"data":[…]}. An entry without an id is passed over; of two with the same
  /// id the first stands; an alias is its target where the list has that. Errors: malformed, when it is not
  /// such a list.
  static Result<PriceTable> parse(std::string_view models);
  /// Adds the body of GET /models/{author}/{slug}/endpoints, before others read the table: the endpoints of
  /// that model are then these. Errors: malformed; not_found, when the table has no such model.
  Result<void> add_endpoints(std::string_view body);
  /// The same of the model with exactly this id. False when there is none.
  bool set_endpoints(std::string_view id, std::vector<EndpointPrices> endpoints);

  /// By id; then by canonical slug; then without a preset and a dynamic variant. nullptr when the list does
  /// not name it. Takes no memory.
  [[nodiscard]] const ModelPrices* find(std::string_view id) const;
  [[nodiscard]] const std::vector<ModelPrices>& all() const { return models_; }
  /// As dear as the dearest prompt and the dearest completion of the list, for estimates of what has no
  /// price; without a price where the list has none.
  [[nodiscard]] const ModelPrices& dearest() const { return dearest_; }

 private:
  void note_dearest(const Pricing& pricing);

  std::vector<ModelPrices> models_;
  ModelPrices dearest_;
  ModelNames names_;  // rows of models_
};

}  // namespace gantry::wire
