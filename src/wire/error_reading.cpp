#include "wire/error_reading.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "wire/shown_text.hpp"

namespace gantry::wire {
namespace {

constexpr std::size_t kShown = 500;
constexpr std::size_t kShownWord = 80;  // codes and names
constexpr std::size_t kMostProviders = 8;

// A short word from upstream: cleaned too, since a provider may put anything anywhere.
std::string word(JsonValue object, std::string_view name) {
  const auto value = object.find(name);
  const auto text = value ? value->string() : std::nullopt;
  return text ? shown_text(*text, kShownWord) : std::string();
}

bool same_ascii(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  });
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::numeric_limits<std::int64_t>::max();
  return number;
}

// Anthropic's own types (§6.2), where OpenRouter's are left out. `api_error` stands for many and says
// nothing.
std::string from_messages_type(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kTypes = {{
      {"authentication_error", "authentication"},
      {"permission_error", "permission_denied"},
      {"billing_error", "payment_required"},
      {"not_found_error", "not_found"},
      {"rate_limit_error", "rate_limit_exceeded"},
      {"overloaded_error", "provider_overloaded"},
      {"timeout_error", "timeout"},
      {"invalid_request_error", "invalid_request"},
  }};
  for (const auto& [theirs, ours] : kTypes)
    if (theirs == type) return std::string(ours);
  return {};
}

void note_provider(std::string name, UpstreamError& out) {
  auto& known = out.failed_providers;
  if (name.empty() || known.size() == kMostProviders || std::ranges::find(known, name) != known.end()) return;
  known.push_back(std::move(name));
}

void read_availability(JsonValue error, UpstreamError& out) {
  const auto availability = error.find("availability");
  if (!availability) return;
  out.availability = word(*availability, "code");
  const auto excluded = availability->find("excluded_by");
  out.constrained = (excluded && !excluded->empty()) || availability->find("constraint");
  if (const auto affected = availability->find("affected_providers"))
    affected->each_element(
        [&](JsonValue name) { note_provider(shown_text(name.string().value_or(""), kShownWord), out); });
  if (const auto retryable = availability->find("retryable"); retryable && retryable->is_bool())
    out.retryable = retryable->is_true();
  if (const auto after = availability->find("retry_after")) {
    const auto seconds = after->integer();
    if (seconds && *seconds >= 0) out.retry_after_s = seconds;
  }
}

// A platform's 429 repeats its headers in the body (§6.5); the number comes as a string.
void read_limit_headers(JsonValue metadata, UpstreamError& out) {
  const auto headers = metadata.find("headers");
  if (!headers) return;
  headers->each_member([&](JsonValue name, JsonValue value) {
    const auto text = name.string();
    if (!text || !same_ascii(*text, "x-ratelimit-reset")) return;
    out.limit_reset_ms = value.is_string() ? whole_number(*value.string()) : value.integer();
  });
}

// Who was asked before and failed (§6.4).
void read_previous_errors(JsonValue metadata, UpstreamError& out) {
  const auto previous = metadata.find("previous_errors");
  if (!previous) return;
  previous->each_element([&](JsonValue each) {
    note_provider(word(each, "provider"), out);
    note_provider(word(each, "provider_name"), out);
  });
}

void read_metadata(JsonValue error, UpstreamError& out) {
  const auto metadata = error.find("metadata");
  if (!metadata) return;
  read_limit_headers(*metadata, out);
  read_previous_errors(*metadata, out);
  out.error_type = word(*metadata, "error_type");
  out.limit_source = word(*metadata, "limit_source");
  out.provider = word(*metadata, "provider_name");
  // A moderation flag or a guardrail's match comes as a plain 403; only its metadata (§6.5) tells it from a
  // key that lacks a permission. The matched text itself is not read.
  const bool flagged =
      metadata->find("reasons") || metadata->find("flagged_input") || metadata->find("patterns");
  if (flagged && (out.error_type.empty() || out.error_type == "permission_denied"))
    out.error_type = "content_policy_violation";
}

void read_code(JsonValue error, UpstreamError& out) {
  const auto code = error.find("code");
  std::optional<std::int64_t> number = code ? code->integer() : std::nullopt;
  if (code && code->is_string()) out.code_text = word(error, "code");
  if (!number)
    if (const auto http = error.find("http_status")) number = http->integer();
  if (out.status == 0 && number && *number >= 100 && *number <= 599) out.status = static_cast<int>(*number);
}

std::string message_of(JsonValue object) {
  const auto message = object.find("message");
  const auto text = message ? message->string() : std::nullopt;
  return text ? shown_text(*text, kShown) : std::string();
}

std::string without_words(int status) {
  if (status == 0) return "The upstream reported an error without saying which.";
  return "The upstream answered " + std::to_string(status) + " without saying why.";
}

}  // namespace

bool tells_an_error(JsonKind error) {
  return error != JsonKind::null_value && error != JsonKind::false_value;
}

UpstreamError error_from_value(int http_status, JsonValue error) {
  UpstreamError out;
  out.status = http_status;
  if (error.is_object()) {
    read_metadata(error, out);
    read_availability(error, out);
    read_code(error, out);
    if (out.error_type.empty()) out.error_type = word(error, "error_type");
    out.message = message_of(error);
  } else if (const auto text = error.string()) {
    out.message = shown_text(*text, kShown);  // shape E of a video job, and servers that are not OpenRouter
  }
  if (out.message.empty()) out.message = without_words(out.status);
  return out;
}

UpstreamError error_from_document(int http_status, JsonValue document) {
  const auto error = document.find("error");
  UpstreamError out = error_from_value(http_status, error.value_or(document));
  if (out.error_type.empty()) out.error_type = word(document, "error_type");  // shape C
  if (out.error_type.empty() && error && word(document, "type") == "error")   // shape D
    out.error_type = from_messages_type(word(*error, "type"));
  return out;
}

UpstreamError read_error(int http_status, std::string_view body) {
  JsonIndex index;
  if (index.parse(body) || !index.root().is_object()) {
    UpstreamError out;
    out.status = http_status;
    out.json = false;
    out.message = "The upstream answered " + std::to_string(http_status) + " with a body that is not JSON.";
    return out;
  }
  return error_from_document(http_status, index.root());
}

}  // namespace gantry::wire
