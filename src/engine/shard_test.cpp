// What a shard does when a rush of calls is over.

#include "engine/shard.hpp"

#include "net/client_test_kit.hpp"

namespace gantry::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kQuestion = R"({"messages":[{"role":"user","content":"Hello"}]})";

class Ignored final : public Delivery {
 public:
  Task<Result<void>> whole(int, std::span<const net::Header>, std::string_view) override {
    co_return Result<void>{};
  }
  Task<Result<void>> open_stream(std::span<const net::Header>, Flush) override { co_return Result<void>{}; }
  Task<Result<void>> piece(std::string_view) override { co_return Result<void>{}; }
  Task<Result<void>> close_stream() override { co_return Result<void>{}; }
  [[nodiscard]] bool gone() const override { return false; }
  void on_gone(void (*)(void*), void*) override {}
  [[nodiscard]] std::size_t bytes_sent() const override { return 0; }
};

struct ShardRestTest : net::ClientTest {
  observe::Observer observer{time, 1};
  Failover failover{1, time.mono()};
  std::optional<Shard> shard;

  void SetUp() override {
    auto config = std::make_shared<config::Config>();
    config->upstream.base_url = "http://127.0.0.1:" + std::to_string(peer.port()) + "/api/v1";
    config->upstream.keys = {{.secret = Secret("sk-or-v1-0000000000000000")}};
    config::Route& route = config->routes["default"];
    route.name = "default";
    route.models = {"acme/alpha"};
    shard.emplace(loop, 0, Collaborators{observer, resolver, failover, nullptr, nullptr}, config, 1);
  }
  static Task<void> run(Shard& shard) {
    Ignored delivery;
    co_await shard.call({.body = kQuestion}, delivery);
  }
  /// So many calls that wait for their answers at the same time, each on the connection of its number.
  void ask(std::size_t calls) {
    const std::size_t before = peer.requests();
    for (std::size_t i = 0; i < calls; ++i) loop.spawn(run(*shard));
    run_until([&] { return peer.requests() == before + calls; });
  }
  void answer(std::size_t from, std::size_t to) {
    static constexpr std::string_view kAnswer =
        R"({"id":"gen-1","choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]})";
    const std::size_t left = shard->active_calls() - (to - from);
    for (std::size_t line = from; line < to; ++line)
      peer.say(line, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                         std::to_string(kAnswer.size()) + "\r\n\r\n" + std::string(kAnswer));
    run_until([&] { return shard->active_calls() == left; });
  }
  [[nodiscard]] std::size_t spare() { return shard->upstream_stats().spare; }

  void TearDown() override {
    shard->cut_calls();  // what a failed test left
    run_until([this] { return shard->active_calls() == 0; });
    shard.reset();
    ClientTest::TearDown();
  }
};

TEST_F(ShardRestTest, gives_memory_back_after_one_quiet_second_and_keeps_the_connections) {
  ask(20);
  answer(0, 20);
  EXPECT_EQ(spare(), 20u);
  advance(milliseconds{900});
  EXPECT_EQ(spare(), 20u) << "the second in which the calls ended was not quiet";
  advance(milliseconds{1100});
  EXPECT_EQ(spare(), 20u);
  advance(milliseconds{1100});
  EXPECT_EQ(spare(), 0u);
  EXPECT_EQ(shard->upstream_stats().idle, 20u);
}

TEST_F(ShardRestTest, gives_nothing_back_while_more_than_a_quarter_of_the_rush_goes_on) {
  ask(20);
  answer(6, 20);
  for (int second = 0; second < 10; ++second) advance(seconds{1});
  EXPECT_EQ(spare(), 14u);
  answer(5, 6);
  for (int second = 0; second < 3; ++second) advance(seconds{1});
  EXPECT_EQ(spare(), 0u);
}

TEST_F(ShardRestTest, looks_again_after_the_next_rush) {
  for (int rush = 0; rush < 3; ++rush) {
    ask(20);
    answer(0, 20);
    EXPECT_EQ(spare(), 20u);
    for (int second = 0; second < 3; ++second) advance(seconds{1});
    EXPECT_EQ(spare(), 0u);
  }
}

TEST_F(ShardRestTest, a_few_calls_leave_what_the_next_ones_use) {
  ask(15);
  answer(0, 15);
  for (int second = 0; second < 10; ++second) advance(seconds{1});
  EXPECT_EQ(spare(), 15u);
}

}  // namespace
}  // namespace gantry::engine
