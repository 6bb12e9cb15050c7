#include "route/window.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

namespace gantry::route {
namespace {

TEST(WindowCell, counts_successes_and_the_failures_of_each_crowd) {
  WindowCell cell;
  for (int i = 0; i < 300; ++i) cell = cell.with_success(7);
  for (int crowd = 0; crowd < kCrowds; ++crowd)
    for (int i = 0; i <= crowd; ++i) cell = cell.with_failure(7, crowd);
  EXPECT_EQ(cell.half(), 7);
  EXPECT_EQ(cell.successes(), 300u);
  for (int crowd = 0; crowd < kCrowds; ++crowd)
    EXPECT_EQ(cell.failures(crowd), static_cast<std::uint32_t>(crowd) + 1);
}

TEST(WindowCell, begins_anew_with_a_half_window) {
  EXPECT_EQ(WindowCell().with_success(7).with_success(8).successes(), 1u);
  const WindowCell cell = WindowCell().with_success(7).with_failure(8, 2);
  EXPECT_EQ(cell.successes(), 0u);
  EXPECT_EQ(cell.failures(2), 1u);
}

TEST(WindowCell, spreads_failures_without_an_identity_over_the_crowds) {
  WindowCell cell;
  for (int i = 0; i < 10; ++i) cell = cell.with_failure(1, -1);
  for (int crowd = 0; crowd < kCrowds; ++crowd) EXPECT_EQ(cell.failures(crowd), 2u);
}

TEST(WindowCellProperty, a_full_counter_keeps_the_rate) {
  EXPECT_TRUE(rc::check([] {
    const int cycle = *rc::gen::inRange(2, 20);  // one failure in each
    WindowCell cell;
    for (int i = 0; i < 20'000; ++i)
      cell = i % cycle == 0 ? cell.with_failure(3, i % kCrowds) : cell.with_success(3);
    WindowCounts counts;
    counts.add(cell);
    double failures = 0;
    for (const auto count : counts.failures) failures += count;
    const double rate = failures / (failures + counts.successes);
    RC_ASSERT(rate > 0.85 / cycle);
    RC_ASSERT(rate < 1.15 / cycle);
  }));
}

}  // namespace
}  // namespace gantry::route
