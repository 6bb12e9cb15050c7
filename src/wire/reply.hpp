#pragma once
// Safe reading of what upstream answered: plain replies and stream chunks (CONTRACT §4, §5, §11). A reply is
// scanned once and only for what Gantry acts on; the bytes that reach the client stay upstream's own.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"

namespace gantry::wire {

/// Tokens that have prices of their own, and work that is no tokens; 0 where it is not told.
struct UsageDetails {
  std::int64_t cache_write_tokens = 0;
  std::int64_t prompt_audio_tokens = 0, completion_audio_tokens = 0;
  std::int64_t completion_image_tokens = 0;
  std::int64_t web_searches = 0;
  std::int64_t server_tool_calls = 0;  ///< searches among them
};

/// Null-tolerant per field (CONTRACT §4.4). `cost` is read from the number's text, never through a double.
struct Usage {
  std::optional<std::int64_t> prompt_tokens;
  std::optional<std::int64_t> completion_tokens;
  std::optional<std::int64_t> reasoning_tokens;
  std::optional<std::int64_t> cached_tokens;
  std::optional<PicoUsd> cost;
  std::optional<PicoUsd> upstream_cost;  ///< cost_details.upstream_inference_cost
  bool is_byok = false;
  UsageDetails details;  ///< read only where no cost is told, so that it has to be computed
};

/// An error as upstream told it, from any of the shapes A–F of CONTRACT §6.1. Free of secrets: metadata.raw,
/// user_id, flagged_input and key labels are not kept.
struct UpstreamError {
  int status = 0;       ///< HTTP status, else error.code, else error.http_status (§6.1 B)
  std::string message;  ///< cleaned for showing: one line, ≤ 500 bytes, anything that looks like a key masked
  std::string error_type;                      ///< §6.2, "" when absent
  std::string code_text;                       ///< error.code when it is a string
  std::string availability;                    ///< error.availability.code
  std::optional<bool> retryable;               ///< error.availability.retryable
  std::optional<std::int64_t> retry_after_s;   ///< error.availability.retry_after
  std::optional<std::int64_t> limit_reset_ms;  ///< X-RateLimit-Reset of metadata.headers: Unix milliseconds
  bool constrained =
      false;  ///< availability.excluded_by or .constraint: filters of the request or the account
  std::string limit_source;  ///< metadata.limit_source, §6.5
  std::string provider;      ///< metadata.provider_name: the error is that provider's own
  std::vector<std::string>
      failed_providers;   ///< of metadata.previous_errors and availability.affected_providers
  bool in_reply = false;  ///< told inside a 200: the status is not HTTP's
  std::string served_by;  ///< `provider` of that 200: who was answering
  bool json = true;       ///< false for shape F
};
UpstreamError read_error(int http_status, std::string_view body);

enum class FinishReason { none, stop, length, tool_calls, content_filter, error, other };

struct ReplyFacts {
  std::string id;
  std::string model;
  std::optional<std::string> provider;
  FinishReason finish = FinishReason::none;  ///< the first choice's; error if any choice ended in one
  bool has_content = false;  ///< content, text, refusal, tool call, image, audio or reasoning in some choice
  bool reasoning_only = false;
  bool has_choices = false;
  std::optional<Usage> usage;
  std::optional<UpstreamError> error;  ///< top-level error, else the first choice-level one (§4.3)
};

/// A chunk of a stream.
struct ChunkFacts {
  bool first_token =
      false;  ///< carries content, reasoning, refusal, tool call, image or audio (not role, not "")
  FinishReason finish = FinishReason::none;
  bool several_choices = false;  ///< a choice with an index above 0: one finish_reason does not end them all
  std::optional<Usage> usage;
  std::optional<UpstreamError> error;
  std::string_view id;  ///< views into the scanner's memory: valid until its next use
  std::string_view model;
  std::string_view provider;  ///< as it is written in the data, which it is a view of: escapes are left in
};

/// Scans replies and chunks. One per loop.
class ReplyScanner {
 public:
  /// A whole body; leading white space is skipped (§5.1). Errors: malformed when it is not one JSON object.
  Result<ReplyFacts> reply(std::string_view body);
  /// One event's data. Errors: malformed.
  Result<ChunkFacts> chunk(std::string_view data);

 private:
  std::string id_, model_;  // of the last chunk
};

}  // namespace gantry::wire
