#include "base/time.hpp"

#include <ctime>

namespace gantry {
namespace {

Duration read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

}  // namespace

MonoTime SystemTime::mono() const { return MonoTime{read_clock(CLOCK_MONOTONIC)}; }
WallTime SystemTime::wall() const { return WallTime{read_clock(CLOCK_REALTIME)}; }

}  // namespace gantry
