#include "engine/key_watch.hpp"

#include <algorithm>

#include "engine/shard.hpp"
#include "observe/log.hpp"
#include "wire/balance.hpp"

namespace gantry::engine {
namespace {

constexpr Duration kLookAgain = std::chrono::seconds{30};

}  // namespace

void KeyWatch::doubt(route::ScopeId key) {
  const auto place = find_key(shard_.upstreams(), key);
  if (!place || place->upstream != 0) return;
  if (shard_.failover().keys_asked.begin(key)) shard_.loop().spawn(ask(*place));
}

Task<void> KeyWatch::ask(KeyPlace key) {
  const auto scope = key.target().key_scopes[key.key].key;
  const auto told = co_await shard_.fetch("/key", key);
  shard_.failover().keys_asked.end(scope);
  if (told && is_current(*shard_.upstreams(), key.target(), key.key)) settle(scope, told->status, told->body);
  if (shard_.failover().scopes.breaker(scope).state() == route::Breaker::State::held) keep(scope);
}

void KeyWatch::settle(route::ScopeId key, int status, std::string_view body) {
  auto& scopes = shard_.failover().scopes;
  const MonoTime now = shard_.loop().now();
  route::Change change = route::Change::none;
  if (status == 401) {
    change = scopes.stated(key, route::OpenReason::bad_key, now, shard_.random());
  } else if (status == 200) {
    const auto told = wire::read_key_balance(body);
    const auto left = told ? told->left : std::nullopt;
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

void KeyWatch::keep(route::ScopeId key) {
  if (std::ranges::find(held_, key) == held_.end()) held_.push_back(key);
  arm();
}

void KeyWatch::arm() {
  if (armed_ || held_.empty()) return;
  armed_ = true;
  const auto look = [](void* self) { static_cast<KeyWatch*>(self)->look_again(); };
  shard_.loop().set_timer(timer_, shard_.loop().now() + kLookAgain, look, this);
}

// A key that somebody else asks about just now stays: who asks may not be the one that keeps it.
void KeyWatch::look_again() {
  armed_ = false;
  std::erase_if(held_, [this](route::ScopeId key) {
    return shard_.failover().scopes.breaker(key).state() != route::Breaker::State::held ||
           !find_key(shard_.upstreams(), key);
  });
  for (const auto key : held_) doubt(key);
  arm();
}

}  // namespace gantry::engine
