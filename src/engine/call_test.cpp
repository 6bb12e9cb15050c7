// Plain replies: against the bound that all bodies of the process share, and for clients that leave.

#include "engine/call_test_kit.hpp"
#include "engine/reply_buffer.hpp"

namespace gantry::engine {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr std::string_view kQuestion = R"({"messages":[{"role":"user","content":"Hello"}]})";

struct PlainReplyTest : CallTest {
  void ask() { CallTest::ask(std::string(kQuestion)); }
  void say(std::string_view bytes) { CallTest::say(0, bytes); }
};

std::string head(std::size_t length) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(length) +
         "\r\n\r\n";
}
std::string answer(std::size_t content) {
  return R"({"id":"gen-1","model":"acme/alpha","choices":[{"message":{"role":"assistant","content":")" +
         std::string(content, 'x') + R"("},"finish_reason":"stop"}]})";
}

TEST_F(PlainReplyTest, counts_what_has_come_until_the_call_ends) {
  const auto text = answer(300'000);
  ask();
  say(head(text.size()));
  say(std::string_view(text).substr(0, 150'000));
  EXPECT_GE(inflight.held(), 150'000 - ReplyBuffer::kUncounted);
  EXPECT_LE(inflight.held(), 300'000 - ReplyBuffer::kUncounted);
  say(std::string_view(text).substr(150'000));
  run_until([&] { return ended; });
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(taken.body, text);
  EXPECT_EQ(taken.held, text.size() - ReplyBuffer::kUncounted);
  EXPECT_EQ(inflight.held(), 0u);
}

TEST_F(PlainReplyTest, beyond_the_bound_is_a_503_of_this_gateway_and_asks_no_other_model) {
  ask();
  say(head(1'000'000));
  say(answer(900'000));
  run_until([&] { return ended; });
  EXPECT_EQ(taken.status, 503);
  EXPECT_THAT(taken.body, HasSubstr("This gateway holds too many bytes"));
  EXPECT_THAT(taken.body, HasSubstr("max_inflight_bytes"));
  EXPECT_THAT(taken.body, HasSubstr("provider_overloaded"));
  EXPECT_THAT(taken.body, Not(HasSubstr("acme/beta")));
  EXPECT_EQ(peer.requests(), 1u) << "no retry, no fallback";
  EXPECT_EQ(inflight.held(), 0u);
  EXPECT_EQ(observer.evidence().last_failure, WallTime{}) << "upstream is not to blame";
}

TEST_F(PlainReplyTest, a_claimed_length_counts_for_nothing_and_a_cut_gives_back_what_came) {
  ask();
  say(head(60'000'000));
  say(answer(1'000));
  EXPECT_EQ(inflight.held(), 0u);
  say(std::string(100'000, ' '));
  EXPECT_GT(inflight.held(), 0u);
  shard->cut_calls();
  run_until([&] { return ended; });
  EXPECT_EQ(taken.status, 503);
  EXPECT_EQ(inflight.held(), 0u);
}

TEST_F(PlainReplyTest, is_read_to_its_end_for_its_cost_when_the_client_leaves) {
  ask();
  taken.leave();
  settle();
  EXPECT_FALSE(ended);
  const std::string text =
      R"({"id":"gen-1","model":"acme/alpha","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.25}})";
  say(head(text.size()) + text);
  run_until([&] { return ended; });
  EXPECT_EQ(taken.status, 0);
  EXPECT_EQ(peer.requests(), 1u);
  EXPECT_THAT(observer.metrics_text({}, false), HasSubstr("gantry_cost_usd_total 0.25"));
  EXPECT_THAT(observer.metrics_text({}, false),
              HasSubstr(R"(gantry_call_outcomes_total{outcome="cancelled"} 1)"));
}

TEST_F(PlainReplyTest, of_a_client_that_left_asks_no_other_model_when_it_fails) {
  ask();
  taken.leave();
  say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}");
  run_until([&] { return ended; });
  EXPECT_EQ(peer.requests(), 1u);
}

TEST_F(PlainReplyTest, of_a_client_that_left_is_cut_after_five_minutes) {
  ask();
  taken.leave();
  for (int i = 0; i < 29; ++i) {
    advance(10s);
    say(i == 0 ? head(1'000) : " ");  // white space keeps it from being silent
  }
  EXPECT_FALSE(ended);
  advance(11s);
  run_until([&] { return ended; });
  EXPECT_TRUE(peer.line(0).ended);
}

TEST(ReplyBuffer, keeps_every_byte_and_never_holds_more_than_twice_of_them) {
  for (const auto declared : {std::optional<std::size_t>{}, std::optional<std::size_t>{500'000},
                              std::optional<std::size_t>{10}, std::optional<std::size_t>{~0uz}}) {
    net::InflightBytes inflight(10'000'000);
    {
      ReplyBuffer buffer(&inflight);
      std::string all;
      for (int i = 0; i < 500; ++i) {
        const std::string piece(1'000, static_cast<char>('a' + i % 26));
        ASSERT_TRUE(buffer.append(piece, declared));
        all += piece;
        ASSERT_LE(inflight.held() + ReplyBuffer::kUncounted,
                  std::max(2 * all.size(), ReplyBuffer::kUncounted));
      }
      EXPECT_EQ(buffer.view(), all);
      EXPECT_GE(inflight.held() + ReplyBuffer::kUncounted, all.size());
    }
    EXPECT_EQ(inflight.held(), 0u);
  }
}

}  // namespace
}  // namespace gantry::engine
