// What a process must be before it touches a secret, then the command line.

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdio>
#include <exception>

#include "cli/run.hpp"

namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GANTRY_LEAK_CHECKED 1
#endif
#endif

void prepare_process() {
  ::umask(077);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
#ifndef GANTRY_LEAK_CHECKED
  // Neither a core file nor another process of this user may read the keys in memory. The leak checker must.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
  ::signal(SIGPIPE, SIG_IGN);
  // Two descriptors a call: the soft limit is usually far below the hard one.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  try {
    return gantry::cli::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "gantry: {}\n", error.what());
    return gantry::cli::kUsage;
  }
}
