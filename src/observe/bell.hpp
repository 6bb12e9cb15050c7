#pragma once
// How threads that log wake the one that writes: not at all while it rests, because it comes back by itself;
// once when it sleeps. Internal to src/observe.

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/time.hpp"

namespace gantry::observe {

class Bell {
 public:
  /// Wakes the writer from rest or sleep; a ring that finds it awake is kept.
  void ring();
  void ring_if_asleep() {
    if (asleep_.load(std::memory_order_seq_cst)) ring();
  }

  // ---- the writer

  /// Until the bell rings, at most for `most`.
  void rest(Duration most);
  /// Until the bell rings, unless `is_idle` says otherwise once every thread can see that the writer sleeps.
  template <class IsIdle>
  void sleep(IsIdle is_idle) {
    asleep_.store(true, std::memory_order_seq_cst);
    if (is_idle()) wait();
    asleep_.store(false, std::memory_order_relaxed);
  }

 private:
  void wait();

  std::atomic<bool> asleep_{false};
  std::mutex mutex_;
  std::condition_variable rung_changed_;
  bool rung_ = false;
};

}  // namespace gantry::observe
