// A streamed call on one shard against a scripted upstream: how long it holds its request.

#include "engine/call_test_kit.hpp"

namespace gantry::engine {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::string_view kQuestion = R"({"stream":true,"messages":[{"role":"user","content":"Hello"}]})";
constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

std::string event(std::string_view delta) {
  return R"(data: {"id":"gen-1","model":"acme/beta","choices":[{"index":0,"delta":{)" + std::string(delta) +
         "}}]}\n\n";
}
const std::string kRole = event(R"("role":"assistant","content":"")");
const std::string kComment = ": GANTRY WAITING\n\n";
const std::string kToken = event(R"("content":"Hi")");

struct StreamCallTest : CallTest {
  void ask() { CallTest::ask(std::string(kQuestion)); }
};

TEST_F(StreamCallTest, the_request_is_held_until_the_first_token_and_not_longer) {
  ask();
  say(0, kHead);
  say(0, kRole);
  EXPECT_EQ(taken.done_with_request, 0);
  peer.close(0);
  run_until([&] { return peer.requests() == 2; });
  EXPECT_THAT(peer.line(1).received, HasSubstr(R"("model":"acme/beta")"));
  EXPECT_THAT(peer.line(1).received, EndsWith(R"("messages":[{"role":"user","content":"Hello"}]})"));
  EXPECT_THAT(peer.line(1).received, HasSubstr("x-session-id: session-7\r\n"));
  say(1, kHead);
  say(1, kRole);
  EXPECT_EQ(taken.done_with_request, 0);
  say(1, kToken);
  EXPECT_EQ(taken.done_with_request, 1);
  EXPECT_EQ(taken.body, kRole + kToken);
  say(1, kToken);
  say(1, "data: [DONE]\n\n");
  peer.close(1);
  run_until([&] { return ended; });
  EXPECT_EQ(taken.done_with_request, 1);
  EXPECT_TRUE(taken.closed);
}

TEST_F(StreamCallTest, its_client_is_kept_alive_while_upstream_sends_no_head_and_through_a_failover) {
  ask();
  advance(9s);
  EXPECT_EQ(taken.body, "");
  EXPECT_FALSE(taken.open) << "headers are held back: a failure can still have its own status";
  advance(1s + 20ms);
  EXPECT_TRUE(taken.open);
  EXPECT_EQ(taken.body, kComment);
  advance(10s + 20ms);
  EXPECT_EQ(taken.body, kComment + kComment);
  peer.close(0);
  run_until([&] { return peer.requests() == 2; });
  say(1, kHead);
  say(1, kRole);
  advance(10s + 20ms);
  EXPECT_EQ(taken.body, kComment + kComment + kComment) << "no token yet";
  say(1, kToken);
  EXPECT_EQ(taken.body, kComment + kComment + kComment + kRole + kToken);
  advance(5s);
  say(1, kToken);
  advance(6s);
  EXPECT_THAT(taken.body, EndsWith(kToken + kToken)) << "tokens are signs of life themselves";
  advance(5s);
  EXPECT_THAT(taken.body, EndsWith(kToken + kToken + kComment));
  say(1, "data: [DONE]\n\n");
  peer.close(1);
  run_until([&] { return ended; });
  EXPECT_TRUE(taken.closed);
}

TEST_F(StreamCallTest, whoever_was_given_a_200_while_waiting_is_told_of_a_failure_in_band) {
  ask();
  advance(11s);
  EXPECT_TRUE(taken.open);
  for (std::size_t line = 0; !ended; ++line) {
    peer.close(line);
    for (int i = 0; i < 200 && !ended && peer.requests() == line + 1; ++i) advance(100ms);
  }
  EXPECT_THAT(taken.body, HasSubstr(R"("error":{"code":502)"));
  EXPECT_TRUE(taken.closed);
}

TEST_F(StreamCallTest,
       with_assured_delivery_a_stream_that_breaks_after_its_first_token_is_asked_of_the_next_model) {
  config->routes["default"].delivery = config::DeliveryMode::assured;
  ask();
  say(0, kHead);
  say(0, kRole + kToken);
  EXPECT_EQ(taken.body, "");
  peer.close(0, net::Socket::Close::reset);
  for (int i = 0; i < 200 && peer.requests() == 1; ++i) advance(100ms);
  run_until([&] { return peer.requests() == 2; });
  say(1, kHead);
  say(1, kToken);
  advance(10s + 20ms);
  EXPECT_EQ(taken.body, kComment);
  say(1, kToken + "data: [DONE]\n\n");
  peer.close(1);
  run_until([&] { return ended; });
  EXPECT_EQ(taken.body, kComment + kToken + kToken + "data: [DONE]\n\n");
  EXPECT_TRUE(taken.closed);
}

TEST_F(StreamCallTest, a_stream_that_breaks_after_its_first_token_ends_without_its_request) {
  ask();
  say(0, kHead);
  say(0, kToken);
  EXPECT_EQ(taken.done_with_request, 1);
  peer.close(0, net::Socket::Close::reset);
  run_until([&] { return ended; });
  EXPECT_THAT(taken.body, HasSubstr("The stream broke off after it had begun."));
  EXPECT_THAT(taken.body, HasSubstr(R"("finish_reason":"error")"));
  EXPECT_EQ(peer.requests(), 1u);
}

}  // namespace
}  // namespace gantry::engine
