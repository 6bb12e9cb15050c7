#pragma once
// The lines of one thread on their way to the writer: bounded memory, one thread that writes lines, one that
// takes them. A line costs its thread a formatted text in place and one atomic store; a lock is taken once a
// chunk. Internal to src/observe.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "net/bell.hpp"

namespace gantry::observe {

/// Full: the oldest chunk that is not being written goes, and its lines are counted. Lines never straddle
/// chunks.
class LineQueue {
 public:
  static constexpr std::size_t kChunkBytes = 96 * 1024;  ///< more than the longest line of a call
  static constexpr std::size_t kChunks = 16;             ///< 1.5 MiB; memory is taken when it is needed
  static constexpr std::size_t kWakeChunks = 3;  ///< that many full ones are worth waking the writer for
  static constexpr std::size_t kSpare = 4;       ///< emptied ones are kept for the next rush

  explicit LineQueue(net::Bell& bell);
  LineQueue(const LineQueue&) = delete;

  // ---- the thread that logs

  /// Room for a line of at most `bytes` bytes. nullptr, and a lost line, when no chunk could hold it.
  char* room(std::size_t bytes) {
    return kChunkBytes - end_ >= bytes ? current_->bytes.data() + end_ : next_chunk(bytes);
  }
  /// The line of `bytes` bytes that was put where room() said, with its newline, is whole.
  void publish(std::size_t bytes) {
    end_ += bytes;
    // In one order with the bell's own flag: either this thread sees that the writer sleeps, or the writer,
    // before it falls asleep, sees the line.
    current_->filled.store(end_, std::memory_order_seq_cst);
    bell_.ring_if_asleep();
  }
  void push(std::string_view line);

  // ---- the writer

  struct Piece {
    std::string_view lines;  ///< whole lines; stays until done()
    bool more = false;       ///< another piece follows that was there already
  };
  /// The oldest lines that were not taken yet.
  Piece take();
  void done();
  [[nodiscard]] bool empty() const;
  /// Gives back the memory of emptied chunks: for a time of rest after a busy one.
  void shed();

  /// Lines lost because the queue was full, or because they were longer than a chunk; any thread.
  [[nodiscard]] std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  struct Chunk {
    std::atomic<std::size_t> filled{0};  // written by the thread that logs
    std::size_t taken = 0;               // under the lock
    std::array<char, kChunkBytes> bytes;
    // In pages of its own, so that what a rush took is the system's again when it is over.
    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size);
    [[nodiscard]] std::string_view unread() const {
      return {bytes.data() + taken, filled.load(std::memory_order_seq_cst) - taken};
    }
  };
  using Owned = std::unique_ptr<Chunk>;

  char* next_chunk(std::size_t bytes);
  Owned empty_chunk();
  void lose(std::uint64_t lines) {  // one thread writes
    lost_.store(lost_.load(std::memory_order_relaxed) + lines, std::memory_order_relaxed);
  }

  net::Bell& bell_;
  std::size_t end_ = 0;  // of the current chunk's lines; only the thread that logs
  std::atomic<std::uint64_t> lost_{0};
  mutable std::mutex mutex_;
  Owned current_;            // changed under the lock, by the thread that logs
  std::vector<Owned> full_;  // oldest first
  std::vector<Owned> spare_;
  Chunk* pinned_ = nullptr;  // its lines are being written
  std::size_t pinned_to_ = 0;
};

}  // namespace gantry::observe
