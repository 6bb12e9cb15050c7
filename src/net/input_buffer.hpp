#pragma once
// A connection's input: the request being answered stays where it was read, and the next bytes are received
// around it.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace gantry::net {

/// One block that holds, in order: the pinned request (its views are in use), then bytes not yet looked at,
/// then room. When nothing is unread the room may also be the space before the pinned request, whichever is
/// larger. Between requests the whole block is room, so that a request that fits is received in one piece
/// without ever being moved.
class InputBuffer {
 public:
  static constexpr std::size_t kInitial = 1536;  ///< most chat requests of one question; held by each stream
  static constexpr std::size_t kLargest = 16 * 1024;  ///< that is kept between requests

  InputBuffer()
      : data_(std::make_unique_for_overwrite<char[]>(kInitial)), capacity_(kInitial), limit_(kInitial) {}

  [[nodiscard]] std::string_view unread() const { return {data_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::span<char> room() { return {data_.get() + end_, limit_ - end_}; }
  void commit(std::size_t bytes) { end_ += bytes; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  void drop_unread() { begin_ = end_; }
  /// Adds bytes received elsewhere; false when they do not fit.
  bool append(std::string_view bytes) {
    if (bytes.size() > room().size()) return false;
    std::memcpy(data_.get() + end_, bytes.data(), bytes.size());
    commit(bytes.size());
    return true;
  }

  /// The request that begins at the first unread byte stays in place until release().
  void pin() { pinned_ = begin_; }
  /// Its last byte was consumed, of `request_bytes` in all: what comes next goes to the larger free side. Not
  /// while something is being received.
  void turn(std::size_t request_bytes) {
    last_request_ = request_bytes;
    if (!empty()) return;
    if (capacity_ > kLargest) {
      // A huge head does not stay for the connection's life.
      pinned_block_ = std::exchange(data_, std::make_unique_for_overwrite<char[]>(kInitial));
      capacity_ = limit_ = kInitial;
      begin_ = end_ = 0;
    } else if (pinned_ > limit_ - end_) {
      limit_ = pinned_;
      begin_ = end_ = 0;
    }
  }
  void release() {
    pinned_block_.reset();
    limit_ = capacity_;
  }
  /// Nothing is unread and what was pinned is of no more use: no block at all, and no room, until restore().
  /// Who is receiving into the room that was has to be told.
  void shed() {
    data_.reset();
    pinned_block_.reset();
    capacity_ = begin_ = end_ = limit_ = pinned_ = 0;
  }
  [[nodiscard]] bool is_shed() const { return capacity_ == 0; }
  void restore() { make_room(kLargest); }
  /// Nothing is pinned: the whole block becomes room, unless bytes wait in it already (false). Who is
  /// receiving into the room that was has to be given the new one. A block that was too small for the last
  /// request is replaced by one for requests of that size: a request in two pieces costs two system calls
  /// more, one for its rest and one that finds nothing.
  bool clear() {
    if (!empty()) return false;
    const std::size_t wanted = comfortable();
    if (wanted > capacity_) {
      data_ = std::make_unique_for_overwrite<char[]>(wanted);
      capacity_ = wanted;
    }
    begin_ = end_ = 0, limit_ = capacity_;
    return true;
  }

  /// All unread bytes were syntax or were copied: the room behind the pinned head is whole again.
  void rewind_to(std::string_view behind) {
    if (empty()) begin_ = end_ = static_cast<std::size_t>(behind.data() + behind.size() - data_.get());
  }

  /// Makes room while nothing is pinned or being received: moves, and grows up to `max`.
  void make_room(std::size_t max) {
    const std::size_t held = end_ - begin_;
    std::size_t wanted = comfortable();
    if (wanted == capacity_ && room().size() >= kInitial / 4) return;
    if (held >= capacity_ / 2) wanted = std::max(wanted, capacity_ * 2);
    wanted = std::max(capacity_, std::min(wanted, max));
    if (wanted > capacity_) {
      auto larger = std::make_unique_for_overwrite<char[]>(wanted);
      if (held > 0) std::memcpy(larger.get(), data_.get() + begin_, held);
      data_ = std::move(larger);
      capacity_ = wanted;
    } else {
      std::memmove(data_.get(), data_.get() + begin_, held);
    }
    begin_ = 0, end_ = held, limit_ = capacity_;
  }

 private:
  /// The size in which a request like the last one leaves some room. Larger bodies go into blocks of their
  /// own size.
  [[nodiscard]] std::size_t comfortable() const {
    const std::size_t wanted = last_request_ + last_request_ / 4;
    const std::size_t least = std::max(capacity_, kInitial);
    return wanted > kLargest ? least : std::max(least, wanted);
  }

  std::unique_ptr<char[]> data_;
  std::unique_ptr<char[]> pinned_block_;  // holds the pinned request when it is not in data_
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0, end_ = 0;  // unread bytes
  std::size_t limit_ = 0;            // end of the room
  std::size_t pinned_ = 0;           // where the request being answered begins
  std::size_t last_request_ = 0;     // its size, once it was answered
};

}  // namespace gantry::net
