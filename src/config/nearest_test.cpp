#include "config/nearest.hpp"

#include <gtest/gtest.h>

namespace gantry::config {
namespace {

TEST(Nearest, suggests_only_what_is_close) {
  const std::string_view known[] = {"retries", "patience", "primary", "timeouts"};
  EXPECT_EQ(nearest("retrys", known), "retries");
  EXPECT_EQ(nearest("timeout", known), "timeouts");
  EXPECT_EQ(nearest("primray", known), "primary");
  EXPECT_EQ(nearest("colour", known), "");
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

}  // namespace
}  // namespace gantry::config
