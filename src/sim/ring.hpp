#pragma once
// The last N things, numbered from 1: a bounded memory that says how much it forgot.

#include <cstdint>
#include <vector>

namespace gantry::sim {

template <class T>
class Ring {
 public:
  explicit Ring(std::size_t capacity) : capacity_(capacity) {}

  /// Returns the number of the new entry; the oldest gives way when the ring is full.
  std::uint64_t push(T entry) {
    if (capacity_ == 0) return ++pushed_;
    if (entries_.size() < capacity_) {
      entries_.push_back(std::move(entry));
    } else {
      entries_[pushed_ % capacity_] = std::move(entry);
    }
    return ++pushed_;
  }
  /// nullptr when the entry was forgotten or never was.
  T* find(std::uint64_t number) {
    if (number == 0 || number > pushed_ || number + entries_.size() <= pushed_) return nullptr;
    return &entries_[(number - 1) % capacity_];
  }
  const T* find(std::uint64_t number) const { return const_cast<Ring*>(this)->find(number); }

  [[nodiscard]] std::uint64_t pushed() const { return pushed_; }
  [[nodiscard]] std::uint64_t forgotten() const { return pushed_ - entries_.size(); }
  void clear() {
    entries_.clear();
    pushed_ = 0;
  }

 private:
  std::size_t capacity_;
  std::vector<T> entries_;
  std::uint64_t pushed_ = 0;
};

}  // namespace gantry::sim
