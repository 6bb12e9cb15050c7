#pragma once
// Text from outside that people will see: one line, short, and with nothing in it that looks like a key.

#include <cstddef>
#include <string>
#include <string_view>

namespace gantry::wire {

/// `text` (UTF-8) on one line of at most `limit` bytes: control and direction-changing characters become
/// spaces, runs of white space one space, and anything like sk-or-…, sk-… or gk-… becomes ***. Cut at a
/// character's edge, with "…".
std::string shown_text(std::string_view text, std::size_t limit);

}  // namespace gantry::wire
