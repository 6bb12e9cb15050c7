#include <gmock/gmock.h>

#include "net/proxy.hpp"

namespace gantry::net {
namespace {

using testing::HasSubstr;

struct UrlCase {
  std::string_view text, host;
  bool https;
  unsigned short port;
  std::string_view path, host_header;
};
TEST(BaseUrl, is_origin_and_path_prefix) {
  const std::vector<UrlCase> cases = {
      {"https://openrouter.ai/api/v1", "openrouter.ai", true, 443, "/api/v1", "openrouter.ai"},
      {"https://openrouter.ai/api/v1//", "openrouter.ai", true, 443, "/api/v1", "openrouter.ai"},
      {"HTTPS://OpenRouter.AI", "openrouter.ai", true, 443, "", "openrouter.ai"},
      {"http://127.0.0.1:8900/api/v1", "127.0.0.1", false, 8900, "/api/v1", "127.0.0.1:8900"},
      {"http://localhost:80/", "localhost", false, 80, "", "localhost"},
      {"https://localhost:80", "localhost", true, 80, "", "localhost:80"},
      {"http://[::1]:8900/v1", "::1", false, 8900, "/v1", "[::1]:8900"},
      {"https://[2001:DB8::1]", "2001:db8::1", true, 443, "", "[2001:db8::1]"},
      {"https://a_b.example/x%20y", "a_b.example", true, 443, "/x%20y", "a_b.example"},
  };
  for (const auto& row : cases) {
    const auto url = parse_base_url(row.text);
    ASSERT_TRUE(url) << row.text << ": " << url.error().detail;
    EXPECT_EQ(url->origin, (Origin{row.https, std::string(row.host), row.port})) << row.text;
    EXPECT_EQ(url->path, row.path) << row.text;
    EXPECT_EQ(url->origin.host_header(), row.host_header) << row.text;
  }
}

TEST(BaseUrl, what_is_wrong_is_said) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"openrouter.ai/api/v1", "neither https://"},
      {"ftp://openrouter.ai", "neither https://"},
      {"", "neither https://"},
      {"https://", "host is missing"},
      {"https:///api", "host is missing"},
      {"https://:443", "host is missing"},
      {"https://key@openrouter.ai", "user name"},
      {"https://openrouter.ai/?a=b", "query"},
      {"https://openrouter.ai/#x", "query"},
      {"https://openrouter.ai:0", "port"},
      {"https://openrouter.ai:65536", "port"},
      {"https://openrouter.ai:12x", "port"},
      {"https://openrouter.ai:-1", "port"},
      {"https://[::1", "bracket"},
      {"https://[::1]x", "bracket"},
      {"https://[1.2.3.4]", "not an IPv6 address"},
      {"https://open router.ai", "host names"},
      {"https://openrouter.ai\r\nX: y", "host names"},
      {"https://openrouter.ai/a b", "percent-encoded"},
      {"https://openrouter.ai/a\r\nb", "percent-encoded"},
      {"https://openrouter.ai/\xc3\xa4", "percent-encoded"},
  };
  for (const auto& [text, part] : cases) {
    const auto url = parse_base_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().fault, Fault::bad_input) << text;
    EXPECT_THAT(url.error().detail, HasSubstr(part)) << text;
  }
}

TEST(ProxyUrl, has_a_host_a_port_and_perhaps_credentials) {
  struct Case {
    std::string_view text, host;
    unsigned short port;
    std::string_view authorization;
  };
  const std::vector<Case> cases = {
      {"http://proxy:3128", "proxy", 3128, ""},
      {"proxy:3128", "proxy", 3128, ""},
      {"http://proxy/", "proxy", 80, ""},
      {"http://Aladdin:open%20sesame@proxy:1", "proxy", 1, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
      {"http://a:b@proxy:1", "proxy", 1, "Basic YTpi"},
      {"http://a:bc@proxy:1", "proxy", 1, "Basic YTpiYw=="},
  };
  for (const auto& row : cases) {
    const auto proxy = parse_proxy(row.text);
    ASSERT_TRUE(proxy) << row.text << ": " << proxy.error().detail;
    EXPECT_EQ(proxy->origin, (Origin{false, std::string(row.host), row.port})) << row.text;
    EXPECT_EQ(proxy->authorization, row.authorization) << row.text;
  }
  for (const std::string_view bad :
       {"https://proxy:3128", "http://proxy/path", "socks5://proxy:1", "http://", ""})
    EXPECT_FALSE(parse_proxy(bad)) << bad;
}

TEST(NoProxy, names_what_is_reached_directly) {
  struct Case {
    std::string_view list, host;
    unsigned short port;
    bool direct;
  };
  const std::vector<Case> cases = {
      {"", "openrouter.ai", 443, false},
      {"", "localhost", 443, true},
      {"", "x.localhost", 443, true},
      {"", "127.0.0.1", 80, true},
      {"", "127.9.9.9", 80, true},
      {"", "::1", 80, true},
      {"", "127.example.com", 80, false},
      {"*", "openrouter.ai", 443, true},
      {"openrouter.ai", "openrouter.ai", 443, true},
      {"OpenRouter.AI", "openrouter.ai", 443, true},
      {"openrouter.ai", "api.openrouter.ai", 443, true},
      {".openrouter.ai", "api.openrouter.ai", 443, true},
      {".openrouter.ai", "openrouter.ai", 443, true},
      {"*.openrouter.ai", "api.openrouter.ai", 443, true},
      {"openrouter.ai", "notopenrouter.ai", 443, false},
      {"router.ai", "openrouter.ai", 443, false},
      {"openrouter.ai:443", "openrouter.ai", 443, true},
      {"openrouter.ai:8443", "openrouter.ai", 443, false},
      {"a.example , openrouter.ai ,b.example", "openrouter.ai", 443, true},
      {"a.example,,", "openrouter.ai", 443, false},
      {"10.0.0.5", "10.0.0.5", 80, true},
      {"10.0.0.5", "10.0.0.50", 80, false},
      {"2001:db8::1", "2001:db8::1", 80, true},
      {"[2001:db8::1]:80", "2001:db8::1", 80, true},
      {"[2001:db8::1]:81", "2001:db8::1", 80, false},
  };
  for (const auto& row : cases) {
    const Origin origin{.https = false, .host = std::string(row.host), .port = row.port};
    EXPECT_EQ(bypasses_proxy(row.list, origin), row.direct)
        << "'" << row.list << "' for " << row.host << ":" << row.port;
  }
}

}  // namespace
}  // namespace gantry::net
