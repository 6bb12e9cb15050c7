#include "gateway/gateway.hpp"

#include <fmt/format.h>

#include <charconv>

#include "engine/prices.hpp"
#include "gateway/breaker_figures.hpp"
#include "gateway/exchange_delivery.hpp"
#include "gateway/guard.hpp"
#include "gateway/paths.hpp"
#include "gateway/refuse.hpp"
#include "route/verdict.hpp"
#include "wire/envelope.hpp"
#include "wire/shown_text.hpp"

namespace gantry::gateway {
namespace {

constexpr Duration kCatalogueFresh = std::chrono::minutes{5};
constexpr std::size_t kCatalogueEntries = 64;
constexpr std::size_t kCatalogueBytes = 32ull * 1024 * 1024;

Task<void> refuse_unreachable(net::Exchange& exchange, const Failure& why) {
  const auto fixed = wire::fixed_text(503, "");
  return refuse(exchange, {503, fmt::format("{} ({})", fixed.message, why.detail), std::string(fixed.remedy),
                           "provider_overloaded"});
}

int status_of(Fault fault) {
  switch (fault) {
    case Fault::too_large:
      return 413;
    case Fault::timed_out:
      return 408;
    case Fault::overloaded:
      return 503;
    default:
      return 400;
  }
}

// Who has no key is who calls from an address.
route::Client client_of(const Caller& caller, const net::Endpoint& peer) {
  const std::hash<std::string_view> hash;
  return {caller.entry ? hash(caller.entry->id) : hash(peer.address)};
}

// Of the prompt alone, before it is read; the call's own figure takes its place.
std::int64_t estimated_tokens(const net::RequestHead& head) {
  const auto text = head.headers.get("content-length").value_or("");
  std::int64_t bytes = 0;
  std::from_chars(text.data(), text.data() + text.size(), bytes);
  return std::max<std::int64_t>(0, bytes) / engine::kBytesAToken;
}

std::string target_of(const PathMatch& match, std::string_view query) {
  std::string target(match.upstream_path);
  if (!query.empty()) target.append("?").append(query);
  return target;
}

std::string_view remedy_of(int status) {
  switch (status) {
    case 408:
      return "Send the request faster, or raise server.head_time or server.body_time.";
    case 413:
      return "Send a smaller body, or raise server.max_body.";
    case 417:
      return "Leave the Expect header out, or send Expect: 100-continue.";
    case 431:
      return "Send fewer or shorter headers, or raise server.max_head.";
    case 503:
      return "Wait a second and send the request again; if this lasts, raise the limits under [server].";
    default:
      return "Mend the request; HTTP/1.1 as in RFC 9112 is expected.";
  }
}

}  // namespace

Gateway::Gateway(engine::Shard& shard, Shared& shared) : shard_(shard), shared_(shared) {}
Gateway::~Gateway() = default;

std::string Gateway::refusal_body(int status, const Failure& why) {
  return wire::error_json({.code = status,
                           .message = why.detail.empty() ? "The request cannot be read." : why.detail,
                           .error_type = status >= 500 ? "provider_overloaded" : "invalid_request",
                           .remedy = std::string(remedy_of(status)),
                           .param = {},
                           .call_id = {},
                           .attempts = {}});
}

// Not a coroutine: a call would hold its frame, with room for every refusal, for as long as it streams.
Task<void> Gateway::handle(net::Exchange& exchange) {
  const auto& head = exchange.head();
  const PathMatch match = match_path(head.method, head.path);
  if (match.endpoint == Endpoint::unknown)
    return refuse(exchange, {404, fmt::format("There is nothing at {}.", wire::shown_text(head.path, 120)),
                             fmt::format("This gateway answers {}.", known_paths()), "not_found"});
  if (!match.method_fits)
    return refuse(
        exchange,
        {405, "This path takes another method.", fmt::format("Use {}.", match.allow), "invalid_request"},
        match.allow);
  const bool open = shard_.config()->server.allow_unauthenticated || keys_needed();
  if (auto refused = guard(head, open)) {
    shared_.observer.refused(shard_.index(), refused->status);
    return refuse(exchange, {refused->status, std::move(refused->message), std::move(refused->remedy),
                             refused->status == 403 ? "permission_denied" : "invalid_request"});
  }
  switch (match.endpoint) {
    case Endpoint::chat:
      return call_by(exchange, wire::kChat);
    case Endpoint::completions:
      return call_by(exchange, wire::kCompletions);
    case Endpoint::catalogue:
      if (auto caller = caller_of(head); !caller) return refuse_caller(exchange, std::move(caller.error()));
      return serve_catalogue(exchange, target_of(match, head.query));
    case Endpoint::upstream:
      return serve_account(exchange, target_of(match, head.query));
    case Endpoint::credits:
      return serve_credits(exchange);
    case Endpoint::admin:
      return serve_admin(exchange);
    case Endpoint::metrics:
      return serve_metrics(exchange);
    case Endpoint::breakers:
    case Endpoint::breakers_reset:
      return serve_breakers(exchange, match.endpoint);
    case Endpoint::health:
    case Endpoint::ready:
    case Endpoint::health_openrouter:
    case Endpoint::unknown:  // refused above
      break;
  }
  return serve_health(exchange, match.endpoint);
}

// Before the body is read: who may not call, need not be listened to.
Task<void> Gateway::call_by(net::Exchange& exchange, const wire::Dialect& dialect) {
  auto caller = caller_of(exchange.head());
  if (!caller) return refuse_caller(exchange, std::move(caller.error()));
  const auto tokens = estimated_tokens(exchange.head());
  if (auto wait = admit_rate(*caller, tokens, shard_.loop().now()))
    return refuse_caller(exchange, std::move(wait->refusal), wait->retry_after_s);
  return serve_call(exchange, dialect, std::move(*caller));
}

Task<void> Gateway::serve_call(net::Exchange& exchange, const wire::Dialect& dialect, Caller caller) {
  const auto body = co_await exchange.read_body();
  if (!body) {
    co_await refuse_body(exchange, body.error());
    co_return;
  }
  ExchangeDelivery delivery(exchange);
  std::int64_t tokens = 0;
  const engine::CallRequest request{.dialect = &dialect,
                                    .body = *body,
                                    .headers = &exchange.head().headers,
                                    .client = client_of(caller, exchange.peer()),
                                    .payer = caller.payer(),
                                    .key = caller.entry,
                                    .tokens = &tokens};
  co_await shard_.call(request, delivery);
  caller.place.correct(tokens, shard_.loop().now());
}

Task<void> Gateway::refuse_body(net::Exchange& exchange, Failure why) {
  if (why.fault == Fault::closed || why.fault == Fault::reset) co_return;
  const int status = status_of(why.fault);
  shared_.observer.refused(shard_.index(), status);
  const auto text = refusal_body(status, why);
  const std::array<net::Header, 2> headers{{{"Content-Type", "application/json"}, {"Retry-After", "1"}}};
  co_await exchange.reply(status, std::span(headers).first(status == 503 ? 2 : 1), text);
}

Task<void> Gateway::serve_upstream(net::Exchange& exchange, std::string target) {
  const auto fetched = co_await shard_.fetch(std::move(target));
  if (fetched) {
    co_await answer(exchange, *fetched);
    co_return;
  }
  co_await refuse_unreachable(exchange, fetched.error());
}

// Lists change slowly: five minutes fresh, and the old copy serves on while upstream does not answer. A
// reload may bring another upstream or key: what the old one said is forgotten.
Task<void> Gateway::serve_catalogue(net::Exchange& exchange, std::string target) {
  if (std::exchange(catalogue_of_, shard_.config()) != shard_.config()) forget_catalogue();
  const auto known = catalogue_.find(target);
  const auto old = known == catalogue_.end() ? nullptr : known->second.reply;
  if (old && shard_.loop().now() - known->second.fetched < kCatalogueFresh) {
    co_await answer(exchange, *old);
    co_return;
  }
  auto fetched = co_await shard_.fetch(target);
  if (fetched && fetched->status == 200) {
    const auto kept = std::make_shared<const engine::Fetched>(std::move(*fetched));
    remember(std::move(target), kept);
    co_await answer(exchange, *kept);
  } else if (old && (!fetched || fetched->status >= 500)) {
    co_await answer(exchange, *old);
  } else if (fetched) {
    co_await answer(exchange, *fetched);
  } else {
    co_await refuse_unreachable(exchange, fetched.error());
  }
}

void Gateway::forget_catalogue() {
  catalogue_.clear();
  catalogue_bytes_ = 0;
}

// Any query is a target of its own, so the sum is what has to be bounded.
void Gateway::remember(std::string target, std::shared_ptr<const engine::Fetched> reply) {
  if (reply->body.size() > kCatalogueBytes) return;
  if (const auto known = catalogue_.find(target); known != catalogue_.end()) {
    catalogue_bytes_ -= known->second.reply->body.size();
    catalogue_.erase(known);
  }
  if (catalogue_.size() >= kCatalogueEntries || catalogue_bytes_ + reply->body.size() > kCatalogueBytes)
    forget_catalogue();
  catalogue_bytes_ += reply->body.size();
  catalogue_.emplace(std::move(target), Cached{std::move(reply), shard_.loop().now()});
}

// What upstream says of our key (401, 402) is not about the client's: it becomes 502/503 (DESIGN §6).
Task<void> Gateway::answer(net::Exchange& exchange, const engine::Fetched& fetched) {
  const std::array<net::Header, 2> headers{
      {{"Content-Type", fetched.content_type}, {"x-gantry-simulated", "1"}}};
  if (fetched.status == 200) {
    co_await exchange.reply(200, std::span(headers).first(shared_.simulated ? 2 : 1), fetched.body);
    co_return;
  }
  const auto error = wire::read_error(fetched.status, fetched.body);
  if (fetched.status == 404) {  // not a model that is missing: most often a generation asked for too soon
    co_await refuse(exchange,
                    {404, fmt::format("OpenRouter has nothing there: {}", error.message),
                     "Check the id. A generation's record comes some seconds after its answer, later when "
                     "its stream was cancelled: ask again.",
                     "not_found"});
    co_return;
  }
  const auto client = route::client_status(route::judge(error).outcome, fetched.status);
  const auto fixed = wire::fixed_text(client.status, client.error_type);
  co_await refuse(exchange,
                  {client.status, fmt::format("{} OpenRouter said: {}", fixed.message, error.message),
                   std::string(fixed.remedy), std::string(client.error_type)});
}

observe::MoneyFigures Gateway::money_figures() const {
  observe::MoneyFigures out;
  const auto told = shared_.money.get();
  for (const auto& key : told.keys) {
    auto& made = out.keys.emplace_back();
    made.name = key.name, made.unexplained = key.unexplained;
    if (key.told) made.left = key.told->left, made.usage = key.told->usage;
    if (key.at) made.age = shard_.loop().now() - *key.at;
  }
  if (told.account) out.account_left = told.account->left();
  return out;
}

Task<void> Gateway::serve_metrics(net::Exchange& exchange) {
  auto gauges = co_await shared_.gauges(shard_.loop());
  gauges.breakers = breaker_figures(shard_.failover().scopes, *shard_.config(), shard_.loop().now());
  gauges.money = money_figures();
  const auto text = shared_.observer.metrics_text(gauges, shared_.simulated);
  const std::array<net::Header, 1> headers{{{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}};
  co_await exchange.reply(200, headers, text);
}

}  // namespace gantry::gateway
