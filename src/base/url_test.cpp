#include "base/url.hpp"

#include <gtest/gtest.h>

namespace gantry {
namespace {

TEST(HostPort, reads_names_and_both_families) {
  const std::pair<const char*, HostPort> rows[] = {{"127.0.0.1:8700", {"127.0.0.1", 8700}},
                                                   {"[::1]:8700", {"::1", 8700}},
                                                   {"[fe80::1%eth0]:80", {"fe80::1%eth0", 80}},
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
      {"", "the host is missing"},
      {":8700", "the host is missing"},
      {"127.0.0.1", "the port is missing"},
      {"[::1]", "the port is missing"},
      {"h:65536", "the port is not a number from 0 to 65535"},
      {"h:", "the port is not a number from 0 to 65535"},
      {"h:80x", "the port is not a number from 0 to 65535"},
      {"h:+80", "the port is not a number from 0 to 65535"},
      {"::1:8700", "the host is missing"},
      {"[::1:8700", "the IPv6 address is not closed by a bracket"},
      {"[::1]8700", "the IPv6 address is not closed by a bracket"},
      {"[]:8700", "the host is missing"},
      {"[localhost]:8700", "what stands in brackets is not an IPv6 address"},
      {"a b:1", "the host holds a character that host names do not have"}};
  for (const auto& [text, expected] : rows) {
    const auto got = parse_host_port(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().detail, expected) << text;
  }
}

TEST(HostPort, knows_an_ipv6_address) {
  for (const auto* good : {"::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1",
                           "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:7::", "ABCD::ef01"})
    EXPECT_TRUE(parse_host_port("[" + std::string(good) + "]:1")) << good;
  for (const auto* wrong : {":", ":::", "1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
                            "12345::", "g::", "::1:", "192.0.2.1", "::192.0.2", "::192.0.2.256",
                            "::192.0.2.01", "192.0.2.1::", "1:2:3:4:5:6:7:192.0.2.1", "1:2:3:4::5:6:7:8"})
    EXPECT_FALSE(parse_host_port("[" + std::string(wrong) + "]:1")) << wrong;
}

TEST(Loopback, is_only_what_never_leaves_the_machine) {
  for (const auto* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const auto* host : {"0.0.0.0", "::", "127.example.com", "127.0.0.1.example.com", "10.0.0.1",
                           "example.com", "", "128.0.0.1", "127.", "127.0.0.256", "localhost.example.com"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Urls, are_http_with_a_host_and_perhaps_more) {
  const auto plain = parse_url("http://127.0.0.1:9/api/v1");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->https);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 9);
  EXPECT_EQ(plain->path, "/api/v1");
  EXPECT_FALSE(plain->user_info);
  const auto v6 = parse_url("HTTPS://user:w@rd@[2001:DB8::1]:/");
  ASSERT_TRUE(v6);
  EXPECT_TRUE(v6->https);
  EXPECT_EQ(v6->host, "2001:db8::1");
  EXPECT_EQ(v6->port, 443);
  EXPECT_EQ(v6->path, "");
  EXPECT_EQ(v6->user_info, "user:w@rd");
}

TEST(Urls, say_what_is_wrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "it begins with neither https:// nor http://"},
      {"openrouter.ai", "it begins with neither https:// nor http://"},
      {"ftp://x", "it begins with neither https:// nor http://"},
      {"https://", "the host is missing"},
      {"https:///p", "the host is missing"},
      {"https://:443", "the host is missing"},
      {"https://key@", "the host is missing"},
      {"https://x?q", "it has a query or a fragment, which has no place there"},
      {"https://x#f", "it has a query or a fragment, which has no place there"},
      {"https://a b", "the host holds a character that host names do not have"},
      {"https://[fe80::1%eth0]", "what stands in brackets is not an IPv6 address"},
      {"https://x:port", "the port is not a number from 1 to 65535"},
      {"https://x:0", "the port is not a number from 1 to 65535"},
      {"https://x/a b", "the path holds a character that must be percent-encoded"},
      {"https://x/{a}", "the path holds a character that must be percent-encoded"}};
  for (const auto& [text, expected] : rows) {
    const auto got = parse_url(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().detail, expected) << text;
  }
}

}  // namespace
}  // namespace gantry
