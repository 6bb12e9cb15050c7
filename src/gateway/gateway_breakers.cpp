// What operators see of breakers, and how they close them: GET /admin/v1/breakers, POST
// /admin/v1/breakers/reset.
#include <fmt/format.h>

#include "base/json_string.hpp"
#include "gateway/gateway.hpp"
#include "gateway/refuse.hpp"
#include "observe/log.hpp"
#include "wire/json_index.hpp"
#include "wire/shown_text.hpp"

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

/// Which breakers are to be closed: those of a name, or all.
struct Asked {
  std::optional<std::string> name;
  [[nodiscard]] bool fits(const route::ScopeState& scope) const { return !name || scope.name == *name; }
};

// Strict, since a word that is misspelt must not close everything.
std::optional<Asked> read_asked(std::string_view body) {
  if (body.empty()) return Asked{};
  wire::JsonIndex index;
  if (index.parse(body) || !index.root().is_object()) return std::nullopt;
  Asked asked;
  bool understood = true;
  index.root().each_member([&](const wire::JsonValue& key, const wire::JsonValue& value) {
    understood = understood && key.equals("name") && value.is_string();
    if (understood) asked.name = value.string();
  });
  return understood ? std::optional(asked) : std::nullopt;
}

struct Closed {
  std::size_t fitting = 0;
  std::size_t closed = 0;
};

Closed close(route::ScopeTable& scopes, const Asked& asked, MonoTime now) {
  Closed done;
  for (const auto& scope : scopes.list(now)) {
    if (!asked.fits(scope)) continue;
    ++done.fitting;
    if (scopes.reset(scope.id, now) != route::Change::closed) continue;
    ++done.closed;
    observe::log(observe::Level::info, "breaker",
                 {{"scope", name(scope.kind)},
                  {"name", scope.name},
                  {"change", name(route::Change::closed)},
                  {"reason", name(scope.reason)},
                  {"by", "operator"}});
  }
  return done;
}

Task<void> answer_json(net::Exchange& exchange, std::string text) {
  const std::array<net::Header, 1> headers{{{"Content-Type", "application/json"}}};
  co_await exchange.reply(200, headers, text);
}

}  // namespace

Task<void> Gateway::serve_breakers(net::Exchange& exchange, Endpoint which) {
  const auto& headers = exchange.head().headers;
  if (!is_admin(headers) && !is_local(exchange.peer(), headers))
    return refuse(
        exchange,
        {403, "Breakers are shown to this machine and to who has the admin token.",
         "Call it from the machine that the gateway runs on, or send Authorization: Bearer with the "
         "admin token.",
         "permission_denied"});
  return which == Endpoint::breakers_reset ? close_breakers(exchange) : list_breakers(exchange);
}

Task<void> Gateway::list_breakers(net::Exchange& exchange) {
  const MonoTime now = shard_.loop().now();
  std::string text = R"({"data":[)";
  for (const auto& scope : shard_.failover().scopes.list(now)) {
    if (text.back() != '[') text += ',';
    text += line_of(scope, now);
  }
  return answer_json(exchange, text + "]}\n");
}

Task<void> Gateway::close_breakers(net::Exchange& exchange) {
  const auto body = co_await exchange.read_body();
  if (!body) {
    co_await refuse_body(exchange, body.error());
    co_return;
  }
  const auto asked = read_asked(*body);
  if (!asked) {
    co_await refuse(exchange, {400, "The body does not say which breakers are to be closed.",
                               R"(Send {"name":"openai/gpt-4.1"} for those of one name, {} for all.)",
                               "invalid_request"});
    co_return;
  }
  const auto done = close(shard_.failover().scopes, *asked, shard_.loop().now());
  if (asked->name && done.fitting == 0) {
    co_await refuse(exchange,
                    {404, fmt::format("No breaker is named {}.", wire::shown_text(*asked->name, 200)),
                     "GET /admin/v1/breakers lists their names.", "not_found"});
    co_return;
  }
  co_await answer_json(exchange, fmt::format("{{\"closed\":{}}}\n", done.closed));
}

}  // namespace gantry::gateway
