#include "engine/shard.hpp"

#include <algorithm>

#include "engine/call.hpp"
#include "engine/headers.hpp"
#include "net/resolver.hpp"
#include "observe/log.hpp"

namespace gantry::engine {
namespace {

constexpr Duration kRestInterval = std::chrono::seconds{1};
constexpr std::size_t kRush = 16;  // fewer calls at once leave nothing behind that is worth the work
constexpr std::size_t kMaxFetched = 16ull * 1024 * 1024;

}  // namespace

Shard::Shard(net::Loop& loop, std::size_t index, Collaborators with, config::Snapshot config,
             std::uint64_t seed)
    : loop_(loop), index_(index), with_(with), random_(seed), upstreams_(loop, with.resolver, with.tls) {
  configure(std::move(config));
}

Shard::~Shard() = default;

void Shard::configure(config::Snapshot config) {
  config_ = std::move(config);
  upstreams_.configure(*config_, with_.failover.scopes.names());
}

route::ScopeId Shard::model_scope(const UpstreamTarget& target, std::string_view model) const {
  if (const auto configured = target.models.find(model.data()); configured != target.models.end())
    return configured->second;
  return with_.failover.scopes.names().find(route::Scope::model, target.scope, model);
}

route::ScopeId Shard::track(const UpstreamTarget& target, std::string_view model) {
  return with_.failover.scopes.names().intern(route::Scope::model, target.scope, model,
                                              route::ScopeNames::Origin::outside);
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
    upstreams_.free_spare();
    loop_.give_back_memory();
    rush_ = most_now_;
  }
  most_now_ = active_.load(std::memory_order_relaxed);
  looking_ = rush_ >= kRush;
  if (!looking_) return;
  const auto ring = [](void* self) { static_cast<Shard*>(self)->look_for_rest(); };
  loop_.set_timer(rest_timer_, loop_.now() + kRestInterval, ring, this);
}

// The first one of OpenRouter's that no breaker leaves alone, else the first.
KeyPlace Shard::usable_key() const {
  const auto& scopes = with_.failover.scopes;
  const auto closed = [&scopes](const route::KeyScopes& each) {
    return scopes.breaker(each.key).state() == route::Breaker::State::closed;
  };
  const auto& keys = upstreams()->front().key_scopes;
  const auto found = std::ranges::find_if(keys, closed);
  const auto key = found == keys.end() ? 0 : found - keys.begin();
  return {.targets = upstreams(), .upstream = 0, .key = static_cast<std::size_t>(key)};
}

Task<Result<Fetched>> Shard::fetch(std::string path) { return fetch(std::move(path), usable_key()); }

Task<Result<Fetched>> Shard::fetch(std::string path, KeyPlace with) {
  auto own = with.target().keys[with.key].authorization;
  return exchange(std::move(with), std::move(own), "GET", std::move(path), {}, fetch_deadline());
}

Task<Result<Fetched>> Shard::fetch(std::string path, Secret authorization) {
  return exchange({.targets = upstreams()}, std::move(authorization), "GET", std::move(path), {},
                  fetch_deadline());
}

MonoTime Shard::fetch_deadline() const {
  return earlier(kNever, loop_.now(), config_->routes.at("default").timeouts.silence);
}

Task<Result<Fetched>> Shard::ask(std::string_view method, std::string path, std::string body,
                                 MonoTime deadline) {
  auto with = usable_key();
  auto own = with.target().keys[with.key].authorization;
  return exchange(std::move(with), std::move(own), method, std::move(path), std::move(body), deadline);
}

Task<Result<Fetched>> Shard::exchange(KeyPlace with, Secret authorization, std::string_view method,
                                      std::string path, std::string body, MonoTime deadline) {
  const config::Snapshot config = config_;
  const UpstreamTarget& target = with.target();
  const config::Route& route = config->routes.at("default");
  const UpstreamHeaders headers(route.attribution, authorization, nullptr, "application/json");
  const std::string full = target.base.path + path;
  const std::string_view piece = body;
  const net::ClientRequest request{.method = method,
                                   .path = full,
                                   .headers = headers.all(),
                                   .body = std::span(&piece, body.empty() ? 0 : 1)};
  const net::ClientDeadlines deadlines{.connect = earlier(deadline, loop_.now(), route.timeouts.connect),
                                       .head = deadline};
  auto sent = co_await target.client->send(target.base.origin, request, deadlines, nullptr);
  if (!sent) co_return std::unexpected(sent.error().failure);
  net::ClientResponse response = std::move(*sent);
  auto whole = co_await response.read_all(kMaxFetched, deadline);
  if (!whole) co_return std::unexpected(whole.error());
  const auto type = response.headers().get("content-type");
  co_return Fetched{response.status(), std::move(*whole), std::string(type.value_or("application/json"))};
}

Task<void> Shard::warm() {
  constexpr std::size_t kConnections = 1;
  const auto held = upstreams();
  const UpstreamTarget& first = held->front();
  co_await first.client->warm(first.base.origin, kConnections);
}

void Shard::cut_calls() {
  for (Call* call = calls_; call != nullptr;) {
    Call* const next = call->next_;
    call->stop(Call::Why::draining);
    call = next;
  }
}

void Shard::tell_unpriced(std::string_view model) {
  constexpr std::size_t kMost = 256;
  if (unpriced_.size() >= kMost || !unpriced_.emplace(model).second) return;
  observe::log(observe::Level::warn, "unknown_cost",
               {{"model", model},
                {"error",
                 "what it costs is not told and no price is known, so it counts as nothing until "
                 "somebody tells; state its price in the route or the upstream"}});
}

}  // namespace gantry::engine
