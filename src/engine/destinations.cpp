#include "engine/destinations.hpp"

namespace gantry::engine {
namespace {

static_assert(config::kMostKeys == KeySet::kMost);

// `author/slug:free`, also with a preset behind it (CONTRACT §3.4).
bool is_free(std::string_view model) { return model.substr(0, model.find("@preset/")).ends_with(":free"); }

}  // namespace

std::optional<std::size_t> choose_key(std::span<const std::uint16_t> weights, KeySet usable,
                                      std::uint64_t random) {
  std::uint64_t total = 0;
  for (std::size_t key = 0; key < weights.size(); ++key)
    if (usable.has(key)) total += weights[key];
  if (total == 0) return std::nullopt;
  // The high half of the product is uniform in [0, total), but for one part in 2⁴⁸.
  auto point = static_cast<std::uint64_t>(static_cast<unsigned __int128>(random) * total >> 64);
  std::size_t key = 0;
  for (;; ++key) {
    if (!usable.has(key)) continue;
    if (point < weights[key]) return key;
    point -= weights[key];
  }
}

std::string_view reason(Unmet unmet) {
  switch (unmet) {
    case Unmet::none:
      return "";
    case Unmet::zdr:
      return "is not declared to keep nothing (zdr)";
    case Unmet::data_collection:
      return "is not declared to collect nothing (data_collection)";
    case Unmet::only:
      return "is none of the providers that the call allows (only)";
    case Unmet::region:
      return "is not declared to be in the route's region";
  }
  return "";
}

Unmet unmet(const config::Upstream& upstream, const wire::ProviderDemands& demands, std::string_view region) {
  if (demands.zdr && !upstream.zdr) return Unmet::zdr;
  if (demands.deny_data_collection && upstream.data_collection != config::DataCollection::deny)
    return Unmet::data_collection;
  if (demands.only) return Unmet::only;
  return region.empty() || upstream.region == region ? Unmet::none : Unmet::region;
}

Destination destination(std::string_view link, const config::Config& config,
                        const wire::ProviderDemands& demands, std::string_view region) {
  const auto [index, model] = config::locate(config, link);
  const auto& upstream = config::upstream_at(config, index);
  const bool openrouter = index == 0;
  return {.upstream = index,
          .model = model,
          .free = openrouter && is_free(model),
          .keys = KeySet::first(upstream.keys.size()),
          .unmet = unmet(upstream, openrouter ? wire::ProviderDemands{} : demands, region)};
}

std::vector<Destination> destinations(std::span<const std::string_view> chain, const config::Config& config,
                                      const wire::ProviderDemands& demands, std::string_view region) {
  std::vector<Destination> out;
  out.reserve(chain.size());
  for (const auto link : chain) out.push_back(destination(link, config, demands, region));
  return out;
}

}  // namespace gantry::engine
