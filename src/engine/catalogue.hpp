#pragma once
// What OpenRouter lists of its models and providers: what decides whether a model can do a call, and by which
// slug a provider is left out. One snapshot for the whole process, fetched by one keeper on one shard; each
// shard holds its own reference, so that no call counts one.
//
// It is a help and never a condition: calls go on without one, and what it does not name is not known.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "base/time.hpp"
#include "engine/endpoint_keeper.hpp"
#include "net/loop.hpp"
#include "wire/models.hpp"
#include "wire/price_table.hpp"
#include "wire/provider_slugs.hpp"

namespace gantry::engine {

class Shard;

/// Never changed once it is published. One that an earlier run kept has prices alone (kept_prices.hpp).
struct Catalogue {
  wire::ModelTable models;
  wire::ProviderSlugs providers;
  wire::PriceTable prices;
  MonoTime fetched{};
  mutable std::vector<std::atomic<bool>> wanted{};  ///< rows of `prices`; empty: nobody asks for endpoints

  /// A call under a budget asked for this model: its endpoints should be known. Any thread.
  void want(std::string_view model) const;
  /// Whether somebody did since the last look.
  bool take_wanted(std::size_t row) const {
    return row < wanted.size() && wanted[row].exchange(false, std::memory_order_relaxed);
  }
};

/// From the bodies of GET /models and GET /providers; an empty `providers` names none. Pure. Errors:
/// malformed, also when the list of models is empty, which says nothing of any model.
Result<Catalogue> read_catalogue(std::string_view models, std::string_view providers);

/// Fetches the catalogue a little after the start, so that neither the start nor the first call waits for it,
/// then every hour; after a failure sooner, and the last good copy stays. On its shard's thread.
class CatalogueKeeper {
 public:
  using Publish = std::move_only_function<void(std::shared_ptr<const Catalogue>)>;
  using Remember = std::move_only_function<void(std::string base_url, std::string models)>;

  /// `publish` is called on the shard's thread with each new snapshot; then `remember`, when there is one,
  /// with what the next start may know of it.
  CatalogueKeeper(Shard& shard, Publish publish, Remember remember = {})
      : shard_(shard), publish_(std::move(publish)), remember_(std::move(remember)) {}
  CatalogueKeeper(const CatalogueKeeper&) = delete;

  void start();
  /// The upstream is another: what it lists is fetched now.
  void refresh();

 private:
  void begin();
  Task<void> fetch();
  Task<std::optional<std::string>> fetch_list(std::string path);
  [[nodiscard]] bool take(std::optional<std::string> models, std::optional<std::string> providers,
                          std::string base_url);
  void arm(Duration wait);
  [[nodiscard]] Duration after(bool whole);
  void publish(Catalogue next);
  void publish_again();

  Shard& shard_;
  Publish publish_;
  Remember remember_;
  std::string providers_;  // the last good body: few bytes, and the models come without it too
  bool fetching_ = false;
  bool again_ = false;                     // asked for while a fetch was under way
  int failures_ = 0;                       // in a row
  std::shared_ptr<const Catalogue> last_;  // that was published
  net::Timer timer_;
  EndpointKeeper endpoints_{shard_, [this] { publish_again(); }};
};

}  // namespace gantry::engine
