// What happens when the client goes away: noticed, noted, billed.
#include "sim/sim_fixture.hpp"

namespace gantry::sim::test {
namespace {

using namespace std::chrono_literals;
using Cancel = SimTest;

TEST_F(Cancel, a_stalled_stream_ends_when_the_client_leaves) {
  const auto ex = post(streamed("sim/stall-mid-stream"));
  advance(2s);
  const auto sent = ex->body.size();
  EXPECT_FALSE(simulator->attempts().at(0).ended);
  ex->hang_up();
  advance(10ms);
  const auto attempt = simulator->attempts().at(0);
  EXPECT_TRUE(attempt.cancelled);
  EXPECT_FALSE(attempt.finished);
  EXPECT_EQ(attempt.cancelled_at, Duration{2s});
  EXPECT_EQ(attempt.bytes_sent, sent) << "nothing was sent after the client left";
  EXPECT_EQ(loop.running_tasks(), 0u);
}

TEST_F(Cancel, is_noticed_before_headers_and_before_the_first_token) {
  for (const auto* fault : {"stall-headers", "stall-first", "ttft=1h"}) {
    const auto ex = post(streamed("sim/plain"), fault);
    ex->hang_up();
    advance(10ms);
    EXPECT_TRUE(simulator->attempts().back().cancelled) << fault;
    EXPECT_EQ(loop.running_tasks(), 0u) << fault;
  }
}

TEST_F(Cancel, a_paced_stream_stops_at_the_next_token) {
  const auto ex = post(streamed("sim/plain"), "tps=10;tokens=50");
  advance(450ms);
  ex->hang_up();
  advance(10ms);
  EXPECT_EQ(loop.running_tasks(), 0u);
  EXPECT_LT(ex->body.size(), 3000u);
}

TEST_F(Cancel, a_finished_answer_is_not_cancelled) {
  const auto ex = post(chat("sim/plain"));
  ex->hang_up();
  EXPECT_FALSE(simulator->attempts().at(0).cancelled);
  EXPECT_TRUE(simulator->attempts().at(0).finished);
}

TEST_F(Cancel, a_reply_that_the_simulator_cuts_was_not_cancelled_by_the_client) {
  const auto ex = post(streamed("sim/close-mid-stream"));
  EXPECT_FALSE(simulator->attempts().at(0).cancelled);
  EXPECT_FALSE(simulator->attempts().at(0).finished);
}

std::string usage(FakeExchange& key) {
  return boost::json::serialize(boost::json::parse(key.body).at("data").at("usage"));
}

TEST_F(Cancel, a_cancelled_stream_costs_what_was_sent) {
  const auto ex = post(streamed("sim/plain"), "tps=10;tokens=50");
  for (int i = 0; i < 3; ++i) advance(100ms);  // the first token came at once, so four by now
  ex->hang_up();
  advance(10ms);
  // 3 for the message, 5 for its text (20 bytes), at 1 and 2 USD a million.
  EXPECT_EQ(json(get("/api/v1/key")->body).at("data").at("usage").as_double(), 0.000016);
}

TEST_F(Cancel, a_plain_call_that_is_abandoned_costs_all) {
  const auto ex = post(chat("sim/plain"), "ttft=10s;tokens=50");
  advance(1s);
  ex->hang_up();
  advance(10ms);
  EXPECT_EQ(json(get("/api/v1/key")->body).at("data").at("usage").as_double(), 0.000108);
}

TEST_F(Cancel, some_providers_bill_a_cancelled_stream_in_full) {
  const auto ex = post(streamed("google/gemini-2.0-flash-001"), "tps=10;tokens=50");
  ex->hang_up();
  advance(10ms);
  EXPECT_EQ(usage(*get("/api/v1/key")), boost::json::serialize(boost::json::value(0.0000208)));
}

TEST_F(Cancel, the_record_of_a_cancelled_stream_takes_longest) {
  const auto ex = post(streamed("sim/plain"), "tps=10;tokens=50");
  const auto id = ex->header("x-generation-id");
  ex->hang_up();
  advance(10ms);
  EXPECT_EQ(get("/api/v1/generation?id=" + id)->status, 404);
  advance(4s);
  EXPECT_EQ(get("/api/v1/generation?id=" + id)->status, 404);
  advance(1s);
  const auto found = get("/api/v1/generation?id=" + id);
  ASSERT_EQ(found->status, 200);
  const auto data = json(found->body).at("data");
  EXPECT_TRUE(data.at("cancelled").as_bool());
  EXPECT_EQ(data.at("tokens_completion").as_int64(), 1);
}

}  // namespace
}  // namespace gantry::sim::test
