#pragma once
// Memory for objects of one size that stay while much else comes and goes: connections. In the allocator's
// heap each one that is left after a rush holds a page of its own; here they lie together, and an empty page
// goes back at once. Inside src/net only.

#include <cstddef>

namespace gantry::net {

/// Cells of one size in pages of the system. Used on one thread; a cell may be given back on another once the
/// slab has gone with its thread.
class Slab {
 public:
  static constexpr std::size_t kPageBytes = 4096;

  /// `cell_bytes` is at most a quarter of a page.
  explicit Slab(std::size_t cell_bytes);
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  /// Throws bad_alloc when the system gives no page.
  [[nodiscard]] void* take();
  static void give_back(void* cell) noexcept;
  [[nodiscard]] std::size_t pages() const { return pages_; }

 private:
  struct Page;
  struct List {
    Page* first = nullptr;
    void add(Page& page);
    void remove(Page& page);
  };
  Page& add_page();
  void lose(Page& page) noexcept;

  const std::size_t cell_bytes_;
  std::size_t pages_ = 0;
  List roomy_, full_;
  Page* spare_ =
      nullptr;  // one empty page stays, so that one connection that comes and goes costs no system call
};

#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
/// Under ASan every object is its own allocation, so that a use after the end is seen.
template <class T>
struct Packed {};
#else
/// A base for T: `new T` and `delete` use a slab of the thread.
template <class T>
struct Packed {
  static void* operator new(std::size_t) {
    thread_local Slab slab(sizeof(T));
    return slab.take();
  }
  static void operator delete(void* cell) noexcept { Slab::give_back(cell); }
};
#endif

}  // namespace gantry::net
