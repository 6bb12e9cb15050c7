#include "gateway/caller.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "access/client_key.hpp"
#include "ledger/ledger.hpp"

namespace gantry::gateway {
namespace {

spend::RateLimits limits_of(const access::KeyPolicy& policy) {
  return {.requests = policy.requests_per_minute,
          .tokens = policy.tokens_per_minute,
          .concurrent = policy.concurrency};
}

std::string_view in_words(spend::RateLimit limit) {
  switch (limit) {
    case spend::RateLimit::requests:
      return "requests a minute";
    case spend::RateLimit::tokens:
      return "tokens a minute";
    case spend::RateLimit::concurrency:
      return "calls at a time";
  }
  return "";
}

}  // namespace

engine::Payer Caller::payer() const {
  if (!clients) return {};
  if (!entry)
    return {.account = clients->keyless,
            .path = {.key = ledger::kKeyless,
                     .project = ledger::kDefaultProject,
                     .organisation = ledger::kOrganisation}};
  return {.account = clients->seat(*entry).account, .path = entry->path};
}

std::string_view key_text(const net::HeaderView& headers) {
  if (const auto authorization = headers.get("authorization"))
    return access::bearer(*authorization).value_or("");
  return headers.get("x-api-key").value_or("");
}

// A text that has not the form of a client key is nobody's: SDKs send one whatever they are told.
std::expected<Caller, wire::Refusal> identify(const ClientsSnapshot& clients, const net::HeaderView& headers,
                                              bool keys_needed, WallTime now) {
  Caller caller{.clients = clients};
  const auto text = key_text(headers);
  if (access::is_client_key(text)) {
    const auto found = clients->ring.find(text, now);
    if (found.standing != access::Standing::accepted) return std::unexpected(access::refusal(found));
    caller.entry = found.entry;
    return caller;
  }
  if (keys_needed) return std::unexpected(access::key_missing());
  return caller;
}

std::optional<TooMany> admit_rate(Caller& caller, std::int64_t tokens, MonoTime now) {
  if (!caller.entry) return std::nullopt;
  const auto limits = limits_of(caller.entry->policy);
  if (!limits.requests && !limits.tokens && !limits.concurrent) return std::nullopt;
  auto admitted = caller.clients->seat(*caller.entry).rate->admit(limits, tokens, now);
  if (admitted) {
    caller.place = std::move(*admitted);
    return std::nullopt;
  }
  const auto& refused = admitted.error();
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(refused.retry_after).count();
  TooMany out{
      .refusal = {.status = 429,
                  .message = fmt::format("The key \"{}\" has reached its limit of {}.", caller.entry->name,
                                         in_words(refused.limit)),
                  .remedy =
                      "Send the request again after the time in Retry-After, or let an operator raise the "
                      "limit (gantry keys update).",
                  .param = {},
                  .error_type = "rate_limit_exceeded"},
      .retry_after_s = std::max<std::int64_t>(1, seconds)};
  return out;
}

}  // namespace gantry::gateway
