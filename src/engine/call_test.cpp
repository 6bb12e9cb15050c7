// Plain replies against the bound that all bodies of the process share: one shard, a scripted upstream.

#include "engine/call.hpp"
#include "engine/reply_buffer.hpp"
#include "net/client_test_kit.hpp"
#include "net/http_server.hpp"

namespace gantry::engine {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kQuestion = R"({"messages":[{"role":"user","content":"Hello"}]})";

/// What a client would have been given.
class Taken final : public Delivery {
 public:
  int status = 0;
  std::string body;
  std::size_t held = 0;  ///< of the bound, while the answer was being delivered
  net::InflightBytes* inflight = nullptr;

  Task<Result<void>> whole(int with, std::span<const net::Header>, std::string_view text) override {
    status = with, body = text, held = inflight->held();
    co_return Result<void>{};
  }
  Task<Result<void>> open_stream(std::span<const net::Header>, Flush) override { co_return Result<void>{}; }
  Task<Result<void>> piece(std::string_view) override { co_return Result<void>{}; }
  Task<Result<void>> close_stream() override { co_return Result<void>{}; }
  [[nodiscard]] bool gone() const override { return false; }
  void on_gone(void (*)(void*), void*) override {}
  [[nodiscard]] std::size_t bytes_sent() const override { return body.size(); }
};

struct PlainReplyTest : net::ClientTest {
  net::InflightBytes inflight{400'000};
  observe::Observer observer{time, 1};
  std::optional<Shard> shard;
  Taken taken;
  bool ended = false;

  void ask() {
    auto config = std::make_shared<config::Config>();
    config->upstream.base_url = "http://127.0.0.1:" + std::to_string(peer.port()) + "/api/v1";
    config->upstream.key = Secret("sk-or-v1-0000000000000000");
    config::Route& route = config->routes["default"];
    route.name = "default";
    route.models = {"acme/alpha", "acme/beta"};
    shard.emplace(loop, 0, Collaborators{observer, resolver, nullptr, &inflight}, config, 1);
    taken.inflight = &inflight;
    loop.spawn(run(*shard, taken, ended));
    run_until([&] { return peer.requests() == 1; });
  }
  static Task<void> run(Shard& shard, Taken& taken, bool& ended) {
    co_await shard.call({.body = kQuestion}, taken);
    ended = true;
  }
  void say(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), 16'384uz))) {
      if (peer.line(0).ended) return;
      peer.say(0, bytes.substr(0, 16'384));
      settle();
    }
  }
  void TearDown() override {
    shard->cut_calls();  // what a failed test left
    run_until([this] { return ended; });
    shard.reset();
    ClientTest::TearDown();
  }
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
