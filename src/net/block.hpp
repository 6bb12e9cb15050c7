#pragma once
// Read buffers of one loop. A response holds one only while it has bytes to show, so that ten thousand quiet
// streams share a few. Inside src/net only.

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace gantry::net {

/// Bytes to read into; blocks of the usual size come from and go back to a free list of the thread.
class Block {
 public:
  static constexpr std::size_t kUsual = 16 * 1024;

  Block() = default;
  explicit Block(std::size_t size);
  Block(Block&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  Block& operator=(Block&& other) noexcept {
    if (this != &other) {
      release();
      bytes_ = std::move(other.bytes_);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~Block() { release(); }

  void release();
  [[nodiscard]] char* data() { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<char> from(std::size_t offset) { return {bytes_.get() + offset, size_ - offset}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

/// Gives this thread's spare blocks back to the allocator.
void free_spare_blocks();

}  // namespace gantry::net
