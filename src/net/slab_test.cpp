#include "net/slab.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace gantry::net {
namespace {

constexpr std::size_t kCell = 330;    // not a multiple of anything
constexpr std::size_t kInAPage = 12;  // of them, beside the page's own notes

std::uintptr_t page_of(void* cell) { return reinterpret_cast<std::uintptr_t>(cell) / Slab::kPageBytes; }

TEST(Slab, cells_never_overlap_whatever_the_order_of_coming_and_going) {
  constexpr unsigned kSeed = 20261124;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  Slab slab(kCell);
  struct Held {
    void* cell;
    unsigned char mark;
  };
  std::vector<Held> held;
  const auto whole = [](const Held& each) {
    const auto* bytes = static_cast<const unsigned char*>(each.cell);
    return std::all_of(bytes, bytes + kCell, [&](unsigned char byte) { return byte == each.mark; });
  };
  for (int i = 0; i < 20'000; ++i) {
    const bool grow = (i / 2'000) % 2 == 0;
    if (held.empty() || random() % 10 < (grow ? 6u : 4u)) {
      held.push_back({slab.take(), static_cast<unsigned char>(random())});
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(held.back().cell) % alignof(void*), 0u);
      std::memset(held.back().cell, held.back().mark, kCell);
    } else {
      std::swap(held[random() % held.size()], held.back());
      ASSERT_TRUE(whole(held.back())) << i;
      Slab::give_back(held.back().cell);
      held.pop_back();
    }
  }
  for (const Held& each : held) {
    EXPECT_TRUE(whole(each));
    Slab::give_back(each.cell);
  }
  EXPECT_EQ(slab.pages(), 1u) << "one page stays for the next";
}

TEST(Slab, a_page_is_filled_before_another_is_taken_and_goes_when_it_is_empty) {
  Slab slab(kCell);
  std::vector<void*> cells;
  std::set<std::uintptr_t> pages;
  for (std::size_t i = 0; i < 3 * kInAPage; ++i) {
    cells.push_back(slab.take());
    pages.insert(page_of(cells.back()));
  }
  EXPECT_EQ(pages.size(), 3u);
  EXPECT_EQ(slab.pages(), 3u);
  void* const hole = cells[kInAPage / 2];
  Slab::give_back(hole);
  EXPECT_EQ(slab.take(), hole);
  for (std::size_t i = 0; i < 2 * kInAPage; ++i) Slab::give_back(cells[i]);
  EXPECT_EQ(slab.pages(), 2u) << "the full one, and one for the next";
  for (std::size_t i = 2 * kInAPage; i < cells.size(); ++i) Slab::give_back(cells[i]);
}

TEST(Slab, cells_outlive_the_thread_that_took_them) {
  std::vector<void*> cells;
  std::thread([&cells] {
    Slab slab(kCell);
    for (std::size_t i = 0; i < kInAPage + 3; ++i) cells.push_back(slab.take());
    Slab::give_back(cells.back());
    cells.pop_back();
  }).join();
  for (void* const cell : cells) std::memset(cell, 1, kCell);
  for (void* const cell : cells) Slab::give_back(cell);
}

}  // namespace
}  // namespace gantry::net
