#include "engine/upstreams.hpp"

#include <algorithm>

#include "net/resolver.hpp"
#include "net/tls.hpp"

namespace gantry::engine {
namespace {

bool is_https(const config::Upstream& upstream) {
  const auto base = net::parse_base_url(upstream.base_url);
  return base && base->origin.https;
}

net::ClientOptions client_options(const config::Upstream& upstream) {
  net::ClientOptions options;
  if (upstream.max_connections > 0) options.max_connections = upstream.max_connections;
  options.max_idle = upstream.max_idle;
  options.proxy = upstream.proxy;
  options.no_proxy = upstream.no_proxy;
  return options;
}

bool same_way(const net::ClientOptions& a, const net::ClientOptions& b) {
  return a.max_connections == b.max_connections && a.max_idle == b.max_idle && a.proxy == b.proxy &&
         a.no_proxy == b.no_proxy;
}

Secret authorization(const Secret& key) {
  return key.empty() ? Secret{} : Secret("Bearer " + std::string(key.reveal()));
}

// Each upstream may have a key of the same name, such as the usual one.
std::string books_of(const config::Upstream& upstream, std::size_t index, const std::string& key) {
  return index == 0 ? key : upstream.name + ":" + key;
}

void add_key(UpstreamTarget& target, const config::UpstreamKey& key, std::string books,
             route::ScopeNames& names) {
  using Origin = route::ScopeNames::Origin;
  target.keys.push_back({.name = key.name,
                         .books = std::move(books),
                         .authorization = authorization(key.secret),
                         .exclusive = key.exclusive});
  target.weights.push_back(static_cast<std::uint16_t>(key.weight));
  const auto scope = names.intern(route::Scope::key, target.scope, key.name, Origin::configuration);
  const auto free = names.intern(route::Scope::free_allowance, scope, "free", Origin::configuration);
  target.key_scopes.push_back({.key = scope, .free_allowance = free});
}

void add_keys(UpstreamTarget& target, const config::Upstream& upstream, std::size_t index,
              route::ScopeNames& names) {
  auto keys = upstream.keys;
  if (keys.empty()) keys.emplace_back();  // a local server that asks for none
  for (const auto& key : keys) add_key(target, key, books_of(upstream, index, key.name), names);
}

void name_models(Targets& targets, const config::Config& config, route::ScopeNames& names) {
  for (const auto& [name, route] : config.routes) {
    for (const auto& link : route.models) {
      const auto [upstream, model] = config::locate(config, link);
      auto& target = targets[upstream];
      const auto scope =
          names.intern(route::Scope::model, target.scope, model, route::ScopeNames::Origin::configuration);
      target.models.emplace(model.data(), scope);
    }
  }
}

}  // namespace

// ---- TLS

// Nothing is taken away: a shard may be about to take a configuration that is older than the newest.
Result<void> UpstreamTls::prepare(const config::Config& config) {
  for (std::size_t i = 0; i < config::upstream_count(config); ++i) {
    const auto& upstream = config::upstream_at(config, i);
    if (!is_https(upstream) || find(upstream.ca_file)) continue;
    auto made = net::TlsContext::client({.ca_file = upstream.ca_file});
    if (!made) return std::unexpected(made.error());
    const std::lock_guard lock(mutex_);
    contexts_.emplace(upstream.ca_file, std::make_shared<net::TlsContext>(std::move(*made)));
  }
  return {};
}

std::shared_ptr<net::TlsContext> UpstreamTls::find(const std::string& ca_file) const {
  const std::lock_guard lock(mutex_);
  const auto found = contexts_.find(ca_file);
  return found == contexts_.end() ? nullptr : found->second;
}

// ---- keys

std::optional<KeyPlace> find_key(std::shared_ptr<const Targets> targets, route::ScopeId key) {
  if (!key.tracked()) return std::nullopt;
  for (std::size_t i = 0; i < targets->size(); ++i) {
    const auto& scopes = (*targets)[i].key_scopes;
    const auto found = std::ranges::find(scopes, key, &route::KeyScopes::key);
    if (found != scopes.end())
      return KeyPlace{std::move(targets), i, static_cast<std::size_t>(found - scopes.begin())};
  }
  return std::nullopt;
}

bool is_current(const Targets& now, const UpstreamTarget& target, std::size_t key) {
  for (const auto& each : now) {
    const auto found = std::ranges::find(each.key_scopes, target.key_scopes[key].key, &route::KeyScopes::key);
    if (found == each.key_scopes.end()) continue;
    const auto place = static_cast<std::size_t>(found - each.key_scopes.begin());
    return each.keys[place].authorization.matches(target.keys[key].authorization.reveal());
  }
  return false;
}

std::vector<KeyName> replaced_keys(const config::Config& before, const config::Config& after) {
  std::vector<KeyName> out;
  for (std::size_t i = 0; i < config::upstream_count(before); ++i) {
    const auto& old = config::upstream_at(before, i);
    for (std::size_t j = 0; j < config::upstream_count(after); ++j) {
      const auto& next = config::upstream_at(after, j);
      if (next.name != old.name) continue;
      for (const auto& key : next.keys) {
        const auto was = std::ranges::find(old.keys, key.name, &config::UpstreamKey::name);
        if (was != old.keys.end() && !was->secret.matches(key.secret.reveal()))
          out.push_back({next.name, key.name});
      }
    }
  }
  return out;
}

// ---- clients

struct Upstreams::Client {
  std::string name;  // of the upstream
  net::ClientOptions options;
  std::shared_ptr<net::TlsContext> tls;  // before the client, which uses it to its end
  net::HttpClient http;

  Client(std::string of, net::ClientOptions with, std::shared_ptr<net::TlsContext> secure, net::Loop& loop,
         net::Resolver& resolver)
      : name(std::move(of)),
        options(std::move(with)),
        tls(std::move(secure)),
        http(loop, options, resolver, tls.get()) {}
};

Upstreams::Upstreams(net::Loop& loop, net::Resolver& resolver, const UpstreamTls* tls)
    : loop_(loop), resolver_(resolver), tls_(tls) {}
Upstreams::~Upstreams() = default;

std::shared_ptr<Upstreams::Client> Upstreams::client_for(const config::Upstream& upstream) {
  auto options = client_options(upstream);
  auto tls = tls_ && is_https(upstream) ? tls_->find(upstream.ca_file) : nullptr;
  const auto known =
      std::ranges::find(clients_, upstream.name, [](const auto& client) { return client->name; });
  if (known != clients_.end() && (*known)->tls == tls && same_way((*known)->options, options)) return *known;
  return std::make_shared<Client>(upstream.name, std::move(options), std::move(tls), loop_, resolver_);
}

void Upstreams::configure(const config::Config& config, route::ScopeNames& names) {
  auto targets = std::make_shared<Targets>();
  std::vector<std::shared_ptr<Client>> clients;
  for (std::size_t i = 0; i < config::upstream_count(config); ++i) {
    const auto& upstream = config::upstream_at(config, i);
    const auto& client = clients.emplace_back(client_for(upstream));
    auto& target = targets->emplace_back();
    target.scope = names.intern(route::Scope::upstream, route::kUntracked, upstream.name,
                                route::ScopeNames::Origin::configuration);
    // The configuration was validated: a base URL that does not parse cannot get here.
    if (const auto base = net::parse_base_url(upstream.base_url)) target.base = *base;
    add_keys(target, upstream, i, names);
    target.client = std::shared_ptr<net::HttpClient>(client, &client->http);
  }
  name_models(*targets, config, names);
  former_.insert(former_.end(), clients_.begin(), clients_.end());
  clients_ = std::move(clients);
  targets_ = std::move(targets);
  std::erase_if(former_, [this](const auto& each) {
    const auto client = each.lock();
    return !client || std::ranges::find(clients_, client) != clients_.end();
  });
}

net::ClientStats Upstreams::stats() const {
  net::ClientStats sum;
  for (const auto& client : clients_) {
    const auto [open, idle, waiting, connects, connect_failures, reused, replaced_stale, spare] =
        client->http.stats();
    sum.open += open, sum.idle += idle, sum.waiting += waiting, sum.connects += connects;
    sum.connect_failures += connect_failures, sum.reused += reused;
    sum.replaced_stale += replaced_stale, sum.spare += spare;
  }
  return sum;
}

void Upstreams::free_spare() {
  for (const auto& client : clients_) client->http.free_spare();
}

void Upstreams::shut_down() {
  for (const auto& client : clients_) client->http.shut_down();
  for (const auto& each : former_)
    if (const auto client = each.lock()) client->http.shut_down();
}

}  // namespace gantry::engine
