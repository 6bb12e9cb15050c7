#include "gateway/guard.hpp"

#include <gtest/gtest.h>

#include "gateway/paths.hpp"

namespace gantry::gateway {
namespace {

TEST(Guard, lets_programs_in_and_keeps_pages_out) {
  const struct {
    const char* name;
    const char* method;
    const char* host;
    const char* origin;
    const char* type;
    bool open;
    int expected;                // 0 = let in
    const char* authority = "";  // of an absolute target
  } rows[] = {
      {"a program on this machine", "POST", "127.0.0.1:8700", nullptr, "application/json", false, 0},
      {"by the name localhost", "POST", "localhost:8700", nullptr, "application/json; charset=utf-8", false,
       0},
      {"over IPv6", "POST", "[::1]:8700", nullptr, "application/json", false, 0},
      {"the dashboard's own page", "GET", "localhost:8700", "http://localhost:8700", nullptr, false, 0},
      {"a page of another origin", "POST", "localhost:8700", "https://evil.example", "application/json",
       false, 403},
      {"a page of another local port", "POST", "localhost:8700", "http://localhost:3000", "application/json",
       false, 403},
      {"a sandboxed page", "POST", "localhost:8700", "null", "application/json", false, 403},
      {"a name rebound to this machine", "POST", "evil.example:8700", nullptr, "application/json", false,
       403},
      {"a name that only looks local", "GET", "127.0.0.1.evil.example", nullptr, nullptr, false, 403},
      {"a name that begins like localhost", "GET", "localhost.evil.example", nullptr, nullptr, false, 403},
      {"another address, on a network gateway", "POST", "gantry.internal:8700", nullptr, "application/json",
       true, 0},
      {"a page, on a network gateway", "POST", "gantry.internal", "https://evil.example", "application/json",
       true, 403},
      {"an absolute target that names this machine", "GET", "evil.example", nullptr, nullptr, false, 0,
       "127.0.0.1:8700"},
      {"an absolute target that names another", "GET", "127.0.0.1:8700", nullptr, nullptr, false, 403,
       "evil.example"},
      {"a page whose origin is Host, not the target", "GET", "localhost:1", "http://localhost:1", nullptr,
       false, 403, "localhost:8700"},
      {"a page whose origin is the target", "GET", "localhost:1", "http://localhost:8700", nullptr, false, 0,
       "localhost:8700"},
      {"a form", "POST", "localhost", nullptr, "text/plain", false, 415},
      {"a POST without a type", "POST", "localhost", nullptr, nullptr, false, 415},
      {"a GET needs no type", "GET", "localhost", nullptr, nullptr, false, 0},
  };
  for (const auto& row : rows) {
    net::RequestHead head;
    head.method = row.method;
    head.headers.add("Host", row.host);
    head.authority = row.authority;
    if (row.origin) head.headers.add("Origin", row.origin);
    if (row.type) head.headers.add("Content-Type", row.type);
    const auto refused = guard(head, row.open);
    EXPECT_EQ(refused ? refused->status : 0, row.expected) << row.name;
    if (refused) EXPECT_FALSE(refused->remedy.empty()) << row.name;
  }
}

TEST(Guard, refuses_compressed_bodies) {
  net::RequestHead head;
  head.method = "POST";
  head.headers.add("Host", "localhost");
  head.headers.add("Content-Type", "application/json");
  head.headers.add("Content-Encoding", "gzip");
  ASSERT_TRUE(guard(head, false));
  EXPECT_EQ(guard(head, false)->status, 415);
}

TEST(Paths, name_their_endpoints) {
  const struct {
    const char* method;
    const char* path;
    Endpoint endpoint;
    bool fits;
    const char* upstream;
  } rows[] = {
      {"POST", "/api/v1/chat/completions", Endpoint::chat, true, "/chat/completions"},
      {"POST", "/v1/chat/completions", Endpoint::chat, true, "/chat/completions"},
      {"GET", "/v1/chat/completions", Endpoint::chat, false, "/chat/completions"},
      {"POST", "/api/v1/completions", Endpoint::completions, true, "/completions"},
      {"GET", "/api/v1/models", Endpoint::catalogue, true, "/models"},
      {"HEAD", "/api/v1/models", Endpoint::catalogue, true, "/models"},
      {"GET", "/api/v1/models/openai/gpt-4.1/endpoints", Endpoint::catalogue, true,
       "/models/openai/gpt-4.1/endpoints"},
      {"GET", "/api/v1/model/openai/gpt-4.1", Endpoint::catalogue, true, "/model/openai/gpt-4.1"},
      {"GET", "/api/v1/models/openai/gpt-4.1", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/models//x/endpoints", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/models/a/b/c/endpoints", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/models/endpoints", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/model/openai/gpt-oss-20b%3afree", Endpoint::catalogue, true,
       "/model/openai/gpt-oss-20b%3afree"},
      {"GET", "/api/v1/model/~anthropic/claude-latest", Endpoint::catalogue, true,
       "/model/~anthropic/claude-latest"},
      {"GET", "/api/v1/model/../credits", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/model/a/..", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/model/%2E%2e/credits", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/model/a/..%2f..%2fcredits", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/model/a/b%3fx=", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/model/a/b%", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/model/a/b%4", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/model/a/b\\c", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/models/../key/endpoints", Endpoint::unknown, true, ""},
      {"GET", "/api/v1/auth/key", Endpoint::upstream, true, "/key"},
      {"GET", "/v1/credits", Endpoint::credits, true, "/credits"},
      {"POST", "/api/v1/credits", Endpoint::credits, false, "/credits"},
      {"GET", "/v1/generation", Endpoint::upstream, true, "/generation"},
      {"GET", "/health/openrouter", Endpoint::health_openrouter, true, ""},
      {"GET", "/metrics", Endpoint::metrics, true, ""},
      {"GET", "/api/v1", Endpoint::unknown, true, ""},
      {"GET", "/", Endpoint::unknown, true, ""},
  };
  for (const auto& row : rows) {
    const auto match = match_path(row.method, row.path);
    EXPECT_EQ(match.endpoint, row.endpoint) << row.path;
    EXPECT_EQ(match.method_fits, row.fits) << row.method << " " << row.path;
    if (match.endpoint != Endpoint::unknown) EXPECT_EQ(match.upstream_path, row.upstream) << row.path;
  }
}

}  // namespace
}  // namespace gantry::gateway
