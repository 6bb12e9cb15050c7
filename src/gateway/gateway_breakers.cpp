// What operators see of breakers, and how they close them: GET /admin/v1/breakers, POST
// /admin/v1/breakers/reset.
#include <fmt/format.h>

#include "base/json_string.hpp"
#include "gateway/gateway.hpp"
#include "gateway/refuse.hpp"

namespace gantry::gateway {
namespace {

using State = route::Breaker::State;

std::string_view name(State state) {
  switch (state) {
    case State::closed:
      return "closed";
    case State::open:
      return "open";
    case State::probing:
      return "probing";
    case State::held:
      return "held";
  }
  return "";
}

std::string seconds(Duration span) {
  return fmt::format("{:.1f}", std::chrono::duration<double>(span).count());
}

std::string line_of(const route::ScopeState& scope, MonoTime now) {
  std::string out = fmt::format(R"({{"scope":"{}","name":)", name(scope.kind));
  append_quoted(out, scope.name);
  out += R"(,"in":)";
  append_quoted(out, scope.above);
  out += fmt::format(R"(,"state":"{}")", name(scope.state));
  if (scope.state == State::closed) return out + "}";
  out += fmt::format(R"(,"reason":"{}","for_one_client":{})", name(scope.reason), scope.for_one_client);
  if (scope.since != MonoTime::min()) out += R"(,"for_s":)" + seconds(now - scope.since);
  if (scope.until != kNever) out += R"(,"until_s":)" + seconds(std::max(Duration::zero(), scope.until - now));
  return out + "}";
}

// A proxy on this machine that passes strangers on says so in one of these headers.
bool is_local(const net::Endpoint& peer, const net::HeaderView& headers) {
  if (headers.get("x-forwarded-for") || headers.get("forwarded") || headers.get("x-real-ip")) return false;
  return peer.unix_path || peer.address == "::1" || peer.address.starts_with("127.");
}

}  // namespace

Task<void> Gateway::serve_breakers(net::Exchange& exchange, Endpoint which) {
  // Until there is an admin token, who may reach this is who is on this machine.
  if (!is_local(exchange.peer(), exchange.head().headers)) {
    auto refused =
        refuse(exchange, {403, "The admin API answers this machine only.",
                          "Call it from the machine that the gateway runs on.", "permission_denied"});
    co_await std::move(refused);
    co_return;
  }
  auto& scopes = shard_.failover().scopes;
  const MonoTime now = shard_.loop().now();
  const auto all = scopes.list(now);
  std::size_t closed = 0;
  std::string text = R"({"data":[)";
  for (const auto& scope : all) {
    if (text.back() != '[') text += ',';
    text += line_of(scope, now);
    if (which != Endpoint::breakers_reset || scope.state == State::closed) continue;
    scopes.reset(scope.id, now);
    ++closed;
  }
  text += "]";
  if (which == Endpoint::breakers_reset) text = fmt::format(R"({{"closed":{})", closed);
  text += "}\n";
  const std::array<net::Header, 1> headers{{{"Content-Type", "application/json"}}};
  co_await exchange.reply(200, headers, text);
}

}  // namespace gantry::gateway
