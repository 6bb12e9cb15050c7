#include "sim/fault_models.hpp"

#include <fmt/format.h>

namespace gantry::sim {
namespace {

struct Row {
  std::string_view id;  // after sim/
  std::string_view faults;
};

constexpr Row kRows[] = {
    {"plain", ""},
    {"unauthorized", "status=401"},
    {"rate-limit-minute", "rate-limit=minute"},
    {"rate-limit-daily", "rate-limit=daily"},
    {"rate-limit-upstream", "rate-limit=upstream;retry-after=2"},
    {"retry-after-zero", "status=429;retry-after=0"},
    {"retry-after-huge", "status=429;retry-after=86400"},
    {"retry-after-text", "status=503;retry-after=soon"},
    {"capacity-exhausted", "availability=capacity_exhausted;retry-after=12"},
    {"no-endpoints", "availability=no_endpoints"},
    {"deprecated", "availability=model_deprecated"},
    {"region-restricted", "availability=region_restricted"},
    {"max-tokens-402", "afford=100"},
    {"moderation", "moderation"},
    {"guardrail", "guardrail"},
    {"budget", "budget"},
    {"html-502", "status=502;shape=html"},
    {"blank-500", "status=500;shape=blank"},
    {"provider-error", "status=502;shape=provider"},
    {"messages-529", "status=529;shape=messages"},
    {"responses-400", "status=400;shape=responses"},
    {"error-200", "body-error"},
    {"choice-error", "choice-error"},
    {"empty", "empty"},
    {"null-content", "null-content"},
    {"no-choices", "no-choices"},
    {"reasoning-only", "reasoning-only"},
    {"refusal", "refusal"},
    {"content-filter", "finish=content_filter"},
    {"broken-json", "broken-json"},
    {"html-200", "html"},
    {"unknown-fields", "unknown-fields"},
    {"slow-json", "slow-json=3s"},
    {"comments", "comments=5"},
    {"crlf", "crlf"},
    {"cr", "cr"},
    {"no-space", "no-space"},
    {"multi-line", "multi-line"},
    {"split-bytes", "split=1"},
    {"split-utf8", "split-utf8"},
    {"unicode", "unicode"},
    {"usage-dummy-choice", "usage=dummy-choice"},
    {"usage-empty-choices", "usage=empty"},
    {"no-usage", "no-usage"},
    {"no-done", "no-done"},
    {"no-finish", "no-finish"},
    {"finish-content", "finish-content"},
    {"mid-error", "mid-error"},
    {"mid-error-string", "mid-error=server_error"},
    {"mid-error-done", "mid-error;error-done"},
    {"bare-error", "bare-error"},
    {"close-mid-stream", "close-after"},
    {"reset-mid-stream", "reset-after"},
    {"close-at-100", "close-at=100"},
    {"stall-headers", "stall-headers"},
    {"stall-first", "stall-first"},
    {"stall-mid-stream", "stall-mid"},
    {"slow-first", "ttft=3s"},
    {"slow-tokens", "tps=10;tokens=100"},
    {"comments-then-token", "ttft=5s;keepalive=1s"},
    {"early-role", "early-role;ttft=2s"},
    {"tool-calls", "tool-calls"},
    {"tool-calls-bad", "tool-calls=bad"},
    {"reasoning", "reasoning"},
    {"long", "tokens=4000"},
    {"cache-hit", "cache=hit"},
    {"cache-miss", "cache=miss"},
    {"zero-usage", "zero-usage"},
    {"generation-late", "generation-after=1m"},
    {"generation-third-ask", "generation-after-calls=2"},
    {"generation-never", "generation-after=never"},
    {"bill-times-ten", "bill-factor=10"},
    {"bill-rounded-up", "round=up:6"},
    {"bill-rounded-down", "round=down:6"},
    {"no-cost", "no-cost"},
    {"byok", "byok"},
    {"billed-failure", "status=502;billed-failure"},
    {"billed-after-cancel", "after-cancel=full"},
};

constexpr int kStatuses[] = {400, 402, 403, 404, 408, 409, 410, 412, 413, 422, 429, 500,
                             502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 529, 530};

Model make(std::string id, std::string faults) {
  Model m;
  m.canonical_slug = id;
  m.name = "Simulator: " + id.substr(4);
  m.id = std::move(id);
  m.created = 1'790'000'000;
  m.context_length = m.provider_context = 131'072;
  m.max_completion_tokens = 16'384;
  m.modality = "text->text";
  m.tokenizer = "Other";
  m.input_modalities = m.output_modalities = {"text"};
  m.supported_parameters = {"max_tokens",  "response_format", "seed",  "stop",
                            "temperature", "tool_choice",     "tools", "top_p"};
  m.default_parameters = "null";
  m.pricing.prices = {{"prompt", "0.000001", Price{1, 6}}, {"completion", "0.000002", Price{2, 6}}};
  m.faults = std::move(faults);
  return m;
}

}  // namespace

std::vector<Model> fault_models() {
  std::vector<Model> out;
  for (const auto& row : kRows) out.push_back(make(fmt::format("sim/{}", row.id), std::string(row.faults)));
  for (const int status : kStatuses)
    out.push_back(make(fmt::format("sim/status-{}", status), fmt::format("status={}", status)));
  return out;
}

}  // namespace gantry::sim
