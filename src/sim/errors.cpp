#include "sim/errors.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <unordered_map>

#include "sim/free_limit.hpp"
#include "sim/json_text.hpp"

namespace gantry::sim {
namespace {

struct StatusText {
  int status;
  std::string_view error_type, message;
};

constexpr StatusText kStatuses[] = {
    {400, "invalid_request", "The request is not valid"},
    {401, "authentication", "No auth credentials found"},
    {402, "payment_required", "Insufficient credits on this account or key"},
    {403, "permission_denied", "This key may not do that"},
    {404, "not_found", "There is no such model or resource"},
    {408, "timeout", "The request took too long"},
    {409, "invalid_request", "The resource changed in between"},
    {410, "not_found", "This endpoint was removed"},
    {412, "precondition_failed", "A precondition of the request does not hold"},
    {413, "payload_too_large", "The request body is too large"},
    {422, "unprocessable", "The request is well-formed but makes no sense"},
    {429, "rate_limit_exceeded", "Too many requests"},
    {500, "server", "Internal error"},
    {502, "provider_unavailable", "The provider gave no usable answer"},
    {503, "provider_overloaded", "No provider is available right now"},
    {504, "timeout", "The provider took too long"},
    {524, "timeout", "The origin took too long to answer"},
    {529, "provider_overloaded", "The provider is overloaded"},
};

const StatusText& text_of(int status) {
  static constexpr StatusText kClient{0, "invalid_request", "The request was refused"};
  static constexpr StatusText kServer{0, "provider_unavailable", "The upstream is not reachable"};
  const auto it = std::ranges::find(kStatuses, status, &StatusText::status);
  if (it != std::end(kStatuses)) return *it;
  return status < 500 ? kClient : kServer;
}

struct AvailabilityCode {
  std::string_view code;
  int status;
  bool retryable;
};

constexpr AvailabilityCode kAvailability[] = {
    {"model_not_found", 400, false},        {"wrong_endpoint", 400, false},
    {"no_endpoints", 404, false},           {"model_deprecated", 404, false},
    {"privacy_restricted", 404, false},     {"model_unavailable_upstream", 404, false},
    {"constraint_filtered", 404, false},    {"free_variant_ended", 404, false},
    {"region_restricted", 403, false},      {"capacity_exhausted", 429, true},
    {"temporarily_unavailable", 503, true},
};

// Members of error.metadata: error_type first, then what the case adds.
void append_metadata(std::string& out, const ErrorCase& error) {
  if (error.error_type.empty() && error.metadata.empty()) return;
  out += R"(,"metadata":{)";
  if (!error.error_type.empty()) {
    out += R"("error_type":)";
    append_quoted(out, error.error_type);
    if (!error.metadata.empty()) out += ',';
  }
  out += error.metadata;
  out += '}';
}

std::string shape_b(const ErrorCase& error) {  // no code: error_type and http_status in its place
  std::string out = R"({"error":{"message":)";
  append_quoted(out, error.message);
  out += R"(,"error_type":)";
  append_quoted(out, error.error_type);
  out += R"(,"http_status":)";
  append_int(out, error.status);
  if (!error.availability.empty()) out.append(R"(,"availability":)").append(error.availability);
  if (!error.metadata.empty()) out.append(R"(,"metadata":{)").append(error.metadata).append("}");
  return out + "}}";
}

std::string shape_c(const ErrorCase& error) {
  const bool keeps = error.error_type == "rate_limit_exceeded";
  const bool prompt = error.error_type == "invalid_request" || error.error_type == "context_length_exceeded";
  std::string out = R"({"error":{"code":)";
  append_quoted(out, keeps ? "rate_limit_exceeded" : prompt ? "invalid_prompt" : "server_error");
  out += R"(,"message":)";
  append_quoted(out, error.message);
  return out + R"(},"metadata":null})";
}

std::string shape_d(const ErrorCase& error) {
  struct Map {
    std::string_view from, to;
  };
  static constexpr Map kMap[] = {{"authentication", "authentication_error"},
                                 {"permission_denied", "permission_error"},
                                 {"payment_required", "billing_error"},
                                 {"not_found", "not_found_error"},
                                 {"rate_limit_exceeded", "rate_limit_error"},
                                 {"provider_overloaded", "overloaded_error"},
                                 {"timeout", "timeout_error"}};
  const auto it = std::ranges::find(kMap, std::string_view(error.error_type), &Map::from);
  const auto type = it != std::end(kMap) ? it->to
                    : error.status < 500 ? "invalid_request_error"
                                         : "api_error";
  std::string out = R"({"type":"error","error":{"type":)";
  append_quoted(out, type);
  out += R"(,"message":)";
  append_quoted(out, error.message);
  out += R"(,"error_type":)";
  append_quoted(out, error.error_type);
  return out + R"(},"request_id":null})";
}

// The older wire form of a provider's error: a general sentence, the provider's own words in metadata.raw.
std::string shape_provider(const ErrorCase& error, std::string_view provider) {
  std::string raw = R"({"error":{"message":)";
  append_quoted(raw, error.message);
  raw += R"(,"type":"upstream"}})";
  std::string out = R"({"error":{"message":"Provider returned error","code":)";
  append_int(out, error.status);
  out += R"(,"metadata":{"raw":)";
  append_quoted(out, raw);
  out += R"(,"provider_name":)";
  append_quoted(out, provider);
  return out + R"(}},"user_id":"user_simulated"})";
}

ErrorCase limit_error(std::string_view which, WallTime now) {
  if (which == "minute") return free_limit_error(FreeWindow::minute, kFreeCallsAMinute, now);
  if (which == "daily") return free_limit_error(FreeWindow::day, kFreeCallsADay, now);
  auto error = simple_error(429, "Provider returned error");
  error.metadata =
      R"("raw":"rate-limited upstream, retry shortly","provider_name":"FakeProvider","limit_source":"upstream_provider_shared_pool")";
  return error;
}

ErrorCase moderated(std::string_view model) {
  auto error = simple_error(403, "The model requires moderation and the input was flagged");
  error.metadata =
      R"("reasons":["violence"],"flagged_input":"how do I … the harbour","provider_name":"OpenAI","model_slug":)";
  append_quoted(error.metadata, model);
  return error;
}

ErrorCase guarded() {
  auto error = simple_error(403, "A guardrail blocked this request");
  error.metadata = R"("patterns":["card-number"])";
  return error;
}

}  // namespace

std::string_view error_type_of(int status) { return text_of(status).error_type; }
std::string_view message_of(int status) { return text_of(status).message; }

ErrorCase simple_error(int status, std::string message, std::string error_type) {
  ErrorCase error;
  error.status = status;
  error.message = std::move(message);
  error.error_type = std::move(error_type);
  if (error.message.empty()) error.message = message_of(status);
  if (error.error_type.empty()) error.error_type = error_type_of(status);
  return error;
}

ErrorCase availability_error(std::string_view code, std::string message, std::string_view requested_model,
                             const std::vector<std::string>& fallback_models, std::string_view retry_after) {
  const auto it = std::ranges::find(kAvailability, code, &AvailabilityCode::code);
  const auto row =
      it != std::end(kAvailability) ? *it : AvailabilityCode{code, 503, true};  // tomorrow's code
  auto error = simple_error(row.status, std::move(message));
  auto& out = error.availability;
  out = R"({"code":)";
  append_quoted(out, code);
  out += row.retryable ? R"(,"retryable":true)" : R"(,"retryable":false)";
  const bool whole =
      !retry_after.empty() && std::ranges::all_of(retry_after, [](char c) { return c >= '0' && c <= '9'; });
  if (row.retryable) out.append(R"(,"retry_after":)").append(whole ? retry_after : "null");
  out += R"(,"requested_models":[)";
  append_quoted(out, requested_model);
  out += ']';
  if (!fallback_models.empty()) {
    out += R"(,"fallback_models":)";
    append_string_array(out, fallback_models);
  }
  out += R"(,"docs_url":)";
  append_quoted(out, fmt::format("https://openrouter.ai/docs/errors#{}", code));
  out += '}';
  return error;
}

ErrorCase no_provider_left(std::string_view requested_model) {
  auto error = availability_error("constraint_filtered", "No allowed providers are available for the model",
                                  requested_model, {});
  error.availability.pop_back();
  error.availability += R"(,"excluded_by":["allowed_providers"]})";
  return error;
}

ErrorCase free_limit_error(FreeWindow window, std::int64_t limit, WallTime now) {
  const bool daily = window == FreeWindow::day;
  const auto end = daily ? std::chrono::floor<std::chrono::days>(now) + std::chrono::days{1}
                         : std::chrono::floor<std::chrono::minutes>(now) + std::chrono::minutes{1};
  const auto reset =
      std::chrono::duration_cast<std::chrono::milliseconds>(end.time_since_epoch()).count();  // a Unix time
  auto error = simple_error(
      429, daily ? "Rate limit exceeded: free-models-per-day" : "Rate limit exceeded: free-models-per-min");
  error.headers = {{"X-RateLimit-Limit", std::to_string(limit)},
                   {"X-RateLimit-Remaining", "0"},
                   {"X-RateLimit-Reset", std::to_string(reset)}};
  error.metadata = fmt::format(
      R"("headers":{{"X-RateLimit-Limit":"{}","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"{}"}},"provider_name":null,"limit_source":"{}")",
      limit, reset, daily ? "openrouter_free_tier_daily" : "openrouter_free_tier_minute");
  return error;
}

ErrorCase fault_error(const FaultSet& faults, std::string_view model, const Catalogue& catalogue,
                      WallTime now) {
  ErrorCase error;
  if (const auto* code = faults.get(FaultKind::availability)) {
    error = availability_error(code->text, fmt::format("{} cannot be served: {}", model, code->text), model,
                               catalogue.relatives(model), faults.text(FaultKind::retry_after));
  } else if (const auto* limit = faults.get(FaultKind::rate_limit)) {
    error = limit_error(limit->text, now);
  } else if (faults.has(FaultKind::moderation)) {
    error = moderated(model);
  } else if (faults.has(FaultKind::guardrail)) {
    error = guarded();
  } else if (faults.has(FaultKind::budget)) {
    error = simple_error(403, "The budget of this guardrail or workspace is exhausted");
  } else {
    error = simple_error(static_cast<int>(faults.number(FaultKind::status, 500)));
  }
  if (const auto* provider = faults.get(FaultKind::provider); provider && error.metadata.empty()) {
    error.metadata = R"("provider_name":)";
    append_quoted(error.metadata, provider->text);
  }
  if (const auto* type = faults.get(FaultKind::error_type))
    error.error_type = type->text == "none" ? "" : type->text;
  return error;
}

std::string envelope(const ErrorCase& error) {
  std::string out = R"({"error":{"code":)";
  append_int(out, error.status);
  out += R"(,"message":)";
  append_quoted(out, error.message);
  if (!error.availability.empty()) {
    out += R"(,"error_type":)";
    append_quoted(out, error.error_type);
    out.append(R"(,"http_status":)").append(std::to_string(error.status));
    out.append(R"(,"availability":)").append(error.availability);
  }
  append_metadata(out, error);
  return out + "}}";
}

ErrorReply shape_error(ErrorCase error, const FaultSet& faults) {
  ErrorReply reply{.status = error.status, .body = {}, .headers = std::move(error.headers)};
  const auto after = faults.text(FaultKind::retry_after);
  if (!after.empty() && after != "none") reply.headers.emplace_back("Retry-After", after);
  const auto shape = faults.text(FaultKind::shape, "envelope");
  if (shape == "availability") reply.body = shape_b(error);
  if (shape == "responses") reply.body = shape_c(error);
  if (shape == "messages") reply.body = shape_d(error);
  if (shape == "provider")
    reply.body = shape_provider(error, faults.text(FaultKind::provider, "FakeProvider"));
  if (shape == "envelope") reply.body = envelope(error);
  if (shape == "html") {
    reply.content_type = "text/html; charset=UTF-8";
    reply.body = fmt::format(
        "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>Error {0}</h1></body></html>\n",
        error.status);
  }
  if (shape == "plain") {
    reply.content_type = "text/plain; charset=UTF-8";
    reply.body = fmt::format("error code: {}", error.status);
  }
  return reply;  // shape=blank leaves the body empty
}

const std::vector<std::string>* retired(std::string_view model_id) {
  static const std::unordered_map<std::string, std::vector<std::string>> kRetired{
      {"anthropic/claude-3.5-sonnet", {"anthropic/claude-sonnet-4.5", "anthropic/claude-haiku-4.5"}},
      {"anthropic/claude-2", {"anthropic/claude-sonnet-4.5"}},
      {"google/gemini-pro-1.5", {"google/gemini-2.5-pro", "google/gemini-2.5-flash"}},
  };
  const auto it = kRetired.find(std::string(model_id));
  return it == kRetired.end() ? nullptr : &it->second;
}

}  // namespace gantry::sim
