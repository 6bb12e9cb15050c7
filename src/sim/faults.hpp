#pragma once
// Everything that can go wrong on demand (CONTRACT §12). A fault is a name with an optional argument; a
// request's faults come from a script, from its model id (sim/…) and from the header `x-sim-fault:
// name[=arg][;name…]`, in that order, a later one replacing an earlier one of the same name.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace gantry::sim {

enum class FaultKind : std::uint8_t {
  // Whom the others strike.
  provider,
  // An error instead of an answer.
  status,
  shape,
  error_type,
  retry_after,
  rate_limit,
  availability,
  afford,
  moderation,
  guardrail,
  budget,
  // HTTP 200 that is no success, or odd answers.
  body_error,
  choice_error,
  empty,
  null_content,
  no_choices,
  reasoning_only,
  finish,
  broken_json,
  html,
  refusal,
  unknown_fields,
  success_status,
  tokens,
  unicode,
  tool_calls,
  reasoning,
  bill_zero,
  cache,
  encoding,
  // Time.
  ttft,
  tps,
  jitter,
  slow_json,
  keepalive,
  stall_headers,
  stall_first,
  stall_mid,
  early_role,
  // The shape of a stream.
  comments,
  crlf,
  cr,
  no_space,
  multi_line,
  split,
  split_utf8,
  usage,
  no_usage,
  no_done,
  no_finish,
  finish_content,
  mid_error,
  bare_error,
  error_done,
  after,
  close_at,
  reset_at,
  close_after,
  reset_after,
  // Money.
  bill_factor,
  round,
  no_cost,
  byok,
  billed_failure,
  after_cancel,
  // Other endpoints.
  generation_after,
  generation_after_calls,
  credit,
  odd_models,
  count_,
};

/// How an argument is read. `wait` is a time, or never; `decimal` is kept as text, to be read exactly.
enum class ArgKind : std::uint8_t { none, text, number, real, time, wait, decimal };
/// The milliseconds of a wait that does not end.
inline constexpr std::int64_t kWaitForever = std::int64_t{1} << 40;

/// One row of the table that documents and parses faults; `otherwise` is the argument when none is given.
struct FaultInfo {
  FaultKind kind;
  std::string_view name;
  ArgKind arg;
  std::string_view otherwise;
  std::string_view help;
};
std::span<const FaultInfo> fault_table();

struct FaultItem {
  FaultKind kind;
  std::string text;         ///< the argument as given, or its default
  std::int64_t number = 0;  ///< ArgKind::number, and milliseconds for ArgKind::time; kWaitForever for "never"
  double real = 0;          ///< ArgKind::real
};

/// The faults of one request; empty for almost all.
class FaultSet {
 public:
  [[nodiscard]] bool has(FaultKind kind) const { return get(kind) != nullptr; }
  [[nodiscard]] const FaultItem* get(FaultKind kind) const;
  /// The number of a fault, or `otherwise` when it is not there.
  [[nodiscard]] std::int64_t number(FaultKind kind, std::int64_t otherwise) const;
  [[nodiscard]] std::string_view text(FaultKind kind, std::string_view otherwise = {}) const;
  void put(FaultItem item);
  void merge(const FaultSet& later);
  [[nodiscard]] bool empty() const { return items_.empty(); }
  /// The canonical text, as the journal shows it.
  [[nodiscard]] std::string describe() const;
  /// True when the request ends in an error status, whatever its model.
  [[nodiscard]] bool refuses() const;

 private:
  std::vector<FaultItem> items_;
};

/// Reads `name[=arg][;name…]`; a bare number of three digits means status=N. Errors: bad_input naming what is
/// wrong and what is known.
Result<FaultSet> parse_faults(std::string_view text);

/// The argument of the fault `round`: up, down or trunc, with `:DIGITS` of 0 to 12.
struct Rounding {
  bool up = false;
  int digits = 6;
};
Result<Rounding> parse_rounding(std::string_view text);

/// Reads "250ms", "5s", "2m", "1h" or a bare number of milliseconds. Errors: bad_input.
Result<Duration> parse_duration(std::string_view text);

}  // namespace gantry::sim
