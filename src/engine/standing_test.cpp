#include "engine/standing.hpp"

#include <gmock/gmock.h>

namespace gantry::engine {
namespace {

using route::Breaker;
using route::OpenReason;

constexpr PicoUsd kLow{10};

TEST(Standing, is_told_by_what_is_left_and_by_why_the_key_is_left_alone) {
  const Breaker closed, out = closed.held(OpenReason::out_of_money), gone = closed.held(OpenReason::bad_key);
  const Breaker rate = closed.opened(OpenReason::rate, MonoTime{std::chrono::seconds{60}});
  struct Row {
    const char* given;
    std::optional<PicoUsd> left;
    Breaker breaker;
    Standing is;
  };
  const Row rows[] = {
      {"no limit", std::nullopt, closed, Standing::fine},
      {"as much as is wanted", PicoUsd{10}, closed, Standing::fine},
      {"less", PicoUsd{9}, closed, Standing::low},
      {"nothing", PicoUsd{0}, closed, Standing::out},
      {"less than nothing", PicoUsd{-1}, closed, Standing::out},
      {"a 402 where the limit leaves something", PicoUsd{50}, out, Standing::out},
      {"a 402 where there is no limit", std::nullopt, out, Standing::out},
      {"a 401", PicoUsd{50}, gone, Standing::refused},
      {"a key that is left alone for another reason", PicoUsd{9}, rate, Standing::low},
  };
  for (const Row& row : rows)
    EXPECT_EQ(name(standing_of(row.left, kLow, row.breaker)), name(row.is)) << row.given;
}

TEST(Standing, that_is_low_is_never_so_where_nothing_is_wanted) {
  EXPECT_EQ(standing_of(PicoUsd{1}, PicoUsd{}), Standing::fine);
  EXPECT_EQ(standing_of(PicoUsd{}, PicoUsd{}), Standing::out);
}

}  // namespace
}  // namespace gantry::engine
