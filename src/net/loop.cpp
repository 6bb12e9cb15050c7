#include "net/loop.hpp"

#include <malloc.h>

#include <array>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "net/block.hpp"
#include "net/io.hpp"

namespace gantry::net {
namespace {

// A spawned task's root: starts the task, and takes its own frame off the loop's list when it ends.
struct Root {
  struct promise_type {
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
    Root get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }  // ends: the frame frees itself
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

struct Self {  // `co_await Self{}` gives the running coroutine's own address
  void* address = nullptr;
  bool await_ready() { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    address = handle.address();
    return false;
  }
  void* await_resume() { return address; }
};

Root run_root(Loop::Io& io, Task<void> task) {
  void* const self = co_await Self{};
  co_await std::move(task);
  io.tasks.erase(self);
}

// glibc keeps up to seven freed blocks of each small size a thread, wherever they lie: after a rush each of
// them holds a page. What a thread keeps goes when it ends, so this one's blocks are freed on one that does
// nothing else.
void empty_thread_cache() {
  constexpr std::size_t kSizes = 64, kStep = 16, kBlocks = 7;
  std::array<void*, kSizes * kBlocks> kept;
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = std::malloc((i / kBlocks + 1) * kStep);
  const auto free_all = [&kept] {
    for (void* const block : kept) std::free(block);
  };
  try {
    std::thread(free_all).join();
  } catch (const std::system_error&) {
    free_all();  // no thread to be had: they stay
  }
}

}  // namespace

Loop::Loop(const TimeSource& time) : time_(time), wheel_(time.mono()), io_(std::make_unique<Io>(time)) {}

Loop::~Loop() { drop_tasks(); }

void Loop::drop_tasks() {
  const auto left = std::exchange(io_->tasks, {});
  for (void* const frame : left) std::coroutine_handle<>::from_address(frame).destroy();
}

void Loop::run() {
  io_->runner = std::this_thread::get_id();
  while (!io_->stopped) io_->turn(*this, Io::Patience::until_next_timer);
  io_->runner = std::thread::id{};
}

void Loop::stop() {
  io_->stopped = true;
  io_->wake_from_outside();
}

void Loop::poll() {
  constexpr int kTurns = 1000;  // a peer on the same loop could keep it busy for ever
  for (int i = 0; i < kTurns && io_->turn(*this, Io::Patience::none); ++i) {
  }
}

void Loop::post(std::move_only_function<void()> work) {
  {
    const std::lock_guard lock(io_->mutex);
    io_->posted.push_back(std::move(work));
  }
  io_->wake_from_outside();
}

MonoTime Loop::now() const { return io_->keeps_time ? io_->now : time_.mono(); }

void Loop::spawn(Task<void> task) {
  const Root root = run_root(*io_, std::move(task));
  io_->tasks.insert(root.handle.address());
  root.handle.resume();
}

std::size_t Loop::running_tasks() const { return io_->tasks.size(); }

void Loop::give_back_memory() {
  free_spare_frames();
  free_spare_blocks();
  empty_thread_cache();
  ::malloc_trim(0);
}

void Loop::advance_timers() {
  io_->now = time_.mono();
  wheel_.advance(io_->now);
}

void Loop::SleepAwaiter::await_suspend(std::coroutine_handle<> handle) {
  waiter = handle;
  loop.set_timer(timer, until, [](void* self) { static_cast<SleepAwaiter*>(self)->waiter.resume(); }, this);
}

void Signal::notify() {
  notified_ = true;
  if (waiter_) std::exchange(waiter_, {}).resume();
}

}  // namespace gantry::net
