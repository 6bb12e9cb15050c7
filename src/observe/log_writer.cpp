#include "observe/log_writer.hpp"

#include <algorithm>
#include <utility>

#include "observe/line.hpp"

namespace gantry::observe {
namespace {

constexpr std::size_t kBatch = 64 * 1024;  // bytes of merged lines that are worth a write

// ISO 8601 in UTC: the order of the texts is the order of the times.
std::string_view stamp_of(std::string_view lines, std::size_t stamp_at) {
  return lines.substr(std::min(stamp_at, lines.size()), kTimestampBytes);
}

}  // namespace

std::size_t lines_until(std::string_view lines, std::size_t stamp_at, std::string_view limit) {
  std::size_t end = 0;
  while (end < lines.size() && stamp_of(lines.substr(end), stamp_at) <= limit)
    end = std::min(lines.find('\n', end), lines.size() - 1) + 1;
  return end;
}

LogWriter::LogWriter(Write write, std::size_t stamp_at)
    : write_(std::move(write)), stamp_at_(stamp_at), thread_([this] { run(); }) {}

LineQueue& LogWriter::join() {
  const std::lock_guard lock(mutex_);
  if (unused_.empty()) return queues_.emplace_back(bell_);
  LineQueue& queue = *unused_.back();
  unused_.pop_back();
  return queue;
}

void LogWriter::leave(LineQueue& queue) {
  const std::lock_guard lock(mutex_);
  unused_.push_back(&queue);
}

void LogWriter::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  bell_.ring();
  thread_.join();
}

std::uint64_t LogWriter::lost() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const LineQueue& queue : queues_) sum += queue.lost();
  return sum;
}

void LogWriter::run() {
  for (;;) {
    const bool last = stopping_.load(std::memory_order_acquire);  // before the round: it takes what was there
    const bool wrote = write_round();
    if (last) return;
    if (wrote) {
      bell_.rest(kRest);
    } else {
      shed();
      bell_.sleep([this] { return is_idle(); });
    }
  }
}

void LogWriter::shed() {
  merged_ = {};
  const std::lock_guard lock(mutex_);
  for (LineQueue& queue : queues_) queue.shed();
}

bool LogWriter::is_idle() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(queues_, [](const LineQueue& queue) { return queue.empty(); });
}

bool LogWriter::write_round() {
  take_all();
  if (taken_.empty()) return false;
  merge();
  do {
    write_(taken_.front().left.lines);  // of one thread: straight from where it put them
    taken_.front().left.lines = {};
  } while (taken_.front().refill());
  return true;
}

void LogWriter::take_all() {
  taken_.clear();
  const std::lock_guard lock(mutex_);
  for (LineQueue& queue : queues_)
    if (Taken taken{&queue, queue.take()}; taken.refill()) taken_.push_back(taken);
}

// False when nothing is left of what was there when the round began.
bool LogWriter::Taken::refill() {
  while (left.lines.empty()) {
    queue->done();
    if (!left.more) return false;
    left = queue->take();
  }
  return true;
}

// Until one queue is left.
void LogWriter::merge() {
  const auto stamp = [this](const Taken& taken) { return stamp_of(taken.left.lines, stamp_at_); };
  while (taken_.size() > 1) {
    const auto first = std::ranges::min_element(taken_, {}, stamp);
    std::string_view limit = "~";  // after all times
    for (const Taken& taken : taken_)
      if (&taken != &*first) limit = std::min(limit, stamp(taken));
    std::string_view& lines = first->left.lines;
    const std::size_t bytes = lines_until(lines, stamp_at_, limit);
    merged_.append(lines, 0, bytes);
    lines.remove_prefix(bytes);
    if (!first->refill()) taken_.erase(first);
    if (merged_.size() < kBatch && taken_.size() > 1) continue;
    write_(merged_);
    merged_.clear();
  }
}

}  // namespace gantry::observe
