#pragma once
// What the models cost that may answer an attempt: OpenRouter's by its catalogue, those of other upstreams by
// the configuration. Pure.

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "spend/bound.hpp"
#include "wire/price_table.hpp"
#include "wire/reply.hpp"

namespace gantry::engine {

/// About as many bytes are a token, where nobody has counted them.
inline constexpr std::int64_t kBytesAToken = 4;

/// Roughly what so many tokens cost at the model's listed prices, without conditions; nullopt when they are
/// not known. For estimates that every call makes.
std::optional<PicoUsd> rough_cost(const wire::ModelPrices* model, std::int64_t prompt_tokens,
                                  std::int64_t completion_tokens);

/// Points into what it was made of; lives no longer than that.
class AttemptPrices {
 public:
  /// A model of OpenRouter, and those that go along as `models`. Without a table nobody knows a price but
  /// those that are stated: they win over the table, and no dearer endpoint is kept out of what is stated.
  AttemptPrices(const wire::PriceTable* table, std::string_view model,
                std::span<const std::string_view> along, const config::Prices& stated = kNothingStated);
  /// A model of another upstream, by its name there. Among `stated` it has the name of a chain.
  AttemptPrices(const config::Upstream& upstream, std::string_view model,
                const config::Prices& stated = kNothingStated);
  AttemptPrices(const AttemptPrices&) = delete;

  [[nodiscard]] spend::Served served(WallTime at, Duration lasts) const {
    return {.models = models_, .at = at, .lasts = lasts};
  }
  /// Tokens × prices; nullopt when usage or prices do not tell enough. `served_model` and `provider` are the
  /// reply's, "" when it named none.
  [[nodiscard]] std::optional<PicoUsd> computed(const wire::Usage& usage, std::string_view served_model,
                                                std::string_view provider, WallTime at) const;
  /// The model that is asked; null when its price is not known.
  [[nodiscard]] const wire::ModelPrices* asked() const { return models_.front(); }

 private:
  static const config::Prices kNothingStated;
  [[nodiscard]] const config::ModelPrice* stated(std::string_view id, const wire::ModelPrices* listed) const;
  [[nodiscard]] const wire::ModelPrices* listed(std::string_view id) const {
    return table_ ? table_->find(id) : nullptr;
  }
  void add(std::string_view id);
  void add_own(const config::ModelPrice& price, std::string_view id, const wire::ModelPrices* listed);

  const wire::PriceTable* table_ = nullptr;
  const config::Prices* stated_ = nullptr;
  const wire::ModelPrices* asked_ = nullptr;  // as it is listed
  std::vector<const wire::ModelPrices*> models_;
  std::vector<std::unique_ptr<const wire::ModelPrices>> own_;  // those of the operator
};

}  // namespace gantry::engine
