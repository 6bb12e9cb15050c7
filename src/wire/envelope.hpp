#pragma once
// OpenRouter's error envelope (CONTRACT §6.1 A), with Gantry's remedy, for HTTP bodies and for in-band stream
// events.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::wire {

/// A model that was asked, or one that was passed over.
struct AttemptLine {
  std::string model;
  std::string outcome;
  std::int64_t milliseconds = 0;
  std::string next;       ///< why what followed, followed
  std::string skipped{};  ///< why it was passed over; then `outcome` and the rest are left out
};

/// [{"model":…,"outcome":…,"milliseconds":…,"next":…}], and {"model":…,"outcome":"skipped","reason":…}
std::string attempts_json(const std::vector<AttemptLine>& attempts);

/// One of several things that are wrong with a request.
struct FieldProblem {
  std::string field;  ///< "limits.daily"
  std::string message;
};

struct ErrorBody {
  int code = 500;
  std::string message{};
  std::string error_type{};              ///< CONTRACT §6.2; empty = left out
  std::string remedy{};                  ///< error.metadata.gantry.remedy
  std::string param{};                   ///< error.param; empty = null
  std::string call_id{};                 ///< error.metadata.gantry.call_id; empty = left out
  std::vector<AttemptLine> attempts{};   ///< error.metadata.gantry.attempts; empty = left out
  std::vector<FieldProblem> problems{};  ///< error.metadata.gantry.problems; empty = left out
};

/// {"error":{"code":…,"message":…,"type":…,"param":…,"metadata":{"error_type":…,"gantry":{"remedy":…}}}}
/// (`type` and `param` are what OpenAI SDKs show.)
std::string error_json(const ErrorBody& error);
/// One SSE event: an error chunk with finish_reason "error" (CONTRACT §5.3), blank line included. `object` is
/// chat.completion.chunk or text_completion.
std::string error_event(const ErrorBody& error, std::string_view id, std::string_view model,
                        std::string_view object, std::int64_t created);

/// The texts that the checklist's table fixes (401, 429, 500 with the status page, model not found): message
/// and remedy by status and error_type; one table, tested row by row.
struct FixedText {
  std::string_view message;
  std::string_view remedy;
};
FixedText fixed_text(int status, std::string_view error_type);

}  // namespace gantry::wire
