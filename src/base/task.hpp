#pragma once
// Task<T>: the one coroutine type. Lazy, single owner, awaited once; it resumes its awaiter by symmetric
// transfer, so chains of any depth cost no stack and no scheduler. Leaf awaiters live in src/net; nothing
// here knows a loop. docs/decisions/0002 says why this is not asio::awaitable.

#include <coroutine>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <utility>

namespace gantry {

/// Frames come from a thread-local free list of a few size classes (frame_pool.cpp): a call awaits a dozen
/// coroutines and the allocator was visible in profiles. A frame freed on another thread simply joins that
/// thread's list.
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;
/// Gives this thread's spare frames back to the allocator.
void free_spare_frames() noexcept;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      return self.promise().continuation;
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  // Expected failures are Results. What still throws (bad_alloc, a broken invariant) has no safe continuation
  // here.
  void unhandled_exception() noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace detail

/// A coroutine that has not started. `co_await std::move(task)` or `co_await f()` runs it to its end.
/// Destroying a Task that is suspended destroys its frame; whoever does that must first have cancelled what
/// it awaits.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  Task(Handle handle) : handle_(handle) {}  // NOLINT: the promise returns its handle
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    Handle handle;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
      handle.promise().continuation = caller;
      return handle;
    }
    T await_resume() { return handle.promise().take(); }
  };
  Awaiter operator co_await() && noexcept { return {handle_}; }

  [[nodiscard]] bool done() const { return !handle_ || handle_.done(); }
  /// For the task group, which starts what nobody awaits.
  Handle handle() const { return handle_; }

 private:
  Handle handle_;
};

}  // namespace gantry

// std::coroutine_traits finds promise_type in Task<T> itself.
