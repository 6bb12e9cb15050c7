// The thread-local free lists behind Task frames.
#include <array>
#include <cstddef>
#include <new>

#include "base/task.hpp"

namespace gantry {

#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))

// Under ASan every frame is its own allocation, so that a use after the end is seen.
void* allocate_frame(std::size_t size) { return ::operator new(size); }
void free_frame(void* frame, std::size_t) noexcept { ::operator delete(frame); }
void free_spare_frames() noexcept {}

#else

namespace {

constexpr std::size_t kClassBytes =
    16;  // finer than frames differ: thousands of streams hold half a dozen each
constexpr std::size_t kClasses = 192;  // frames up to 3 KiB; larger ones are rare and go to malloc
constexpr std::size_t kKeepPerClass =
    64;  // what a burst leaves behind stays small, so memory comes back after load

struct FreeNode {
  FreeNode* next;
};

struct FreeLists {
  std::array<FreeNode*, kClasses> heads{};
  std::array<std::size_t, kClasses> counts{};
  ~FreeLists() { clear(); }
  void clear() {
    for (auto*& head : heads) {
      while (head) ::operator delete(std::exchange(head, head->next));
    }
    counts.fill(0);
  }
};

thread_local FreeLists lists;

std::size_t class_of(std::size_t size) { return (size + kClassBytes - 1) / kClassBytes - 1; }

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = class_of(size);
  if (index >= kClasses) return ::operator new(size);
  if (FreeNode* node = lists.heads[index]) {
    lists.heads[index] = node->next;
    --lists.counts[index];
    return node;
  }
  return ::operator new((index + 1) * kClassBytes);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  if (index >= kClasses || lists.counts[index] >= kKeepPerClass) {
    ::operator delete(frame);
    return;
  }
  auto* node = static_cast<FreeNode*>(frame);
  node->next = lists.heads[index];
  lists.heads[index] = node;
  ++lists.counts[index];
}

void free_spare_frames() noexcept { lists.clear(); }
#endif

}  // namespace gantry
