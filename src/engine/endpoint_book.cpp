#include "engine/endpoint_book.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace gantry::engine {

bool fits_in_path(std::string_view id) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:/").contains(c);
  };
  const auto slash = id.find('/');
  return slash != 0 && slash != std::string_view::npos && slash + 1 < id.size() && slash == id.rfind('/') &&
         !id.contains("..") && std::ranges::all_of(id, plain);
}

void EndpointBook::want(std::string_view id, MonoTime now) {
  auto found = models_.find(id);
  if (found == models_.end()) {
    if (models_.size() >= kMost || !fits_in_path(id)) return;
    found = models_.emplace(id, Known{.next = now}).first;
  }
  found->second.wanted = now;
}

std::optional<std::string> EndpointBook::due(MonoTime now) {
  std::erase_if(models_, [now](const auto& each) { return now - each.second.wanted > kWanted; });
  for (const auto& [id, known] : models_)
    if (known.next <= now) return id;
  return std::nullopt;
}

void EndpointBook::got(const std::string& id, std::vector<wire::EndpointPrices> endpoints, MonoTime now) {
  const auto found = models_.find(id);
  if (found == models_.end()) return;
  Known& known = found->second;
  known.endpoints = std::move(endpoints);
  known.at = now;
  known.next = now + kEvery;
  known.failures = 0;
}

bool EndpointBook::failed(const std::string& id, MonoTime now) {
  const auto found = models_.find(id);
  if (found == models_.end()) return false;
  Known& known = found->second;
  known.next =
      now + std::min<Duration>(kEvery, kAfterFailure * (std::int64_t{1} << std::min(known.failures, 8)));
  return ++known.failures == 1;
}

void EndpointBook::fill(wire::PriceTable& table, MonoTime now) {
  good_until_ = kNever;
  for (const auto& [id, known] : models_) {
    const bool good = known.at && now - *known.at < kGood;
    if (!table.set_endpoints(id, good ? known.endpoints : std::vector<wire::EndpointPrices>{}) || !good)
      continue;
    good_until_ = std::min(good_until_, *known.at + kGood);
  }
}

}  // namespace gantry::engine
