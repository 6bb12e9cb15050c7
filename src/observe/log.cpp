#include "observe/log.hpp"

#include <poll.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/sinks/sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <list>
#include <mutex>

#include "observe/line.hpp"
#include "observe/log_queue.hpp"
#include "observe/log_writer.hpp"

namespace gantry::observe {
namespace {

constexpr auto kPatience = std::chrono::milliseconds{1000};  // with a stalled reader, once stopping

bool is_regular_file(int descriptor) {
  struct stat about{};
  return ::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
}

/// The far end of the log: a descriptor that may be slow, or never be read at all. Takes whole lines, many at
/// once, with their newlines.
class DescriptorSink final : public spdlog::sinks::sink {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor), is_file_(is_regular_file(descriptor)) {}

  void log(const spdlog::details::log_msg& message) override {
    std::string_view left(message.payload.data(), message.payload.size());
    while (!left.empty() && is_writable()) {
      const ssize_t written = ::write(descriptor_, left.data(), piece_of(left));
      if (written < 0 && errno != EINTR && errno != EAGAIN) break;  // nobody to tell: this was the log
      if (written > 0) left.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void flush() override {}                          // nothing is kept back
  void set_pattern(const std::string&) override {}  // lines come finished
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  /// From now on a reader that stalls is given up.
  void hurry() { hurried_.store(true, std::memory_order_relaxed); }

 private:
  // A pipe that is ready takes PIPE_BUF bytes without blocking, and in one piece (pipe(7)): whole lines stay
  // whole beside what others write there. More might block. A file takes all.
  [[nodiscard]] std::size_t piece_of(std::string_view lines) const {
    if (is_file_ || lines.size() <= PIPE_BUF) return lines.size();
    const std::size_t last = lines.rfind('\n', PIPE_BUF - 1);
    return last == std::string_view::npos ? PIPE_BUF : last + 1;
  }

  // Waits for a slow reader, but never so that stop_log could not end: poll in short steps.
  bool is_writable() {
    constexpr int kStep = 100;
    for (auto waited = std::chrono::milliseconds{0}; waited < kPatience && !gave_up_;) {
      if (is_file_) return true;
      pollfd ready{descriptor_, POLLOUT, 0};
      const int count = ::poll(&ready, 1, kStep);
      if (count > 0) return true;  // errors too: write() names them
      if (count < 0 && errno != EINTR) return false;
      if (hurried_.load(std::memory_order_relaxed)) waited += std::chrono::milliseconds{kStep};
    }
    gave_up_ = true;
    return false;
  }

  const int descriptor_;
  const bool is_file_;
  bool gave_up_ = false;
  std::atomic<bool> hurried_{false};
};

struct Logger {
  Logger(LogFormat chosen, const TimeSource& source, int descriptor)
      : format(chosen), time(source), sink(descriptor) {}

  void write(std::string_view lines) {
    sink.log({{}, {}, {}, spdlog::level::info, {lines.data(), lines.size()}});
  }

  const LogFormat format;
  const TimeSource& time;
  DescriptorSink sink;
  LogWriter writer{[this](std::string_view lines) { write(lines); },
                   format == LogFormat::json ? kJsonHead.size() : 0};
};

constexpr int kOff = static_cast<int>(Level::error) + 1;
std::atomic<int> threshold{kOff};
std::atomic<Logger*> current{nullptr};
std::mutex setup;  // start_log and stop_log

const TimeSource& machine_time() {
  static const SystemTime time;
  return time;
}

// Never destroyed: a thread that is late with a line, even after main has ended, finds its logger and its
// queue there, and no writer behind it.
std::list<Logger>& loggers() {
  static auto& all = *new std::list<Logger>;
  return all;
}

struct Desk {  // where a thread's lines go
  Logger* of = nullptr;
  LineQueue* queue = nullptr;
};
constinit thread_local Desk desk;

LineQueue& sit_down(Logger& logger) {
  struct Leaving {
    ~Leaving() {
      if (desk.queue) desk.of->writer.leave(*desk.queue);
      desk = {};
    }
  };
  thread_local const Leaving leaving;
  static_cast<void>(leaving);
  if (desk.queue) desk.of->writer.leave(*desk.queue);
  desk = {&logger, &logger.writer.join()};
  return *desk.queue;
}

LineQueue& queue_of(Logger& logger) { return desk.of == &logger ? *desk.queue : sit_down(logger); }

}  // namespace

void start_log(Level level, LogFormat format, const TimeSource* time, int descriptor) {
  stop_log();
  static const struct AtExit {
    ~AtExit() { stop_log(); }  // what was logged is written, even if main ends early
  } at_exit;
  const std::lock_guard lock(setup);
  current.store(&loggers().emplace_back(format, time ? *time : machine_time(), descriptor),
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
  logger->sink.hurry();
  logger->writer.stop();
}

bool log_enabled(Level level) { return static_cast<int>(level) >= threshold.load(std::memory_order_relaxed); }

ThreadLog this_threads_log() {
  Logger* const logger = current.load(std::memory_order_acquire);
  if (!logger) return {};
  return {&queue_of(*logger), logger->format};
}

void log(Level level, std::string_view event, std::span<const Field> fields) {
  if (!log_enabled(level)) return;
  Logger* const logger = current.load(std::memory_order_acquire);
  if (!logger) return;
  thread_local std::string line;
  line.clear();
  append_line(line, logger->format, logger->time.wall(), level, event, fields);
  line += '\n';
  queue_of(*logger).push(line);
  if (level == Level::error) logger->writer.hurry();  // it may be the last one
}

std::uint64_t dropped_log_lines() {
  const std::lock_guard lock(setup);
  std::uint64_t sum = 0;
  for (const Logger& logger : loggers()) sum += logger.writer.lost();
  return sum;
}

}  // namespace gantry::observe
