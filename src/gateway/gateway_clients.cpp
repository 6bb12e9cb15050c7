// What clients are told of themselves, and how operators administer them: GET /key and /generation of a
// client key, and /admin/v1.
#include <fmt/format.h>

#include "access/own_key.hpp"
#include "access/query.hpp"
#include "base/url.hpp"
#include "gateway/gateway.hpp"
#include "gateway/refuse.hpp"

namespace gantry::gateway {
namespace {

Refused refused_of(wire::Refusal refusal) {
  return {refusal.status, std::move(refusal.message), std::move(refusal.remedy),
          std::move(refusal.error_type)};
}

Task<void> refuse_ledger(net::Exchange& exchange) {
  return refuse(exchange,
                {503, "The ledger does not answer just now.",
                 "Send the request again a little later; the log tells why.", "provider_overloaded"});
}

std::string generation_of(std::string_view query) {
  access::Problems ignored;
  constexpr std::array<std::string_view, 1> kKnown{"id"};
  return access::Query(query, kKnown, ignored).get("id").value_or("");
}

// In OpenRouter's shape (CONTRACT §7.3).
Task<void> tell_credits(net::Exchange& exchange, wire::AccountCredits account, bool simulated) {
  const auto body = fmt::format(R"({{"data":{{"total_credits":{},"total_usage":{}}}}})",
                                to_decimal(account.bought), to_decimal(account.used));
  const std::array<net::Header, 2> headers{
      {{"Content-Type", "application/json"}, {"x-gantry-simulated", "1"}}};
  co_await exchange.reply(200, std::span(headers).first(simulated ? 2 : 1), body);
}

}  // namespace

// Where clients have keys, nobody calls without one.
bool Gateway::keys_needed() const {
  const auto& server = shard_.config()->server;
  if (server.allow_unauthenticated || !clients_) return false;
  return !clients_->ring.empty() || !is_loopback(server.listen_address);
}

std::expected<Caller, wire::Refusal> Gateway::caller_of(const net::RequestHead& head) const {
  if (!clients_) return Caller{};
  return identify(clients_, head.headers, keys_needed(), shared_.treasury->bank().now());
}

Task<void> Gateway::refuse_caller(net::Exchange& exchange, wire::Refusal refusal,
                                  std::int64_t retry_after_s) {
  shared_.observer.refused(shard_.index(), refusal.status);
  auto why = refused_of(std::move(refusal));
  why.retry_after_s = retry_after_s;
  return refuse(exchange, std::move(why));
}

// The key's own figures, in OpenRouter's shape (CONTRACT §7.2).
Task<void> Gateway::serve_own_key(net::Exchange& exchange, Caller caller) {
  const auto key = caller.entry->path.key;
  auto& treasury = *shared_.treasury;
  const auto now = treasury.bank().now();
  const auto spending = co_await treasury.recorder().ask<access::OwnSpending>(
      shard_.loop(), [key, now](ledger::Ledger& ledger) { return access::own_spending(ledger, key, now); });
  if (!spending) {
    co_await refuse_ledger(exchange);
    co_return;
  }
  const auto body = access::own_key_json(*caller.entry, *spending);
  const std::array<net::Header, 1> headers{{{"Content-Type", "application/json"}}};
  co_await exchange.reply(200, headers, body);
}

// Only of generations that the key's own calls made.
Task<void> Gateway::serve_own_generation(net::Exchange& exchange, Caller caller, std::string target) {
  using Owner = std::optional<spend::AccountId>;
  const auto generation = generation_of(exchange.head().query);
  const auto owner = co_await shared_.treasury->recorder().ask<Owner>(
      shard_.loop(), [generation](ledger::Ledger& ledger) { return ledger.owner(generation); });
  if (!owner) {
    co_await refuse_ledger(exchange);
    co_return;
  }
  if (*owner == caller.entry->path.key) {
    co_await serve_upstream(exchange, std::move(target));
    co_return;
  }
  co_await refuse(exchange,
                  {404, "This key has no generation of that id.",
                   "Check the id: it is in the reply's id and in its header X-Generation-Id.", "not_found"});
}

Task<void> Gateway::serve_account(net::Exchange& exchange, std::string target) {
  auto caller = caller_of(exchange.head());
  if (!caller) return refuse_caller(exchange, std::move(caller.error()));
  if (!caller->entry) return serve_upstream(exchange, std::move(target));
  if (target.substr(0, target.find('?')) == "/key") return serve_own_key(exchange, std::move(*caller));
  return serve_own_generation(exchange, std::move(*caller), std::move(target));
}

// The whole account's credit is the operator's business. Upstream wants a management key for it, so what the
// watch over money was told last is what there is to tell.
Task<void> Gateway::serve_credits(net::Exchange& exchange) {
  const auto& head = exchange.head();
  if (!is_admin(head.headers)) {
    const auto caller = caller_of(head);
    const bool known = caller && caller->entry;
    shared_.observer.refused(shard_.index(), known ? 403 : 401);
    return refuse(
        exchange,
        {known ? 403 : 401, "The account's credit is told to who has the admin token.",
         "Send Authorization: Bearer with the text of GANTRY_ADMIN_TOKEN; a client key sees its own "
         "budget at GET /api/v1/key.",
         known ? "permission_denied" : "authentication"});
  }
  if (!shard_.config()->watch.credits)
    return refuse(exchange, {404, "This gateway does not ask for the account's credit.",
                             "Set watch.credits = true, with OpenRouter's management key where "
                             "upstream.management_key points.",
                             "not_found"});
  const auto account = shared_.money.get().account;
  if (!account)
    return refuse(exchange, {503, "OpenRouter has not told the account's credit yet.",
                             "Ask again a little later; if this lasts, the log tells why (money_watch).",
                             "provider_overloaded"});
  return tell_credits(exchange, *account, shared_.simulated);
}

// ---- /admin/v1

bool Gateway::is_admin(const net::HeaderView& headers) const {
  return shared_.treasury && shared_.treasury->is_admin(key_text(headers));
}

Task<void> Gateway::serve_admin(net::Exchange& exchange) {
  const auto& head = exchange.head();
  if (!is_admin(head.headers)) {
    shared_.observer.refused(shard_.index(), 401);
    co_await refuse(
        exchange,
        {401, "The admin API needs the admin token.",
         "Send Authorization: Bearer with the text of GANTRY_ADMIN_TOKEN as the gateway was started "
         "with; commands on its machine (gantry keys, gantry usage) find their own.",
         "authentication"});
    co_return;
  }
  const auto body = co_await exchange.read_body();
  if (!body) {
    co_await refuse_body(exchange, body.error());
    co_return;
  }
  access::AdminRequest request{.method = std::string(head.method),
                               .path = std::string(head.path),
                               .query = std::string(head.query),
                               .body = std::string(*body),
                               .accept = std::string(head.headers.get("accept").value_or(""))};
  const auto reply = co_await shared_.treasury->administer(shard_.loop(), std::move(request));
  if (!reply) {
    co_await refuse_ledger(exchange);
    co_return;
  }
  const std::array<net::Header, 2> headers{{{"Content-Type", reply->content_type}, {"Allow", reply->allow}}};
  co_await exchange.reply(reply->status, std::span(headers).first(reply->allow.empty() ? 1 : 2), reply->body);
}

}  // namespace gantry::gateway
