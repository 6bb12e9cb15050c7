#include "observe/log.hpp"

#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>

#include "observe/line.hpp"

namespace gantry::observe {
namespace {

constexpr std::size_t kQueueLines = 4096;              // about 1.7 MB of slots; 40 ms of lines at 100,000/s
constexpr auto kRest = std::chrono::milliseconds{10};  // see LineWriter
constexpr auto kPatience = std::chrono::milliseconds{1000};  // with a stalled reader, once stopping
constexpr std::size_t kBatch = 32 * 1024;                    // bytes of lines that are worth a write

/// Writes lines to a descriptor. After it has written all there is, it rests: while its thread rests instead
/// of waiting for the queue, handing over a line wakes nobody, so a busy gateway pays one wake and few writes
/// for all lines of 10 ms instead of a futex call and a write for each. The first line after a quiet time is
/// written at once.
class LineWriter final : public spdlog::sinks::sink {
 public:
  explicit LineWriter(int descriptor) : descriptor_(descriptor), piece_(piece_for(descriptor)) {}
  /// The pool's destructor joins the one thread that asks, so a plain pointer lives long enough.
  void watch(spdlog::details::thread_pool& queue) { queue_ = &queue; }

  void log(const spdlog::details::log_msg& message) override {
    buffer_.append(message.payload.data(), message.payload.size()) += '\n';
    // Once stopping, every line goes out at once: what is still queued may only be the order to end.
    const bool last = queue_->queue_size() == 0 || is_stopping();
    if (!last && buffer_.size() < kBatch) return;
    flush();
    if (last) rest();
  }

  void flush() override {
    std::string_view left = buffer_;
    while (!left.empty() && is_writable()) {
      const ssize_t written = ::write(descriptor_, left.data(), std::min(left.size(), piece_));
      if (written < 0 && errno != EINTR && errno != EAGAIN) break;  // nobody to tell: this was the log
      if (written > 0) left.remove_prefix(static_cast<std::size_t>(written));
    }
    buffer_.clear();
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }

  void set_pattern(const std::string&) override {}  // lines come finished
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  void rest() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kRest, [this] { return stopping_; });
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  // A pipe that is ready takes PIPE_BUF bytes without blocking (pipe(7)) and may block on more; a file takes
  // all.
  static std::size_t piece_for(int descriptor) {
    struct stat about{};
    return ::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) ? 2 * kBatch : PIPE_BUF;
  }

  // Waits for a slow reader, but never so that stop_log could not end: poll in short steps.
  bool is_writable() {
    constexpr int kStep = 100;
    for (auto waited = std::chrono::milliseconds{0}; waited < kPatience && !gave_up_;) {
      pollfd ready{descriptor_, POLLOUT, 0};
      const int count = ::poll(&ready, 1, kStep);
      if (count > 0) return true;  // errors too: write() names them
      if (count < 0 && errno != EINTR) return false;
      if (is_stopping()) waited += std::chrono::milliseconds{kStep};
    }
    gave_up_ = true;
    return false;
  }

  const int descriptor_;
  const std::size_t piece_;
  spdlog::details::thread_pool* queue_ = nullptr;
  std::string buffer_;
  bool gave_up_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
};

struct Logger {
  const LogFormat format;
  const TimeSource& time;
  std::shared_ptr<spdlog::details::thread_pool> pool;       // set and reset under `setup`
  const std::weak_ptr<spdlog::details::thread_pool> queue;  // the same, for threads that log
  std::shared_ptr<LineWriter> writer;
  std::shared_ptr<spdlog::async_logger> out;
};

constexpr int kOff = static_cast<int>(Level::error) + 1;
std::atomic<int> threshold{kOff};
std::atomic<Logger*> current{nullptr};
std::atomic<std::uint64_t> dropped_before{0};  // by loggers that have been stopped
std::mutex setup;                              // start_log and stop_log

const TimeSource& machine_time() {
  static const SystemTime time;
  return time;
}

// A logger outlives stop_log: a thread that is late with a line finds its logger there, and no queue behind
// it.
Logger& keep(Logger logger) {
  static std::list<Logger> all;
  return all.emplace_back(std::move(logger));
}

}  // namespace

void start_log(Level level, LogFormat format, const TimeSource* time, int descriptor) {
  stop_log();
  const std::lock_guard lock(setup);
  auto writer = std::make_shared<LineWriter>(descriptor);
  auto pool = std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1);
  writer->watch(*pool);
  auto out = std::make_shared<spdlog::async_logger>("gantry", writer, pool,
                                                    spdlog::async_overflow_policy::overrun_oldest);
  out->set_level(spdlog::level::trace);  // the threshold is checked before a line is made
  current.store(&keep({format, time ? *time : machine_time(), pool, pool, std::move(writer), std::move(out)}),
                std::memory_order_release);
  set_log_level(level);
}

void set_log_level(Level level) {
  if (current.load(std::memory_order_acquire))
    threshold.store(static_cast<int>(level), std::memory_order_relaxed);
}

void stop_log() {
  const std::lock_guard lock(setup);
  threshold.store(kOff, std::memory_order_relaxed);
  Logger* const logger = current.exchange(nullptr, std::memory_order_acq_rel);
  if (!logger) return;
  logger->writer->stop();
  const auto pool = std::exchange(logger->pool, nullptr);
  dropped_before.fetch_add(pool->overrun_counter(), std::memory_order_relaxed);
}  // the pool goes: its thread writes what is queued and ends

bool log_enabled(Level level) { return static_cast<int>(level) >= threshold.load(std::memory_order_relaxed); }

void log(Level level, std::string_view event, std::span<const Field> fields) {
  if (!log_enabled(level)) return;
  Logger* const logger = current.load(std::memory_order_acquire);
  if (!logger) return;
  thread_local std::string line;
  line.clear();
  append_line(line, logger->format, logger->time.wall(), level, event, fields);
  // Straight into the queue: async_logger::log would read the clock again, and throw once the queue is gone.
  const std::shared_ptr<spdlog::details::thread_pool> queue = logger->queue.lock();
  if (!queue) return;
  const spdlog::details::log_msg message({}, {}, {}, spdlog::level::info, {line.data(), line.size()});
  queue->post_log(std::shared_ptr(logger->out), message, spdlog::async_overflow_policy::overrun_oldest);
}

std::uint64_t dropped_log_lines() {
  const std::lock_guard lock(setup);
  const Logger* const logger = current.load(std::memory_order_acquire);
  const std::uint64_t now = logger ? logger->pool->overrun_counter() : 0;
  return dropped_before.load(std::memory_order_relaxed) + now;
}

}  // namespace gantry::observe
