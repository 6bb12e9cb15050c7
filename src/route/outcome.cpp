#include "route/outcome.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gantry::route {
namespace {

struct Row {
  std::string_view word;
  Outcome outcome;
};

// error.availability.code (CONTRACT §6.4). Two of them may be flagged retryable case by case; see
// by_availability().
constexpr std::array<Row, 11> kAvailability = {{
    {"model_not_found", Outcome::model_missing},
    {"no_endpoints", Outcome::model_missing},
    {"model_deprecated", Outcome::model_missing},
    {"model_unavailable_upstream", Outcome::model_missing},
    {"privacy_restricted", Outcome::model_missing},
    {"constraint_filtered", Outcome::model_missing},
    {"free_variant_ended", Outcome::model_missing},
    {"region_restricted", Outcome::model_missing},  // another model may be served in that region
    {"wrong_endpoint", Outcome::bad_request},
    {"capacity_exhausted", Outcome::rate_limited},
    {"temporarily_unavailable", Outcome::overloaded},
}};

// All 27 values of error_type (CONTRACT §6.2).
constexpr std::array<Row, 27> kErrorTypes = {{
    {"context_length_exceeded", Outcome::too_long},
    {"max_tokens_exceeded", Outcome::too_long},
    {"token_limit_exceeded", Outcome::too_long},
    {"string_too_long", Outcome::too_long},
    {"invalid_request", Outcome::bad_request},
    {"invalid_prompt", Outcome::bad_request},
    {"content_policy_violation", Outcome::refused_content},
    {"refusal", Outcome::refused_content},
    {"invalid_image", Outcome::bad_request},
    {"image_too_large", Outcome::bad_request},
    {"image_too_small", Outcome::bad_request},
    {"unsupported_image_format", Outcome::bad_request},
    {"image_download_failed", Outcome::bad_request},
    {"authentication", Outcome::bad_key},
    {"payment_required", Outcome::out_of_money},
    {"permission_denied", Outcome::bad_key},
    {"not_found", Outcome::model_missing},
    {"image_not_found", Outcome::bad_request},
    {"precondition_failed", Outcome::bad_request},
    {"payload_too_large", Outcome::bad_request},
    {"unprocessable", Outcome::bad_request},
    {"rate_limit_exceeded", Outcome::rate_limited},
    {"server", Outcome::upstream_error},
    {"unmapped", Outcome::upstream_error},
    {"provider_unavailable", Outcome::upstream_error},
    {"provider_overloaded", Outcome::overloaded},
    {"timeout", Outcome::upstream_error},
}};

template <std::size_t N>
std::optional<Outcome> look_up(const std::array<Row, N>& table, std::string_view word) {
  for (const Row& row : table)
    if (row.word == word) return row.outcome;
  return std::nullopt;
}

bool mentions(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

// CONTRACT §6.3 by the number alone. An unknown 403 says nothing about the key (DESIGN §4), so it is the
// request's.
Outcome by_status(int status) {
  switch (status) {
    case 401:
      return Outcome::bad_key;
    case 402:
      return Outcome::out_of_money;
    case 404:
      return Outcome::model_missing;
    case 408:
      return Outcome::upstream_error;
    case 429:
      return Outcome::rate_limited;
    case 503:
    case 529:
      return Outcome::overloaded;
    default:
      break;
  }
  return status >= 400 && status < 500 ? Outcome::bad_request : Outcome::upstream_error;
}

// The error's own words, else its status. A code that is a string is an error_type on /responses (§6.1 C),
// and other servers put model_not_found there.
Outcome by_words(const wire::UpstreamError& error) {
  // A guardrail's or workspace's exhausted budget is a 403 like any missing permission (§11.9); only its text
  // tells.
  if (error.status == 403 && mentions(error.message, "budget")) return Outcome::out_of_money;
  if (const auto known = look_up(kErrorTypes, error.error_type)) return *known;
  if (const auto known = look_up(kErrorTypes, error.code_text)) return *known;
  if (const auto known = look_up(kAvailability, error.code_text)) return *known;
  return by_status(error.status);
}

bool same_model_may_recover(Outcome outcome) {
  return outcome == Outcome::rate_limited || outcome == Outcome::overloaded ||
         outcome == Outcome::upstream_error;
}

// `retryable` has the last word on whether waiting helps; the code and the rest say what it is.
Outcome by_availability(const wire::UpstreamError& error) {
  const auto known = look_up(kAvailability, error.availability);
  const Outcome outcome = known ? *known : by_words(error);
  if (!error.retryable) return outcome;
  if (*error.retryable) return same_model_may_recover(outcome) ? outcome : Outcome::overloaded;
  // Not to be asked again, while the next model may be: that is what model_missing stands for.
  return outcome == Outcome::overloaded || outcome == Outcome::upstream_error ? Outcome::model_missing
                                                                              : outcome;
}

bool is_timeout(int status) { return status == 408 || status == 504 || status == 524; }

// A status a client may see for an error of its own request; never 401 or 402, which speak of the client's
// key.
ClientStatus for_bad_request(int upstream_status) {
  switch (upstream_status) {
    case 403:
      return {403, "permission_denied"};
    case 404:
      return {404, "not_found"};
    case 412:
      return {412, "precondition_failed"};
    case 413:
      return {413, "payload_too_large"};
    case 422:
      return {422, "unprocessable"};
    default:
      return {400, "invalid_request"};
  }
}

ClientStatus for_upstream_error(int upstream_status) {
  if (upstream_status == 500) return {500, "server"};
  if (is_timeout(upstream_status)) return {504, "timeout"};
  return {502, "provider_unavailable"};
}

}  // namespace

std::string_view name(Outcome outcome) {
  static constexpr std::array<std::string_view, kOutcomes> kNames = {
      "delivered",   "empty",   "rate_limited", "overloaded",    "upstream_error", "unreachable",
      "ambiguous",   "silent",  "slow",         "model_missing", "too_long",       "refused_content",
      "bad_request", "bad_key", "out_of_money", "cancelled"};
  return kNames[static_cast<std::size_t>(outcome)];
}

bool may_fall_back(Outcome outcome) {
  switch (outcome) {
    case Outcome::delivered:
    case Outcome::refused_content:
    case Outcome::bad_request:
    case Outcome::bad_key:  // every model behind that key would answer the same
    case Outcome::cancelled:
      return false;
    case Outcome::out_of_money:  // a cheaper or free model may still be affordable (CONTRACT §11.8)
    case Outcome::empty:
    case Outcome::rate_limited:
    case Outcome::overloaded:
    case Outcome::upstream_error:
    case Outcome::unreachable:
    case Outcome::ambiguous:
    case Outcome::silent:
    case Outcome::slow:
    case Outcome::model_missing:
    case Outcome::too_long:
      return true;
  }
  return false;
}

Outcome classify(const wire::UpstreamError& error) {
  if (error.retryable || !error.availability.empty()) return by_availability(error);
  return by_words(error);
}

Outcome classify(Fault fault, Sent sent) {
  switch (fault) {
    case Fault::cancelled:
      return Outcome::cancelled;
    case Fault::refused:
    case Fault::unresolved:
      return Outcome::unreachable;
    case Fault::bad_input:
      return Outcome::bad_request;
    // A same-model retry after a reset may be worth it, after a timeout it is not (DESIGN §4): hence silent.
    case Fault::timed_out:
      return sent == Sent::yes ? Outcome::silent : Outcome::unreachable;
    case Fault::closed:
    case Fault::reset:
    case Fault::tls_failed:
    case Fault::system:
      return sent == Sent::yes ? Outcome::ambiguous : Outcome::unreachable;
    case Fault::overloaded:
      return Outcome::unreachable;
    case Fault::malformed:
    case Fault::too_large:
    case Fault::not_found:
    case Fault::internal:
      return sent == Sent::yes ? Outcome::upstream_error : Outcome::unreachable;
  }
  return Outcome::upstream_error;
}

Outcome classify(const wire::ReplyFacts& reply) {
  if (reply.error) return classify(*reply.error);
  const bool failed = reply.finish == wire::FinishReason::error;
  if (reply.has_content) return failed ? Outcome::upstream_error : Outcome::delivered;
  // A finished answer may hold nothing: a budget eaten by hidden reasoning, a filter, a model with nothing to
  // add after a tool's result. It was paid for and its client understands it.
  return failed || reply.finish == wire::FinishReason::none ? Outcome::empty : Outcome::delivered;
}

ClientStatus client_status(Outcome outcome, int upstream_status) {
  switch (outcome) {
    case Outcome::delivered:
      return {200, ""};
    case Outcome::rate_limited:
      return {429, "rate_limit_exceeded"};
    case Outcome::overloaded:
      return {503, "provider_overloaded"};
    case Outcome::upstream_error:
      return for_upstream_error(upstream_status);
    case Outcome::empty:
    case Outcome::unreachable:
      return {502, "provider_unavailable"};
    case Outcome::ambiguous:
      return for_upstream_error(upstream_status == 500 ? 502 : upstream_status);
    case Outcome::silent:
    case Outcome::slow:
      return {504, "timeout"};
    case Outcome::model_missing:
      return {404, "not_found"};
    case Outcome::too_long:
      return {400, "context_length_exceeded"};
    case Outcome::refused_content:
      return {upstream_status == 403 ? 403 : 400, "content_policy_violation"};
    case Outcome::bad_request:
      return for_bad_request(upstream_status);
    case Outcome::bad_key:
      return {502, "provider_unavailable"};
    case Outcome::out_of_money:
      return {503, "provider_unavailable"};
    case Outcome::cancelled:
      return {499, "cancelled"};
  }
  return {502, "provider_unavailable"};
}

}  // namespace gantry::route
