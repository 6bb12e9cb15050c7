#include "engine/key_watch.hpp"

#include "base/money.hpp"
#include "engine/shard.hpp"
#include "observe/log.hpp"
#include "wire/json_index.hpp"

namespace gantry::engine {
namespace {

constexpr Duration kLookAgain = std::chrono::seconds{30};

/// What is left on the key in dollars; nullopt when it has no limit, or says nothing.
std::optional<PicoUsd> left_on(std::string_view body) {
  wire::JsonIndex index;
  if (index.parse(body)) return std::nullopt;
  const auto data = index.root().find("data");
  const auto left = data ? data->find("limit_remaining") : std::nullopt;
  if (!left || left->kind() != wire::JsonKind::number) return std::nullopt;
  const auto dollars = parse_usd(left->raw());
  return dollars ? std::optional(*dollars) : std::nullopt;
}

}  // namespace

void KeyWatch::doubt(route::ScopeId key) {
  auto& asking = shard_.failover().asking_about_key;
  if (asking.exchange(true)) return;
  key_ = key;
  shard_.loop().spawn(ask(key));
}

Task<void> KeyWatch::ask(route::ScopeId key) {
  const auto told = co_await shard_.fetch("/key");
  shard_.failover().asking_about_key = false;
  if (told) settle(key, told->status, told->body);
  const auto breaker = shard_.failover().scopes.breaker(key);
  if (breaker.state() == route::Breaker::State::held) look_again();
}

void KeyWatch::settle(route::ScopeId key, int status, std::string_view body) {
  auto& scopes = shard_.failover().scopes;
  const MonoTime now = shard_.loop().now();
  route::Change change = route::Change::none;
  if (status == 401) {
    change = scopes.stated(key, route::OpenReason::bad_key, now, shard_.random());
  } else if (status == 200) {
    const auto left = left_on(body);
    const bool held = scopes.breaker(key).state() == route::Breaker::State::held;
    if (left && *left <= PicoUsd{}) {
      change = scopes.hold(key, route::OpenReason::out_of_money, now);
    } else if (held) {
      change = scopes.reset(key, now);
    }
  }
  if (change == route::Change::none) return;
  const auto level = change == route::Change::closed ? observe::Level::info : observe::Level::error;
  observe::log(level, "breaker",
               {{"scope", name(route::Scope::key)},
                {"name", scopes.names().at(key).name},
                {"change", name(change)},
                {"reason", name(scopes.breaker(key).reason())}});
}

void KeyWatch::look_again() {
  const auto look = [](void* self) {
    auto& watch = *static_cast<KeyWatch*>(self);
    watch.doubt(watch.key_);
  };
  shard_.loop().set_timer(timer_, shard_.loop().now() + kLookAgain, look, this);
}

}  // namespace gantry::engine
