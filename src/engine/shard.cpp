#include "engine/shard.hpp"

#include <algorithm>

#include "engine/call.hpp"
#include "engine/headers.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"

namespace gantry::engine {
namespace {

constexpr Duration kRestInterval = std::chrono::seconds{1};
constexpr std::size_t kRush = 16;  // fewer calls at once leave nothing behind that is worth the work
constexpr std::size_t kMaxFetched = 16ull * 1024 * 1024;

net::ClientOptions client_options(const config::Upstream& upstream) {
  net::ClientOptions options;
  if (upstream.max_connections > 0) options.max_connections = upstream.max_connections;
  options.max_idle = upstream.max_idle;
  options.proxy = upstream.proxy;
  options.no_proxy = upstream.no_proxy;
  return options;
}

}  // namespace

Shard::Shard(net::Loop& loop, std::size_t index, Collaborators with, config::Snapshot config,
             std::uint64_t seed)
    : loop_(loop), index_(index), with_(with), random_(seed) {
  client_ =
      std::make_unique<net::HttpClient>(loop_, client_options(config->upstream), with_.resolver, with_.tls);
  configure(std::move(config));
}

Shard::~Shard() = default;

void Shard::configure(config::Snapshot config) {
  config_ = std::move(config);
  const auto& upstream = config_->upstream;
  auto target = std::make_shared<UpstreamTarget>();
  // The configuration was validated: a base URL that does not parse cannot get here.
  if (const auto base = net::parse_base_url(upstream.base_url)) target->base = *base;
  target->authorization = Secret("Bearer " + std::string(upstream.key().reveal()));
  name_scopes(*target);
  target_ = std::move(target);
}

// Breakers belong to names and so outlive this snapshot.
void Shard::name_scopes(UpstreamTarget& target) {
  using Origin = route::ScopeNames::Origin;
  auto& names = with_.failover.scopes.names();
  const auto own = [&](route::Scope kind, route::ScopeId parent, std::string_view name) {
    return names.intern(kind, parent, name, Origin::configuration);
  };
  target.scope = own(route::Scope::upstream, route::kUntracked, config_->upstream.name);
  const auto key = own(route::Scope::key, target.scope, "key");
  target.keys = {{{.key = key, .free_allowance = own(route::Scope::free_allowance, key, "free")}}};
  for (const auto& [name, route] : config_->routes)
    for (const auto& model : route.models) own(route::Scope::model, target.scope, model);
}

route::ScopeId Shard::model_scope(const UpstreamTarget& target, std::string_view model) {
  auto& names = with_.failover.scopes.names();
  const auto known = names.find(route::Scope::model, target.scope, model);
  if (known.tracked()) return known;
  return names.intern(route::Scope::model, target.scope, model, route::ScopeNames::Origin::outside);
}

Task<void> Shard::call(CallRequest request, Delivery& delivery) {
  Call call(*this, request, delivery);
  co_await call.run();
}

void Shard::call_begins() {
  const std::size_t now = active_.load(std::memory_order_relaxed) + 1;
  active_.store(now, std::memory_order_relaxed);  // only this thread writes
  most_now_ = std::max(most_now_, now);
  if (!looking_ && now >= kRush) look_for_rest();
}

void Shard::call_ends() {
  active_.store(active_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

void Shard::look_for_rest() {
  looking_ = true;
  rush_ = std::max(rush_, most_now_);
  if (rush_ >= kRush && most_now_ <= rush_ / 4) {
    client_->free_spare();
    loop_.give_back_memory();
    rush_ = most_now_;
  }
  most_now_ = active_.load(std::memory_order_relaxed);
  looking_ = rush_ >= kRush;
  if (!looking_) return;
  const auto ring = [](void* self) { static_cast<Shard*>(self)->look_for_rest(); };
  loop_.set_timer(rest_timer_, loop_.now() + kRestInterval, ring, this);
}

Task<Result<Fetched>> Shard::fetch(std::string path) {
  const auto limit = config_->routes.at("default").timeouts.silence;
  return ask("GET", std::move(path), {}, earlier(kNever, loop_.now(), limit));
}

Task<Result<Fetched>> Shard::ask(std::string_view method, std::string path, std::string body,
                                 MonoTime deadline) {
  const config::Snapshot config = config_;
  const auto target = target_;
  const config::Route& route = config->routes.at("default");
  const UpstreamHeaders headers(route.attribution, target->authorization, nullptr, "application/json");
  const std::string full = target->base.path + path;
  const std::string_view piece = body;
  const net::ClientRequest request{.method = method,
                                   .path = full,
                                   .headers = headers.all(),
                                   .body = std::span(&piece, body.empty() ? 0 : 1)};
  const net::ClientDeadlines deadlines{.connect = earlier(deadline, loop_.now(), route.timeouts.connect),
                                       .head = deadline};
  auto sent = co_await client_->send(target->base.origin, request, deadlines, nullptr);
  if (!sent) co_return std::unexpected(sent.error().failure);
  net::ClientResponse response = std::move(*sent);
  auto whole = co_await response.read_all(kMaxFetched, deadline);
  if (!whole) co_return std::unexpected(whole.error());
  const auto type = response.headers().get("content-type");
  co_return Fetched{response.status(), std::move(*whole), std::string(type.value_or("application/json"))};
}

Task<void> Shard::warm() {
  constexpr std::size_t kConnections = 1;
  const auto target = target_;
  co_await client_->warm(target->base.origin, kConnections);
}

void Shard::cut_calls() {
  for (Call* call = calls_; call != nullptr;) {
    Call* const next = call->next_;
    call->stop(Call::Why::draining);
    call = next;
  }
}

}  // namespace gantry::engine
