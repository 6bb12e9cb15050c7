#include "net/slab.hpp"

#include <sys/mman.h>

#include <cassert>
#include <cstdint>
#include <new>
#include <utility>

namespace gantry::net {

/// The head of a page; its cells follow.
struct Slab::Page {
  Slab* owner;  // null once the slab has gone
  Page* prev = nullptr;
  Page* next = nullptr;
  void* free = nullptr;  // cells that were given back, each naming the next
  std::uint32_t used = 0;
  std::uint32_t made = 0;  // cells that were ever taken; those behind them are untouched

  [[nodiscard]] static Page& of(void* cell) {
    return *reinterpret_cast<Page*>(reinterpret_cast<std::uintptr_t>(cell) & ~(kPageBytes - 1));
  }
  [[nodiscard]] std::byte* cell(std::size_t index, std::size_t bytes) {
    return reinterpret_cast<std::byte*>(this + 1) + index * bytes;
  }
  [[nodiscard]] static std::size_t room_for(std::size_t bytes) { return (kPageBytes - sizeof(Page)) / bytes; }
};

void Slab::List::add(Page& page) {
  page.prev = nullptr;
  page.next = first;
  if (first) first->prev = &page;
  first = &page;
}

void Slab::List::remove(Page& page) {
  (page.prev ? page.prev->next : first) = page.next;
  if (page.next) page.next->prev = page.prev;
}

Slab::Slab(std::size_t cell_bytes)
    : cell_bytes_((cell_bytes + alignof(void*) - 1) / alignof(void*) * alignof(void*)) {
  assert(cell_bytes_ <= kPageBytes / 4);
}

Slab::~Slab() {
  if (spare_) ::munmap(spare_, kPageBytes);
  for (Page* const first : {roomy_.first, full_.first}) {
    for (Page* page = first; page; page = page->next) page->owner = nullptr;
  }
}

Slab::Page& Slab::add_page() {
  if (spare_) return *std::exchange(spare_, nullptr);
  void* const memory =
      ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  ++pages_;
  return *new (memory) Page{.owner = this};
}

void* Slab::take() {
  if (!roomy_.first) roomy_.add(add_page());
  Page& page = *roomy_.first;
  void* const cell = page.free ? page.free : page.cell(page.made++, cell_bytes_);
  if (page.free) page.free = *static_cast<void**>(cell);
  if (++page.used == Page::room_for(cell_bytes_)) {
    roomy_.remove(page);
    full_.add(page);
  }
  return cell;
}

void Slab::give_back(void* cell) noexcept {
  if (!cell) return;
  Page& page = Page::of(cell);
  *static_cast<void**>(cell) = std::exchange(page.free, cell);
  --page.used;
  if (page.owner) return page.owner->lose(page);
  if (page.used == 0) ::munmap(&page, kPageBytes);
}

// One of its cells is free again.
void Slab::lose(Page& page) noexcept {
  if (page.used + 1 == Page::room_for(cell_bytes_)) {
    full_.remove(page);
    roomy_.add(page);
  }
  if (page.used > 0) return;
  roomy_.remove(page);
  if (!spare_) {
    spare_ = &page;
  } else {
    ::munmap(&page, kPageBytes);
    --pages_;
  }
}

}  // namespace gantry::net
