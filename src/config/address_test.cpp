#include "config/address.hpp"

#include <gtest/gtest.h>

#include "config/nearest.hpp"

namespace gantry::config {
namespace {

TEST(HostPort, reads_names_and_both_families) {
  const std::pair<const char*, HostPort> rows[] = {{"127.0.0.1:8700", {"127.0.0.1", 8700}},
                                                   {"[::1]:8700", {"::1", 8700}},
                                                   {"localhost:0", {"localhost", 0}},
                                                   {"0.0.0.0:65535", {"0.0.0.0", 65535}}};
  for (const auto& [text, expected] : rows) {
    const auto got = parse_host_port(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, expected) << text;
    EXPECT_EQ(to_string(*got), text);
  }
}

TEST(HostPort, says_what_is_wrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "it names no host"},
      {":8700", "it names no host"},
      {"127.0.0.1", "it names no port"},
      {"h:65536", "its port is not a number from 0 to 65535"},
      {"h:", "its port is not a number from 0 to 65535"},
      {"h:80x", "its port is not a number from 0 to 65535"},
      {"::1:8700", "it names no host"},
      {"[::1:8700", "the bracket of its IPv6 address is not closed"},
      {"a b:1", "its host holds a character that hosts cannot have"}};
  for (const auto& [text, expected] : rows) {
    const auto got = parse_host_port(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().detail, expected) << text;
  }
}

TEST(Loopback, is_only_what_never_leaves_the_machine) {
  for (const auto* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const auto* host : {"0.0.0.0", "::", "127.example.com", "127.0.0.1.example.com", "10.0.0.1",
                           "example.com", "", "128.0.0.1", "127."})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Urls, are_http_with_a_host_and_perhaps_a_path) {
  const auto plain = parse_url("http://127.0.0.1:9/api/v1");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->https);
  EXPECT_EQ(plain->host, "127.0.0.1");
  const auto v6 = parse_url("https://user:word@[::1]/");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_TRUE(v6->user_info);
  for (const auto* text : {"", "openrouter.ai", "ftp://x", "https://", "https:///p", "https://x?q",
                           "https://x#f", "https://a b", "https://x:port"})
    EXPECT_FALSE(parse_url(text)) << text;
}

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
