#include "net/race.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "net/dead_port.hpp"

namespace gantry::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Attempts go to ports of the loopback: one that answers, one that refuses, one that is silent.
struct RaceTest : testing::Test {
  ManualTime time;
  Loop loop{time};
  Acceptor acceptor = *Acceptor::listen(loop, {.address = "127.0.0.1", .port = 0}, Acceptor::Share::no);
  const DeadPort silent_port;
  std::optional<Result<Socket>> result;
  Canceller canceller;

  Endpoint answers() { return acceptor.local(); }
  Endpoint silent() { return {.address = "127.0.0.1", .port = silent_port.number()}; }
  static Endpoint refuses() { return {.address = "127.0.0.1", .port = 1}; }

  static Task<void> run(RaceTest& self, std::vector<Endpoint> targets, MonoTime deadline) {
    auto connected = co_await connect_first(self.loop, std::move(targets), deadline, &self.canceller);
    self.result.emplace(std::move(connected));
  }
  void start(std::vector<Endpoint> targets, MonoTime deadline = kNever) {
    loop.spawn(run(*this, std::move(targets), deadline));
  }
  void settle() {
    for (int i = 0; i < 50; ++i) loop.poll();
  }
  void advance(Duration by) {
    time.advance(by);
    loop.advance_timers();
    settle();
  }
  void TearDown() override {
    EXPECT_TRUE(result);
    settle();
    EXPECT_EQ(loop.running_tasks(), 0u) << "every attempt ends with the race";
  }
  void expect_winner(const Endpoint& which) {
    ASSERT_TRUE(result);
    ASSERT_TRUE(*result) << result->error().detail;
    EXPECT_EQ((*result)->peer(), which);
  }
  void expect_failure(Fault fault) {
    ASSERT_TRUE(result);
    ASSERT_FALSE(*result);
    EXPECT_EQ(result->error().fault, fault) << result->error().detail;
  }
};

TEST_F(RaceTest, only_address_is_simply_connected_to) {
  start({answers()});
  settle();
  expect_winner(answers());
}

TEST_F(RaceTest, first_address_wins_when_it_answers) {
  start({answers(), silent()});
  settle();
  expect_winner(answers());
}

TEST_F(RaceTest, second_address_is_tried_at_once_when_the_first_refuses) {
  start({refuses(), answers()});
  settle();
  expect_winner(answers());
}

TEST_F(RaceTest, second_address_is_tried_a_quarter_second_after_a_silent_first) {
  start({silent(), answers()});
  settle();
  advance(milliseconds{240});
  EXPECT_FALSE(result);
  advance(milliseconds{20});
  expect_winner(answers());
}

TEST_F(RaceTest, every_silent_address_costs_a_quarter_second) {
  start({silent(), silent(), refuses(), answers()});
  settle();
  advance(milliseconds{260});
  EXPECT_FALSE(result);
  advance(milliseconds{260});
  expect_winner(answers());
}

TEST_F(RaceTest, last_failure_is_told_when_nobody_answers) {
  start({refuses(), refuses()});
  settle();
  expect_failure(Fault::refused);
}

TEST_F(RaceTest, silent_addresses_end_at_the_deadline) {
  start({silent(), silent()}, time.mono() + seconds{5});
  settle();
  advance(milliseconds{4990});
  EXPECT_FALSE(result);
  advance(milliseconds{20});
  expect_failure(Fault::timed_out);
}

TEST_F(RaceTest, race_can_be_cancelled_without_re_entering_who_cancels) {
  start({silent(), silent()});
  settle();
  advance(milliseconds{260});
  canceller.cancel();
  EXPECT_FALSE(result);
  settle();
  expect_failure(Fault::cancelled);
}

}  // namespace
}  // namespace gantry::net
