#include "engine/headers.hpp"

#include <gmock/gmock.h>

#include <map>

namespace gantry::engine {
namespace {

std::map<std::string, std::string> sent(const config::Attribution& attribution,
                                        const net::HeaderView& client) {
  const Secret authorization("Bearer sk-or-v1-ours");
  const UpstreamHeaders headers(attribution, authorization, &client, "application/json");
  std::map<std::string, std::string> out;
  for (const auto& header : headers.all()) {
    EXPECT_FALSE(out.contains(std::string(header.name))) << header.name << " is sent twice";
    out[std::string(header.name)] = header.value;
  }
  return out;
}

TEST(UpstreamHeaders, let_only_the_allow_list_through) {
  net::HeaderView client;
  client.add("Authorization", "Bearer the-clients");
  client.add("x-api-key", "the-clients");
  client.add("Cookie", "a=b");
  client.add("x-sim-fault", "status=503");
  client.add("X-Forwarded-For", "10.0.0.1");
  client.add("Transfer-Encoding", "chunked");
  client.add("X-Session-Id", "s1");
  client.add("x-anthropic-beta", "interleaved-thinking-2025-05-14");
  client.add("X-OpenRouter-Cache", "true");
  client.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const auto out = sent({}, client);
  EXPECT_EQ(out.at("Authorization"), "Bearer sk-or-v1-ours");
  EXPECT_EQ(out.at("Accept-Encoding"), "identity");
  EXPECT_EQ(out.at("X-Session-Id"), "s1");
  EXPECT_EQ(out.at("X-OpenRouter-Cache"), "true");
  EXPECT_TRUE(out.contains("x-anthropic-beta"));
  EXPECT_TRUE(out.contains("traceparent"));
  for (const char* const name :
       {"x-api-key", "Cookie", "x-sim-fault", "X-Forwarded-For", "Transfer-Encoding"})
    EXPECT_FALSE(out.contains(name)) << name;
}

TEST(UpstreamHeaders, attribution_is_the_clients_unless_the_route_forces_its_own) {
  net::HeaderView client;
  client.add("HTTP-Referer", "https://client.example");
  client.add("X-Title", "Client");
  const config::Attribution own{.referer = "https://own.example",
                                .title = "Own",
                                .categories = {"cli-agent", "general-chat"},
                                .force = false};
  auto out = sent(own, client);
  EXPECT_EQ(out.at("HTTP-Referer"), "https://client.example");
  EXPECT_EQ(out.at("X-OpenRouter-Title"), "Client");
  EXPECT_EQ(out.at("X-OpenRouter-Categories"), "cli-agent,general-chat");
  auto forced = own;
  forced.force = true;
  out = sent(forced, client);
  EXPECT_EQ(out.at("HTTP-Referer"), "https://own.example");
  EXPECT_EQ(out.at("X-OpenRouter-Title"), "Own");
  EXPECT_FALSE(out.contains("X-Title"));
}

TEST(ReplyHeaders, let_only_the_allow_list_out) {
  for (const char* const name :
       {"X-Generation-Id", "x-ratelimit-remaining", "X-OpenRouter-Cache-Status", "cf-ray", "Retry-After"})
    EXPECT_TRUE(passes_to_client(name)) << name;
  for (const char* const name :
       {"Set-Cookie", "Connection", "Server", "Transfer-Encoding", "x-sim-journal", "Authorization"})
    EXPECT_FALSE(passes_to_client(name)) << name;
}

TEST(UpstreamHeaders, keep_the_sessions_of_clients_apart) {
  net::HeaderView client;
  client.add("X-Session-Id", "s1");
  client.add("x-session-id", "s2");
  const Secret none;
  const UpstreamHeaders headers({}, none, &client, "application/json", nullptr, "key_12");
  std::vector<std::string> sessions;
  for (const auto& header : headers.all())
    if (net::same_name(header.name, "x-session-id")) sessions.emplace_back(header.value);
  EXPECT_EQ(sessions, std::vector<std::string>{"key_12:s1"}) << "one, and its own";
}

}  // namespace
}  // namespace gantry::engine
