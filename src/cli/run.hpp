#pragma once
// The command line: parses, runs one command, returns its exit code.

namespace gantry::cli {

inline constexpr int kOk = 0;
inline constexpr int kCheckFailed = 1;  ///< or what was asked of a server or a ledger could not be done
inline constexpr int kUsage = 2;        ///< a wrong command line or configuration

/// An upstream key on the command line is refused, and wiped from `argv` so that process lists stop showing
/// it.
int run(int argc, char** argv);

}  // namespace gantry::cli
