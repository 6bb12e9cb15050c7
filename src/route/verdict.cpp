#include "route/verdict.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "wire/provider_slugs.hpp"

namespace gantry::route {
namespace {

// Whom an error speaks of. `serving` is the provider behind the model where its name is known, else the
// model.
enum class Speaks { request, model, serving };

struct Meaning {
  Outcome outcome;
  Speaks of;
  bool gone = false;
};

struct Row {
  std::string_view word;
  Meaning meaning;
};

// error.availability.code (CONTRACT §6.4). What filters and policies can cause is the request's: upstream
// does not say whether they came with it or with the account.
constexpr std::array<Row, 11> kAvailability = {{
    {"model_not_found", {Outcome::model_missing, Speaks::model, true}},
    {"wrong_endpoint", {Outcome::bad_request, Speaks::request}},
    {"no_endpoints", {Outcome::model_missing, Speaks::request}},
    {"model_deprecated", {Outcome::model_missing, Speaks::model, true}},
    {"model_unavailable_upstream", {Outcome::model_missing, Speaks::model}},
    {"privacy_restricted", {Outcome::model_missing, Speaks::request}},
    {"constraint_filtered", {Outcome::model_missing, Speaks::request}},
    {"free_variant_ended", {Outcome::model_missing, Speaks::model, true}},
    {"region_restricted", {Outcome::model_missing, Speaks::request}},  // another model may be served there
    {"capacity_exhausted", {Outcome::rate_limited, Speaks::serving}},
    {"temporarily_unavailable", {Outcome::overloaded, Speaks::serving}},
}};

// All 27 values of error_type (CONTRACT §6.2).
constexpr std::array<Row, 27> kErrorTypes = {{
    {"context_length_exceeded", {Outcome::too_long, Speaks::request}},
    {"max_tokens_exceeded", {Outcome::too_long, Speaks::request}},
    {"token_limit_exceeded", {Outcome::too_long, Speaks::request}},
    {"string_too_long", {Outcome::too_long, Speaks::request}},
    {"invalid_request", {Outcome::bad_request, Speaks::request}},
    {"invalid_prompt", {Outcome::bad_request, Speaks::request}},
    {"content_policy_violation", {Outcome::refused_content, Speaks::request}},
    {"refusal", {Outcome::refused_content, Speaks::request}},
    {"invalid_image", {Outcome::bad_request, Speaks::request}},
    {"image_too_large", {Outcome::bad_request, Speaks::request}},
    {"image_too_small", {Outcome::bad_request, Speaks::request}},
    {"unsupported_image_format", {Outcome::bad_request, Speaks::request}},
    {"image_download_failed", {Outcome::bad_request, Speaks::request}},
    {"authentication", {Outcome::bad_key, Speaks::request}},
    {"payment_required", {Outcome::out_of_money, Speaks::request}},
    {"permission_denied", {Outcome::bad_key, Speaks::request}},
    {"not_found", {Outcome::model_missing, Speaks::request}},
    {"image_not_found", {Outcome::bad_request, Speaks::request}},
    {"precondition_failed", {Outcome::bad_request, Speaks::request}},
    {"payload_too_large", {Outcome::bad_request, Speaks::request}},
    {"unprocessable", {Outcome::bad_request, Speaks::request}},
    {"rate_limit_exceeded", {Outcome::rate_limited, Speaks::serving}},
    {"server", {Outcome::upstream_error, Speaks::serving}},
    {"unmapped", {Outcome::upstream_error, Speaks::serving}},
    {"provider_unavailable", {Outcome::upstream_error, Speaks::serving}},
    {"provider_overloaded", {Outcome::overloaded, Speaks::serving}},
    {"timeout", {Outcome::upstream_error, Speaks::serving}},
}};

template <std::size_t N>
std::optional<Meaning> look_up(const std::array<Row, N>& table, std::string_view word) {
  for (const Row& row : table)
    if (row.word == word) return row.meaning;
  return std::nullopt;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool mentions(std::string_view text, std::string_view words) {
  return !std::ranges::search(text, words, {}, lower).empty();
}

// CONTRACT §6.3 by the number alone. An unknown 403 says nothing about the key (DESIGN §4), and a plain 404
// may be one that routing filters left without endpoints.
Meaning by_status(int status) {
  switch (status) {
    case 401:
      return {Outcome::bad_key, Speaks::request};
    case 402:
      return {Outcome::out_of_money, Speaks::request};
    case 404:
      return {Outcome::model_missing, Speaks::request};
    case 408:
      return {Outcome::upstream_error, Speaks::serving};
    case 429:
      return {Outcome::rate_limited, Speaks::serving};
    case 503:
    case 529:
      return {Outcome::overloaded, Speaks::serving};
    default:
      break;
  }
  if (status >= 400 && status < 500) return {Outcome::bad_request, Speaks::request};
  return {Outcome::upstream_error, Speaks::serving};
}

// A guardrail's or workspace's exhausted budget is a 403 like any missing permission (CONTRACT §11.9); only
// its text tells. Two words, so that a model's or guardrail's name alone is not taken for it.
bool tells_spent_budget(const wire::UpstreamError& error) {
  const bool plain = error.error_type.empty() || error.error_type == "permission_denied";
  return error.status == 403 && plain && error.provider.empty() && mentions(error.message, "budget") &&
         (mentions(error.message, "exhaust") || mentions(error.message, "exceed"));
}

// A key over its own limit is 402 by CONTRACT §6.3, and was seen as 403 in public threads; both say so.
bool tells_spent_key(const wire::UpstreamError& error) {
  return (error.status == 402 || error.status == 403) && error.provider.empty() &&
         mentions(error.message, "key limit exceeded");
}

// The error's own words, else its status. A code that is a string is an error_type on /responses (§6.1 C),
// and other servers put model_not_found there.
Meaning by_words(const wire::UpstreamError& error) {
  if (tells_spent_budget(error) || tells_spent_key(error)) return {Outcome::out_of_money, Speaks::request};
  if (const auto known = look_up(kErrorTypes, error.error_type)) return *known;
  if (const auto known = look_up(kErrorTypes, error.code_text)) return *known;
  if (const auto known = look_up(kAvailability, error.code_text)) return *known;
  return by_status(error.status);
}

Meaning meaning_of(const wire::UpstreamError& error) {
  const auto known = look_up(kAvailability, error.availability);
  Meaning meaning = known ? *known : by_words(error);
  if (meaning.outcome == Outcome::bad_key || meaning.outcome == Outcome::out_of_money)
    if (!error.provider.empty()) return {Outcome::upstream_error, Speaks::serving};  // its key, its bill
  // Filters that left nothing else: those of the request, or of the account, but not the model's own state.
  if (error.constrained && !meaning.gone) meaning.of = Speaks::request;
  return meaning;
}

bool same_provider(std::string_view a, std::string_view b) {
  return wire::bare_provider_name(a) == wire::bare_provider_name(b);
}

// The one provider that failed; "" when none is named, or several.
std::string_view failed_provider(const wire::UpstreamError& error) {
  std::string_view found;
  const auto add = [&](std::string_view name) {
    if (found.empty()) found = name;
    return name.empty() || same_provider(found, name);
  };
  const bool one = add(error.provider) && add(error.served_by) &&
                   std::ranges::all_of(error.failed_providers, [&](const auto& name) { return add(name); });
  return one ? found : std::string_view{};
}

void speak_of_serving(Verdict& verdict, std::string_view provider) {
  verdict.scope = provider.empty() ? Scope::model : Scope::provider;
  verdict.provider = provider;
}

// Cloudflare's own numbers (CONTRACT §6.3), unless OpenRouter or a provider speaks through them.
bool is_edge(const wire::UpstreamError& error) {
  if (!error.error_type.empty() || !error.availability.empty() || !error.provider.empty() || error.in_reply)
    return false;
  if (error.status == 524 || error.status == 429) return !error.json;
  const bool redirect = error.status >= 300 && error.status < 400;
  return redirect || (error.status >= 520 && error.status <= 526) || error.status == 530;
}

// CONTRACT §7.1: limit_source first, then the message.
FreeCap free_cap_of(const wire::UpstreamError& error) {
  if (!error.provider.empty()) return FreeCap::none;
  constexpr std::string_view kFreeTier = "openrouter_free_tier";
  if (error.limit_source.starts_with(kFreeTier))
    return mentions(error.limit_source, "daily") ? FreeCap::daily : FreeCap::minute;
  if (mentions(error.message, "free-models-per-day")) return FreeCap::daily;
  if (mentions(error.message, "free-models-per-min")) return FreeCap::minute;
  return FreeCap::none;
}

KeyDoubt doubt_of(const wire::UpstreamError& error, Outcome outcome) {
  if (outcome == Outcome::out_of_money)
    return tells_spent_budget(error) || tells_spent_key(error) ? KeyDoubt::named : KeyDoubt::suspected;
  if (outcome != Outcome::bad_key) return KeyDoubt::none;
  // A missing permission may be about what was asked for; a 401 is only about who asks.
  constexpr std::string_view kForbidden = "permission_denied";
  const bool forbidden = error.error_type == kForbidden || error.code_text == kForbidden;
  return error.json && !forbidden ? KeyDoubt::named : KeyDoubt::suspected;
}

std::optional<std::int64_t> number_at(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  return number;
}

// "… but can only afford 3919." and "… and 100 can be afforded": the number beside the word. Field
// observations (CONTRACT §6.3, 402); without one nothing is known.
std::optional<std::int64_t> affordable(std::string_view message) {
  constexpr std::string_view kBefore = "can only afford ", kBehind = " can be afforded";
  if (const auto at = message.find(kBefore); at != std::string_view::npos)
    return number_at(message.substr(at + kBefore.size()));
  const auto end = message.find(kBehind);
  if (end == std::string_view::npos) return std::nullopt;
  const auto space = message.substr(0, end).rfind(' ');
  return space == std::string_view::npos ? std::nullopt : number_at(message.substr(space + 1));
}

bool same_model_may_recover(Outcome outcome) {
  return outcome == Outcome::rate_limited || outcome == Outcome::overloaded ||
         outcome == Outcome::upstream_error;
}

// `retryable` has the last word on whether waiting helps; everything else says what it is.
void heed_retryable(bool retryable, Verdict& verdict) {
  if (!retryable) {
    verdict.no_retry = true;
    return;
  }
  if (same_model_may_recover(verdict.outcome)) return;
  verdict.outcome = Outcome::overloaded;
  verdict.gone = false;
  verdict.key = KeyDoubt::none;
  if (verdict.scope == Scope::key) verdict.scope = Scope::request;
}

}  // namespace

Verdict judge(const wire::UpstreamError& error) {
  const Meaning meaning = meaning_of(error);
  Verdict verdict{.outcome = meaning.outcome, .gone = meaning.gone};
  verdict.key = doubt_of(error, meaning.outcome);
  if (meaning.outcome == Outcome::rate_limited) verdict.free_cap = free_cap_of(error);
  if (meaning.outcome == Outcome::out_of_money) verdict.affordable_tokens = affordable(error.message);
  verdict.maybe_billed = error.status == 504 || error.status == 524 || error.error_type == "timeout";
  if (verdict.key == KeyDoubt::named) {
    verdict.scope = Scope::key;
  } else if (verdict.free_cap != FreeCap::none) {
    verdict.scope = Scope::free_allowance;
    verdict.no_retry = verdict.free_cap == FreeCap::daily;
  } else if (is_edge(error)) {
    verdict.scope = Scope::upstream;
  } else if (meaning.of == Speaks::model) {
    verdict.scope = Scope::model;
  } else if (meaning.of == Speaks::serving) {
    speak_of_serving(verdict, failed_provider(error));
  }
  if (error.retryable) heed_retryable(*error.retryable, verdict);
  return verdict;
}

namespace {

Outcome outcome_of(Fault fault, Sent sent) {
  const bool on_its_way = sent == Sent::yes;
  switch (fault) {
    case Fault::cancelled:
      return Outcome::cancelled;
    case Fault::bad_input:
      return Outcome::bad_request;
    case Fault::refused:
    case Fault::unresolved:
    case Fault::overloaded:
      return Outcome::unreachable;
    // A same-model retry after a reset may be worth it, after a timeout it is not (DESIGN §4): hence silent.
    case Fault::timed_out:
      return on_its_way ? Outcome::silent : Outcome::unreachable;
    case Fault::closed:
    case Fault::reset:
    case Fault::tls_failed:
    case Fault::system:
      return on_its_way ? Outcome::ambiguous : Outcome::unreachable;
    case Fault::malformed:
    case Fault::too_large:
    case Fault::not_found:
    case Fault::internal:
      return on_its_way ? Outcome::upstream_error : Outcome::unreachable;
  }
  return Outcome::upstream_error;
}

// This process's own limits and mistakes, and the client's.
bool is_ours(Fault fault) {
  switch (fault) {
    case Fault::cancelled:
    case Fault::bad_input:
    case Fault::overloaded:
    case Fault::not_found:
    case Fault::system:
    case Fault::internal:
      return true;
    default:
      return false;
  }
}

}  // namespace

Verdict judge(Fault fault, Sent sent) {
  Verdict verdict = judge(outcome_of(fault, sent));
  if (is_ours(fault)) {
    verdict.scope = Scope::request;
  } else if (verdict.outcome == Outcome::unreachable) {
    verdict.scope = Scope::upstream;
  }
  verdict.maybe_billed =
      sent == Sent::yes && verdict.outcome != Outcome::unreachable && verdict.outcome != Outcome::bad_request;
  return verdict;
}

Verdict judge(Outcome seen, std::string_view provider) {
  Verdict verdict{.outcome = seen};
  if (seen != Outcome::delivered && seen != Outcome::cancelled) speak_of_serving(verdict, provider);
  verdict.maybe_billed = seen == Outcome::ambiguous || seen == Outcome::silent || seen == Outcome::slow;
  return verdict;
}

Verdict judge(const wire::ReplyFacts& reply) {
  if (reply.error) return judge(*reply.error);
  const std::string_view provider = reply.provider ? *reply.provider : std::string_view{};
  const bool failed = reply.finish == wire::FinishReason::error;
  if (reply.has_content) return judge(failed ? Outcome::upstream_error : Outcome::delivered, provider);
  // A finished answer may hold nothing: a budget eaten by hidden reasoning, a filter, a model with nothing to
  // add after a tool's result. It was paid for and its client understands it.
  const bool nothing = failed || reply.finish == wire::FinishReason::none;
  return judge(nothing ? Outcome::empty : Outcome::delivered, provider);
}

std::optional<Verdict> judge(const wire::ChunkFacts& chunk) {
  if (chunk.error) return judge(*chunk.error);
  if (chunk.finish != wire::FinishReason::error) return std::nullopt;
  return judge(Outcome::upstream_error);
}

}  // namespace gantry::route
