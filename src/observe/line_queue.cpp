#include "observe/line_queue.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace gantry::observe {

void* LineQueue::Chunk::operator new(std::size_t size) {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return memory;
}

void LineQueue::Chunk::operator delete(void* memory, std::size_t size) { ::munmap(memory, size); }

LineQueue::LineQueue(net::Bell& bell) : bell_(bell), current_(std::make_unique_for_overwrite<Chunk>()) {
  full_.reserve(kChunks);
  spare_.reserve(kSpare);
}

char* LineQueue::next_chunk(std::size_t bytes) {
  if (bytes > kChunkBytes) {
    lose(1);
    return nullptr;
  }
  bool worth_waking = false;
  {
    const std::lock_guard lock(mutex_);
    full_.push_back(std::move(current_));
    current_ = empty_chunk();
    worth_waking = full_.size() >= kWakeChunks;
  }
  end_ = 0;
  if (worth_waking) bell_.ring();
  return current_->bytes.data();
}

LineQueue::Owned LineQueue::empty_chunk() {
  Owned chunk;
  if (!spare_.empty()) {
    chunk = std::move(spare_.back());
    spare_.pop_back();
  } else if (full_.size() < kChunks) {
    return std::make_unique_for_overwrite<Chunk>();
  } else {
    const auto oldest = full_.begin() + (full_.front().get() == pinned_ ? 1 : 0);
    lose(static_cast<std::uint64_t>(std::ranges::count((*oldest)->unread(), '\n')));
    chunk = std::move(*oldest);
    full_.erase(oldest);
  }
  chunk->filled.store(0, std::memory_order_relaxed);
  chunk->taken = 0;
  return chunk;
}

void LineQueue::push(std::string_view line) {
  char* const at = room(line.size());
  if (!at) return;
  std::memcpy(at, line.data(), line.size());
  publish(line.size());
}

LineQueue::Piece LineQueue::take() {
  const std::lock_guard lock(mutex_);
  pinned_ = full_.empty() ? current_.get() : full_.front().get();
  const std::string_view lines = pinned_->unread();
  pinned_to_ = pinned_->taken + lines.size();
  return {lines, !full_.empty()};
}

void LineQueue::done() {
  const std::lock_guard lock(mutex_);
  pinned_->taken = pinned_to_;
  // A chunk that was current when it was pinned may have been filled up since: its rest comes next.
  if (!full_.empty() && full_.front().get() == pinned_ && pinned_->unread().empty()) {
    if (spare_.size() < kSpare) spare_.push_back(std::move(full_.front()));
    full_.erase(full_.begin());
  }
  pinned_ = nullptr;
}

void LineQueue::shed() {
  const std::lock_guard lock(mutex_);
  spare_.clear();
}

bool LineQueue::empty() const {
  const std::lock_guard lock(mutex_);
  return full_.empty() && current_->unread().empty();
}

}  // namespace gantry::observe
