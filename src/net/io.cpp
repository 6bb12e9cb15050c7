#include "net/io.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace gantry::net {

// ---- descriptors

Watched::Watched(Loop& owner, int descriptor) : loop(owner), fd(descriptor) {
  if (fd < 0) return;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  // Full memory or descriptor tables: the descriptor then never gets an event, and deadlines end what waits
  // for it.
  (void)::epoll_ctl(owner.io().epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

Watched::~Watched() { close_descriptor(); }

void Watched::close_descriptor() {
  if (fd >= 0) ::close(std::exchange(fd, -1));  // leaves the epoll set with it
}

void Watched::wake_soon() {
  if (std::exchange(wake_queued_, true)) return;
  loop.io().wakes.push_back(this);
}

void Watched::retire() {
  retired = true;
  close_descriptor();
  loop.io().retired_now.push_back(this);
}

// ---- the turn

Loop::Io::Io(const TimeSource& time)
    : epoll_fd(::epoll_create1(EPOLL_CLOEXEC)),
      wake_fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      keeps_time(dynamic_cast<const SystemTime*>(&time) != nullptr),
      now(time.mono()) {
  if (epoll_fd < 0 || wake_fd < 0)
    throw std::system_error(errno, std::generic_category(), "an event loop cannot be made");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  ::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event);
}

Loop::Io::~Io() {
  for (Watched* const watched : retired_before) delete watched;
  for (Watched* const watched : retired_now) delete watched;
  ::close(wake_fd);
  ::close(epoll_fd);
}

void Loop::Io::wake_from_outside() {
  if (runner.load(std::memory_order_relaxed) == std::this_thread::get_id())
    return;  // it looks before it waits
  if (wake_sent.exchange(true)) return;
  const std::uint64_t one = 1;
  (void)!::write(wake_fd, &one, sizeof one);
}

int Loop::Io::wait(Loop& loop, Patience patience, void* events, int capacity) {
  int timeout = 0;
  bool work_waits = !wakes.empty() || !resumes.empty() || stopped;
  if (patience == Patience::until_next_timer && !work_waits) {
    const std::lock_guard lock(mutex);
    work_waits = !posted.empty();
  }
  if (patience == Patience::until_next_timer && !work_waits) {
    const MonoTime wake = loop.wheel_.next_wake();
    constexpr auto kLongest = std::chrono::milliseconds{60'000};
    const auto left =
        wake == kNever ? kLongest : std::chrono::ceil<std::chrono::milliseconds>(wake - loop.time_.mono());
    timeout = static_cast<int>(std::clamp(left, std::chrono::milliseconds{0}, kLongest).count());
  }
  const int count = ::epoll_wait(epoll_fd, static_cast<epoll_event*>(events), capacity, timeout);
  if (keeps_time) now = loop.time_.mono();
  return std::max(0, count);
}

bool Loop::Io::turn(Loop& loop, Patience patience) {
  std::array<epoll_event, 128> events;
  const int count = wait(loop, patience, events.data(), static_cast<int>(events.size()));
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    auto* const watched = static_cast<Watched*>(event.data.ptr);
    if (!watched) {
      wake_sent = false;  // edge-triggered: the counter need not be read
      continue;
    }
    if (watched->retired) continue;
    if (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
      watched->hung = watched->readable = watched->writable = true;
    if (event.events & EPOLLIN) watched->readable = true;
    if (event.events & EPOLLOUT) watched->writable = true;
    watched->on_event();
  }
  if (!loop.wheel_.empty()) loop.wheel_.advance(loop.now());
  const bool ran_posted = run_posted();
  const bool ran_wakes = run_wakes();
  free_retired();
  return count > 0 || ran_posted || ran_wakes;
}

bool Loop::Io::run_posted() {
  std::vector<std::move_only_function<void()>> work;
  {
    const std::lock_guard lock(mutex);
    work.swap(posted);
  }
  for (auto& each : work) each();
  return !work.empty();
}

// Only what is queued now: what these queue in turn waits for the next turn, after new events.
bool Loop::Io::run_wakes() {
  if (wakes.empty() && resumes.empty()) return false;
  for (const auto handle : std::exchange(resumes, {})) handle.resume();
  for (Watched* const watched : std::exchange(wakes, {})) {
    watched->wake_queued_ = false;
    if (!watched->retired) watched->on_wake();
  }
  return true;
}

void Loop::Io::free_retired() {
  for (Watched* const watched : std::exchange(retired_before, {})) {
    if (watched->wake_queued_) {
      retired_now.push_back(watched);  // still named by a queued wake
    } else {
      delete watched;
    }
  }
  std::swap(retired_before, retired_now);
}

void resume_soon(Loop& loop, std::coroutine_handle<> handle) { loop.io().resumes.push_back(handle); }

}  // namespace gantry::net
