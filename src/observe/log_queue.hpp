#pragma once
// The way to the log for a line that is written in place. Internal to src/observe.

#include "observe/line_queue.hpp"
#include "observe/log.hpp"

namespace gantry::observe {

struct ThreadLog {
  LineQueue* queue = nullptr;  ///< this thread's; nullptr while the log is silent
  LogFormat format = LogFormat::text;
};
ThreadLog this_threads_log();

}  // namespace gantry::observe
