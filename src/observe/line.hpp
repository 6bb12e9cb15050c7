#pragma once
// One log line from its parts. Pure; the shape is documented in docs/metrics.md.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "observe/log.hpp"

namespace gantry::observe {

std::string_view name(Level level);

/// Appends one line without its newline. Keys are literals of ours; a character that is not [A-Za-z0-9_.] in
/// one would become '_', so that a mistake cannot break the line's shape either.
void append_line(std::string& out, LogFormat format, WallTime at, Level level, std::string_view event,
                 std::span<const Field> fields);

/// `2026-11-23T10:00:00.123Z`: UTC, milliseconds, cut and not rounded, so that a line never claims a later
/// second.
void append_timestamp(std::string& out, WallTime at);
inline constexpr std::size_t kTimestampBytes = 24;
/// The same where there is room; returns the end.
char* put_timestamp(char* to, WallTime at);
inline constexpr std::string_view kJsonHead = R"({"time":")";  ///< in JSON the time stands behind this

/// A value as it stands in a line, quoted where it has to be.
void append_text(std::string& out, std::string_view value, LogFormat format);

}  // namespace gantry::observe
