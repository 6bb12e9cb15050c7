#pragma once
// A plain reply while it comes in, in one piece for the reader of JSON.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "net/http_server.hpp"

namespace gantry::engine {

/// Holds at most twice what has come (64 KiB when less has). What is beyond 64 KiB counts against the bound
/// of the process, and is given back when this goes.
class ReplyBuffer {
 public:
  static constexpr std::size_t kUncounted = 64 * 1024;

  /// `inflight` may be null: nothing is counted then.
  explicit ReplyBuffer(net::InflightBytes* inflight) : inflight_(inflight) {}
  ReplyBuffer(const ReplyBuffer&) = delete;
  ~ReplyBuffer() {
    if (inflight_) inflight_->give_back(counted(capacity_));
  }

  /// `declared` is upstream's Content-Length: a claim that saves growing, never more. False when the process
  /// holds as much as it may.
  [[nodiscard]] bool append(std::string_view piece, std::optional<std::size_t> declared) {
    const std::size_t needed = size_ + piece.size();
    if (needed > capacity_ && !grow(comfortable(needed, declared))) return false;
    std::memcpy(data_.get() + size_, piece.data(), piece.size());
    size_ = needed;
    return true;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

 private:
  static std::size_t counted(std::size_t capacity) {
    return capacity > kUncounted ? capacity - kUncounted : 0;
  }
  [[nodiscard]] std::size_t comfortable(std::size_t needed, std::optional<std::size_t> declared) const {
    const std::size_t first = declared ? kUncounted : 0;
    const std::size_t wanted = std::max(needed, capacity_ == 0 ? first : capacity_ * 2);
    return declared && *declared >= needed ? std::min(wanted, *declared) : wanted;
  }
  bool grow(std::size_t capacity) {
    if (inflight_ && !inflight_->take(counted(capacity) - counted(capacity_))) return false;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = capacity;
    return true;
  }

  net::InflightBytes* inflight_;
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace gantry::engine
