#pragma once
// A hand on the clock, for end-to-end tests; compiled only with GANTRY_TEST_CONTROL, a packaged binary has
// nothing of it. The environment variable GANTRY_TEST_CONTROL names a Unix socket on which the harness
// listens. JSON, one object a line:
//
//   binary  -> harness  {"hello":"gantry","pid":N}
//   harness -> binary   {"time":{"wall_ns":N,"mono_ns":N}}    first of all: time stands still there
//   harness -> binary   {"advance_ns":N,"id":K}               both clocks move, every loop runs its due
//   timers harness -> binary   {"step_ns":N,"id":K}                  the wall clock alone is set, also back
//   binary  -> harness  {"done":K}                            it is done
//   binary  -> harness  {"event":"name"}                      something worth waiting for happened
//   binary  -> harness  {"error":"…"}                         a line was not understood; it changed nothing

#include <memory>
#include <string_view>

#include "base/time.hpp"
#include "net/loop.hpp"

namespace gantry::gateway {

#ifdef GANTRY_TEST_CONTROL

/// Lives as long as anything that uses its time; a thread of its own reads the socket. If the harness hangs
/// up, time stands still where it is. All functions may be called from any thread.
class TestControl {
 public:
  /// Takes a connected stream socket, greets, and waits for the time. Throws std::runtime_error when it is
  /// not told.
  explicit TestControl(int descriptor);
  ~TestControl();
  TestControl(const TestControl&) = delete;
  TestControl& operator=(const TestControl&) = delete;

  [[nodiscard]] const TimeSource& time() const;
  /// From now on an advance is done only when this loop has run its timers.
  void register_loop(net::Loop& loop);
  /// Before the loop stops running for good; an advance that waits for it waits no more.
  void forget_loop(net::Loop& loop);
  void event(std::string_view name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Null when the variable is not set. Throws std::runtime_error when it is and nobody listens there: a test
/// that asked for its own time must not run on the machine's.
std::unique_ptr<TestControl> connect_test_control();

#else

/// What is left in a release build: the same names, so that callers need no #ifdef.
class TestControl {
 public:
  [[nodiscard]] const TimeSource& time() const { return time_; }
  void register_loop(net::Loop&) {}
  void forget_loop(net::Loop&) {}
  void event(std::string_view) {}

 private:
  SystemTime time_;
};
inline std::unique_ptr<TestControl> connect_test_control() { return nullptr; }

#endif

/// `emit_event(control, "drained")`: tells the harness, if there is one.
inline void emit_event(TestControl* control, std::string_view name) {
  if (control) control->event(name);
}

}  // namespace gantry::gateway
