#include "engine/catalogue.hpp"

#include <algorithm>
#include <utility>

#include "engine/shard.hpp"
#include "observe/log.hpp"

namespace gantry::engine {
namespace {

constexpr Duration kFirst =
    std::chrono::seconds{1};  // the first calls have connections and loop to themselves
constexpr Duration kEvery = std::chrono::hours{1};
constexpr Duration kAfterFailure = std::chrono::seconds{30};  // doubled with each further one, up to kEvery
constexpr double kJitter = 0.1;                               // so that replicas do not ask in step

// Text is not all that models make (CONTRACT §8.1): without this the list leaves the others out.
constexpr std::string_view kModels = "/models?output_modalities=all";
constexpr std::string_view kProviders = "/providers";

}  // namespace

Result<Catalogue> read_catalogue(std::string_view models, std::string_view providers) {
  Catalogue out;
  auto table = wire::ModelTable::parse(models);
  if (!table) return std::unexpected(std::move(table.error()));
  if (table->all().empty()) return fail(Fault::malformed, "the models list names no model");
  out.models = std::move(*table);
  auto prices = wire::PriceTable::parse(models);
  if (!prices) return std::unexpected(std::move(prices.error()));
  out.prices = std::move(*prices);
  out.wanted = std::vector<std::atomic<bool>>(out.prices.all().size());
  if (providers.empty()) return out;
  auto slugs = wire::ProviderSlugs::parse(providers);
  if (!slugs) return std::unexpected(std::move(slugs.error()));
  out.providers = std::move(*slugs);
  return out;
}

void Catalogue::want(std::string_view model) const {
  const auto* const row = prices.find(model);
  if (!row || wanted.empty()) return;
  auto& flag = wanted[static_cast<std::size_t>(row - prices.all().data())];
  // Read first: a flag that is set stays in the caches of all shards.
  if (!flag.load(std::memory_order_relaxed)) flag.store(true, std::memory_order_relaxed);
}

void CatalogueKeeper::start() { arm(kFirst); }

void CatalogueKeeper::refresh() {
  endpoints_.forget();
  begin();
}

void CatalogueKeeper::begin() {
  again_ = fetching_;
  if (!std::exchange(fetching_, true)) shard_.loop().spawn(fetch());
}

void CatalogueKeeper::arm(Duration wait) {
  const auto spread = static_cast<double>(wait.count()) * kJitter * shard_.random().unit();
  const auto ring = [](void* self) { static_cast<CatalogueKeeper*>(self)->begin(); };
  const MonoTime at = shard_.loop().now() + wait + Duration{static_cast<std::int64_t>(spread)};
  shard_.loop().set_timer(timer_, at, ring, this);
}

Task<void> CatalogueKeeper::fetch() {
  bool whole = false;
  do {
    again_ = false;
    std::string base_url = shard_.config()->upstream.base_url;
    auto models = co_await fetch_list(std::string(kModels));
    auto providers = co_await fetch_list(std::string(kProviders));
    whole = take(std::move(models), std::move(providers), std::move(base_url));
  } while (again_);
  fetching_ = false;
  arm(after(whole));
}

Task<std::optional<std::string>> CatalogueKeeper::fetch_list(std::string path) {
  auto fetched = co_await shard_.fetch(path);
  if (fetched && fetched->status == 200) co_return std::move(fetched->body);
  observe::log(observe::Level::warn, "catalogue",
               {{"path", path},
                {"status", static_cast<std::int64_t>(fetched ? fetched->status : 0)},
                {"error", fetched ? std::string_view("not listed") : fetched.error().detail}});
  co_return std::nullopt;
}

bool CatalogueKeeper::take(std::optional<std::string> models, std::optional<std::string> providers,
                           std::string base_url) {
  const bool whole = models && providers;
  if (!models) return false;
  auto read = read_catalogue(*models, providers ? *providers : providers_);
  if (!read) {
    observe::log(observe::Level::warn, "catalogue", {{"error", read.error().detail}});
    return false;
  }
  if (providers) providers_ = std::move(*providers);
  read->fetched = shard_.loop().now();
  observe::log(observe::Level::debug, "catalogue",
               {{"models", static_cast<std::int64_t>(read->models.all().size())},
                {"providers", static_cast<std::int64_t>(read->providers.size())}});
  publish(std::move(*read));
  if (remember_) remember_(std::move(base_url), std::move(*models));
  return whole;
}

void CatalogueKeeper::publish(Catalogue next) {
  endpoints_.fill(next.prices);
  last_ = std::make_shared<const Catalogue>(std::move(next));
  publish_(last_);
  endpoints_.look(last_);
}

void CatalogueKeeper::publish_again() {
  publish({.models = last_->models,
           .providers = last_->providers,
           .prices = last_->prices,
           .fetched = last_->fetched,
           .wanted = std::vector<std::atomic<bool>>(last_->prices.all().size())});
}

Duration CatalogueKeeper::after(bool whole) {
  failures_ = whole ? 0 : failures_ + 1;
  if (whole) return kEvery;
  return std::min<Duration>(kEvery, kAfterFailure * (std::int64_t{1} << std::min(failures_ - 1, 8)));
}

}  // namespace gantry::engine
