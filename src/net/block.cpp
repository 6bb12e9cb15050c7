#include "net/block.hpp"

#include <vector>

namespace gantry::net {
namespace {

constexpr std::size_t kKept = 8;  // 128 KiB a loop: a block is only held while its bytes are passed on

std::vector<std::unique_ptr<char[]>>& spare_blocks() {
  thread_local std::vector<std::unique_ptr<char[]>> blocks;
  return blocks;
}

}  // namespace

void free_spare_blocks() { spare_blocks().clear(); }

Block::Block(std::size_t size) : size_(size) {
  auto& spare = spare_blocks();
  if (size == kUsual && !spare.empty()) {
    bytes_ = std::move(spare.back());
    spare.pop_back();
  } else {
    bytes_ = std::make_unique_for_overwrite<char[]>(size);
  }
}

void Block::release() {
  if (!bytes_) return;
  if (size_ == kUsual && spare_blocks().size() < kKept) {
    spare_blocks().push_back(std::move(bytes_));
  }
  bytes_.reset();
  size_ = 0;
}

}  // namespace gantry::net
