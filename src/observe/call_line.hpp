#pragma once
// The one line of a finished call, as append_line would write it, but in place and without a list of fields
// between: it is the only line that every call pays for. Pure.

#include <cstddef>

#include "base/time.hpp"
#include "observe/escape.hpp"
#include "observe/log.hpp"
#include "observe/observer.hpp"

namespace gantry::observe {

/// No line of this call is longer, whatever its values have to be escaped to; at most kLongestCallLine.
std::size_t longest_call_line(const CallRecord& call);
inline constexpr std::size_t kLongestCallLine = 1024 + 7 * (6 * kLongestValue + 5);

/// Writes the line with its newline where there is room for the longest, and returns its end. Optional values
/// that are not known are left out.
char* put_call_line(char* to, LogFormat format, WallTime at, Level level, const CallRecord& call);

}  // namespace gantry::observe
