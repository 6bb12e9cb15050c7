#pragma once
// Structured log lines on stderr; spdlog at their far end stays out of this header. text: `time level event
// key=value …`; json: one object a line. Values are escaped; nothing here may be a prompt, an answer or a
// key, and what looks like a key is masked all the same (observe/escape.hpp).

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/time.hpp"

namespace gantry::observe {

enum class Level { trace, debug, info, warn, error };
enum class LogFormat { text, json };

struct Field {
  std::string_view key;  ///< a literal: [a-z0-9_.]
  std::variant<std::string_view, std::int64_t, double, bool> value;
};

/// Sets up the process's logger; call once in main, before threads. Lines are written whole, by a background
/// thread, at most 50 ms later. Each thread that logs has a bounded queue (full: the oldest are dropped and
/// counted), so that a blocked stderr never stops a call. Before start_log and after stop_log nothing is
/// written and nothing is counted: a library stays silent until it is asked. `time` stamps the lines and
/// outlives the logger; without one the machine's clock does. `descriptor` stays open until stop_log; it is
/// not closed.
void start_log(Level level, LogFormat format, const TimeSource* time = nullptr, int descriptor = 2);
void set_log_level(Level level);
/// Writes what was logged, then ends the thread; also done when the process exits. Gives up on a reader that
/// stalls for a second.
void stop_log();

/// Costs the caller a formatted line and its copy, well under a microsecond; any thread.
void log(Level level, std::string_view event, std::span<const Field> fields);
inline void log(Level level, std::string_view event, std::initializer_list<Field> fields) {
  log(level, event, std::span<const Field>(fields.begin(), fields.size()));
}
[[nodiscard]] bool log_enabled(Level level);
/// Lines lost since the process began because a queue was full.
[[nodiscard]] std::uint64_t dropped_log_lines();

}  // namespace gantry::observe
