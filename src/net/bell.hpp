#pragma once
// How threads that have work for another one wake it (lines for the log's writer, a journal's entries for the
// recorder): not at all while it rests, because it comes back by itself; once when it sleeps.

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/time.hpp"

namespace gantry::net {

class Bell {
 public:
  /// Wakes the one that waits from rest or sleep; a ring that finds it awake is kept.
  void ring();
  /// After work was published by a seq_cst store: in one order with the bell's own flag, either this thread
  /// sees that the other sleeps, or the other, before it falls asleep, sees the work.
  void ring_if_asleep() {
    if (asleep_.load(std::memory_order_seq_cst)) ring();
  }

  // ---- the one that waits

  /// Until the bell rings, at most for `most`; whether it rang.
  bool rest(Duration most);
  /// Until the bell rings, unless `is_idle` says otherwise once every thread can see that it sleeps.
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

}  // namespace gantry::net
