#include "gateway/breaker_figures.hpp"

#include <array>
#include <map>
#include <utility>

namespace gantry::gateway {
namespace {

using route::Scope;
using Named = std::pair<Scope, std::string>;

constexpr std::array kKinds{Scope::upstream, Scope::key, Scope::free_allowance, Scope::model,
                            Scope::provider};
constexpr const char* kOther = "other";

std::string below(const config::Config& config, std::string_view upstream, std::string_view name) {
  if (upstream == config.upstream.name) return std::string(name);
  return std::string(upstream).append(":").append(name);
}

std::map<Named, std::size_t> configured(const config::Config& config) {
  std::map<Named, std::size_t> open;
  for (const Scope kind : kKinds) open[{kind, kOther}] = 0;
  const auto add_key = [&](const config::Upstream& upstream, const std::string& key) {
    for (const Scope kind : {Scope::key, Scope::free_allowance})
      open[{kind, below(config, upstream.name, key)}] = 0;
  };
  for (std::size_t i = 0; i < config::upstream_count(config); ++i) {
    const auto& upstream = config::upstream_at(config, i);
    open[{Scope::upstream, upstream.name}] = 0;
    for (const auto& key : upstream.keys) add_key(upstream, key.name);
    if (upstream.keys.empty()) add_key(upstream, config::UpstreamKey{}.name);  // one that asks for none
  }
  for (const auto& [name, route] : config.routes)
    for (const auto& link : route.models) {
      const auto [upstream, model] = config::locate(config, link);
      open[{Scope::model, below(config, config::upstream_at(config, upstream).name, model)}] = 0;
    }
  return open;
}

// As configured() calls it; a provider has no name there, since only replies tell of it.
Named name_of(const route::ScopeNames& names, route::ScopeId id, const config::Config& config) {
  const auto& named = names.at(id);
  switch (named.kind) {
    case Scope::key:
    case Scope::model:
      return {named.kind, below(config, names.at(named.parent).name, named.name)};
    case Scope::free_allowance:
      return {named.kind, name_of(names, named.parent, config).second};
    case Scope::upstream:
      return {named.kind, named.name};
    case Scope::provider:
    case Scope::request:
      break;
  }
  return {named.kind, kOther};
}

}  // namespace

observe::BreakerFigures breaker_figures(const route::ScopeTable& scopes, const config::Config& config,
                                        MonoTime now) {
  observe::BreakerFigures figures;
  auto open = configured(config);
  for (const auto& scope : scopes.list(now)) {
    if (scope.state == route::Breaker::State::closed) continue;
    if (scope.for_one_client) {
      ++figures.for_one_client;
      continue;
    }
    const auto known = open.find(name_of(scopes.names(), scope.id, config));
    ++(known == open.end() ? open[{scope.kind, kOther}] : known->second);
  }
  for (const Scope kind : kKinds)
    for (const auto& [named, count] : open)
      if (named.first == kind) figures.open.push_back({kind, named.second, count});
  figures.changes = scopes.changes();
  return figures;
}

}  // namespace gantry::gateway
