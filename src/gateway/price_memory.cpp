#include "gateway/price_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/kept_prices.hpp"
#include "observe/log.hpp"

namespace gantry::gateway {
namespace {

std::size_t hash_of(std::string_view document) { return std::hash<std::string_view>{}(document); }

void log_lost(const Failure& why) {
  observe::log(observe::Level::warn, "kept_prices", {{"error", why.detail}});
}

}  // namespace

std::shared_ptr<const engine::Catalogue> PriceMemory::recall(const std::string& base_url, MonoTime now) {
  const auto document = recorder_.ledger().kept(engine::kKeptPrices);
  const auto moment = recorder_.ledger().kept(engine::kKeptPricesAt);
  if (!document || !moment) {
    log_lost(document ? moment.error() : document.error());
    return nullptr;
  }
  const auto at = *moment ? engine::kept_moment(**moment) : std::nullopt;
  if (!*document || !at) return nullptr;
  auto prices = engine::kept_prices(**document, base_url);
  if (!prices) {
    log_lost(prices.error());
    return nullptr;
  }
  kept_ = hash_of(**document);
  const Duration age = std::max(Duration::zero(), bank_.now() - *at);
  observe::log(
      observe::Level::info, "kept_prices",
      {{"models", static_cast<std::int64_t>(prices->all().size())},
       {"age_s", static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(age).count())}});
  auto out = std::make_shared<engine::Catalogue>();
  out->prices = std::move(*prices);
  out->fetched = now - age;
  return out;
}

void PriceMemory::remember(std::string base_url, std::string models) {
  recorder_.post([this, base_url = std::move(base_url), models = std::move(models)](ledger::Ledger& ledger) {
    write(ledger, base_url, models);
  });
}

// The list before its moment: one that is younger than its moment says is no harm.
void PriceMemory::write(ledger::Ledger& ledger, const std::string& base_url, const std::string& models) {
  const auto document = engine::prices_to_keep(base_url, models);
  if (!document) return log_lost(document.error());
  const auto hash = hash_of(*document);
  if (hash != kept_) {
    if (const auto kept = ledger.keep(engine::kKeptPrices, *document); !kept) return log_lost(kept.error());
    kept_ = hash;
  }
  const auto dated = ledger.keep(engine::kKeptPricesAt, engine::moment_to_keep(bank_.now()));
  if (!dated) log_lost(dated.error());
}

}  // namespace gantry::gateway
