#pragma once
// Error replies in every shape that is known of OpenRouter (CONTRACT §6.1 A–D and F, §6.4, §6.5). Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "sim/catalogue.hpp"
#include "sim/faults.hpp"

namespace gantry::sim {

/// What went wrong, before it takes a shape.
struct ErrorCase {
  int status = 500;
  std::string message;
  std::string error_type;    ///< CONTRACT §6.2; empty = not told
  std::string availability;  ///< error.availability as JSON; empty = none
  std::string metadata;      ///< further members of error.metadata, JSON without braces
  std::vector<std::pair<std::string, std::string>> headers;
};

struct ErrorReply {
  int status = 500;
  std::string_view content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// The error_type that CONTRACT §6.2 and §6.3 give a status.
std::string_view error_type_of(int status);
/// A sentence for a status.
std::string_view message_of(int status);

ErrorCase simple_error(int status, std::string message = {}, std::string error_type = {});
/// An availability error (CONTRACT §6.4); the status follows from the code.
ErrorCase availability_error(std::string_view code, std::string message, std::string_view requested_model,
                             const std::vector<std::string>& fallback_models,
                             std::string_view retry_after = {});
/// The request's own provider object leaves nobody who serves the model: 404 (CONTRACT §3.3, §6.4).
ErrorCase no_provider_left(std::string_view requested_model);
enum class FreeWindow : std::uint8_t { minute, day };
/// 429 of the platform: a cap on `:free` models is used up (CONTRACT §6.5), `limit` calls a window in UTC.
ErrorCase free_limit_error(FreeWindow window, std::int64_t limit, WallTime now);
/// The error that the faults ask for; only when faults.refuses().
ErrorCase fault_error(const FaultSet& faults, std::string_view requested_model, const Catalogue& catalogue,
                      WallTime now);

/// `{"error":{…}}` of shape A.
std::string envelope(const ErrorCase& error);
/// Gives the case its shape (fault `shape`) and its Retry-After (fault `retry-after`; `none` takes it away).
ErrorReply shape_error(ErrorCase error, const FaultSet& faults);

/// Models that are gone, with what a call of them is told: nullptr, or the models to use instead.
const std::vector<std::string>* retired(std::string_view model_id);

}  // namespace gantry::sim
