#include "route/outcome.hpp"

#include <array>
#include <cstddef>

namespace gantry::route {
namespace {

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
