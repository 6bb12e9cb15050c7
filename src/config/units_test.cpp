#include "config/units.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace gantry::config {
namespace {

using namespace std::chrono_literals;

TEST(Durations, are_a_number_with_a_unit) {
  const std::pair<const char*, Duration> rows[] = {
      {"500ms", 500ms}, {"60s", 60s},  {"10m", 10min},  {"1h", 1h},     {"1.5s", 1500ms},
      {"0s", 0s},       {"60 s", 60s}, {"0.5h", 30min}, {"0.25m", 15s}, {"24h", 24h}};
  for (const auto& [text, expected] : rows) {
    const auto got = parse_duration(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, expected) << text;
  }
}

TEST(Durations, refuse_what_is_ambiguous) {
  for (const auto* text : {"", "60", "s", "-1s", "1.0005s", "1e3s", "60S", "1d", "1 s x", "1..5s", ".5s",
                           "5.s", "99999999999999999999s", "18446744073709551615h", "1us"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Durations, print_with_the_largest_exact_unit) {
  const std::pair<Duration, const char*> rows[] = {
      {0s, "0s"}, {1ms, "1ms"}, {1500ms, "1500ms"}, {60s, "1m"}, {90s, "90s"}, {2h, "2h"}, {90min, "90m"}};
  for (const auto& [duration, expected] : rows) EXPECT_EQ(format_duration(duration), expected);
}

RC_GTEST_PROP(Durations, printing_then_reading_is_identity, ()) {
  const auto milliseconds = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000);
  const Duration duration = std::chrono::milliseconds{milliseconds};
  const auto again = parse_duration(format_duration(duration));
  RC_ASSERT(again);
  RC_ASSERT(*again == duration);
}

TEST(Sizes, are_a_whole_number_with_a_unit) {
  const std::pair<const char*, std::size_t> rows[] = {{"64MiB", 64u << 20}, {"1KiB", 1024},
                                                      {"512B", 512},        {"1GB", 1'000'000'000},
                                                      {"2 MB", 2'000'000},  {"0B", 0}};
  for (const auto& [text, expected] : rows) {
    const auto got = parse_size(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, expected) << text;
  }
  for (const auto* text : {"", "64", "64mib", "1.5MiB", "-1B", "MiB", "17179869184GiB"})
    EXPECT_FALSE(parse_size(text)) << text;
}

RC_GTEST_PROP(Sizes, printing_then_reading_is_identity, (std::size_t bytes)) {
  const auto again = parse_size(format_size(bytes));
  RC_ASSERT(again);
  RC_ASSERT(*again == bytes);
}

TEST(Money, is_dollars_in_two_spellings) {
  const std::pair<const char*, const char*> rows[] = {
      {"$10", "10"}, {"10 USD", "10"}, {"$0.50", "0.5"}, {"10.25 USD", "10.25"}, {"$0", "0"}};
  for (const auto& [text, expected] : rows) {
    const auto got = parse_money(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, expected) << text;
  }
  for (const auto* text : {"", "10", "$", "$-1", "$1e3", "10 EUR", "10USD", " USD", "$1.2.3", "$99999999999"})
    EXPECT_FALSE(parse_money(text)) << text;
}

}  // namespace
}  // namespace gantry::config
