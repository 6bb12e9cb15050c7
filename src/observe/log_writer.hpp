#pragma once
// The log's one thread: takes the lines of all queues and writes them. Internal to src/observe.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/bell.hpp"
#include "observe/line_queue.hpp"

namespace gantry::observe {

/// Writes the first line after a quiet time at once and then rests, so that a busy gateway pays a few wakes
/// and writes a second for all its lines; gives memory back and sleeps once a rest has brought nothing. What
/// it takes in one round is written in the order of the lines' times, whatever threads they came from.
class LogWriter {
 public:
  static constexpr auto kRest = std::chrono::milliseconds{50};
  using Write = std::function<void(std::string_view lines)>;  ///< whole lines; on the writer's thread

  /// `stamp_at`: where in each line its time stands.
  LogWriter(Write write, std::size_t stamp_at);
  ~LogWriter() { stop(); }
  LogWriter(const LogWriter&) = delete;

  /// A queue for one thread, until it leaves. The queue lives as long as the writer.
  LineQueue& join();
  void leave(LineQueue& queue);
  /// For a line that must not wait for the next round.
  void hurry() { bell_.ring(); }
  /// Writes what was published before, then ends the thread.
  void stop();
  /// Lines lost in its queues; any thread.
  [[nodiscard]] std::uint64_t lost() const;

 private:
  struct Taken {  // from one queue in one round
    LineQueue* queue;
    LineQueue::Piece left;
    bool refill();
  };

  void run();
  bool write_round();
  void take_all();
  void merge();
  void shed();
  [[nodiscard]] bool is_idle() const;

  const Write write_;
  const std::size_t stamp_at_;
  net::Bell bell_;
  mutable std::mutex mutex_;
  std::list<LineQueue> queues_;     // under the lock; only grows
  std::vector<LineQueue*> unused_;  // their threads have left
  std::vector<Taken> taken_;        // this and the next are the writer's own
  std::string merged_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: it uses all of the above
};

/// The bytes of the leading lines whose times are not after `limit`.
std::size_t lines_until(std::string_view lines, std::size_t stamp_at, std::string_view limit);

}  // namespace gantry::observe
