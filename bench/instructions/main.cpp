// Runs each hot path often enough for callgrind to count it, and has the counts written after each
// (`--toggle-collect` would need symbol names, which change; the client requests do not). Without valgrind it
// only shows that the operations work.

#include <valgrind/callgrind.h>

#include <cstdio>

#include "instructions/operations.hpp"

namespace {

constexpr int kWarmUp = 20;  // buffers reach their size, lazy set-up happens
constexpr int kRuns = 200;   // bench/instructions/check.py divides by the number printed below

}  // namespace

int main() {
  for (const auto& operation : gantry::bench::operations()) {
    for (int i = 0; i < kWarmUp; ++i) operation.run();
    CALLGRIND_ZERO_STATS;
    for (int i = 0; i < kRuns; ++i) operation.run();
    CALLGRIND_DUMP_STATS_AT(operation.name.c_str());
    std::printf("%s %d\n", operation.name.c_str(), kRuns);
  }
}
