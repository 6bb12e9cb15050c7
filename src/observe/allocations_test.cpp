// Counts the allocations of one thread, for the promise that telling of a call needs none.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "observe/log.hpp"
#include "observe/observer.hpp"

namespace {
thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace gantry::observe {
namespace {

TEST(Allocations, a_call_is_counted_and_logged_without_any) {
  const int descriptor = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  const SystemTime time;
  start_log(Level::info, LogFormat::json, &time, descriptor);
  Observer observer(time, 1);
  const auto tell = [&] {
    observer.call_started(0);
    observer.attempt_ended(0, {"anthropic/claude-3.5-sonnet", route::Outcome::delivered, 200, Duration{5}});
    CallRecord call;
    call.call_id = "call-0123456789abcdef";
    call.dialect = "chat";
    call.route = "default";
    call.model_asked = "anthropic/claude-3.5-sonnet";
    call.model_served = "openai/gpt-4o-mini-2024-07-18";
    call.generation_id = "gen-1764000000-0123456789abcdefghij";
    call.cost = PicoUsd{1};
    observer.call_ended(0, call);
  };
  tell();  // the thread's queue, the model's name
  const std::size_t before = allocations;
  for (int i = 0; i < 100; ++i) tell();  // fewer than a chunk of the queue holds
  EXPECT_EQ(allocations - before, 0u);
  stop_log();
  ::close(descriptor);
}

}  // namespace
}  // namespace gantry::observe
