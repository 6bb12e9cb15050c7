#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "observe/log.hpp"
#include "observe/observer.hpp"

namespace gantry::observe {
namespace {

using route::Outcome;
using testing::HasSubstr;

TEST(ObserverThreads, nothing_is_lost_while_shards_count_and_somebody_scrapes) {
  constexpr std::size_t kShards = 4, kCalls = 2000;
  const SystemTime time;
  Observer observer(time, kShards);
  std::atomic<std::size_t> running{kShards};
  const auto work = [&](std::size_t shard) {
    for (std::size_t i = 0; i < kCalls; ++i) {
      observer.call_started(shard);
      observer.attempt_ended(
          shard, {"author/model-" + std::to_string((i + shard) % 300), Outcome::delivered, 200, {}});
      CallRecord call;
      call.dialect = "chat";
      call.model_served = i % 2 == 0 ? "a/even" : "a/odd-and-longer-than-small-strings";
      call.cost = PicoUsd{3};
      observer.call_ended(shard, call);
      observer.refused(shard, 429);
    }
    --running;
  };
  {
    std::vector<std::jthread> shards;
    for (std::size_t s = 0; s < kShards; ++s) shards.emplace_back(work, s);
    std::uint64_t seen = 0;
    while (running > 0) {
      const std::uint64_t now = observer.calls();
      EXPECT_GE(now, seen) << "a counter never goes back";
      seen = now;
      EXPECT_THAT(observer.metrics_text({}, false), HasSubstr("gantry_calls_total"));
      EXPECT_THAT(observer.evidence().success_model,
                  testing::AnyOf("", "a/even", "a/odd-and-longer-than-small-strings"));
    }
  }
  EXPECT_EQ(observer.calls(), kShards * kCalls);
  const std::string page = observer.metrics_text({}, false);
  EXPECT_THAT(page, HasSubstr(R"(gantry_calls_total{dialect="chat",status="2xx",stream="false"} 8000)"));
  EXPECT_THAT(page, HasSubstr(R"(gantry_refused_total{status="429"} 8000)"));
  EXPECT_THAT(page, HasSubstr("gantry_attempt_duration_seconds_count 8000"));
  EXPECT_THAT(page, HasSubstr("gantry_cost_usd_total 2.4e-08"));
}

std::string line_of(const CallRecord& call) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const ManualTime time;
  start_log(Level::info, LogFormat::text, &time, ends[1]);
  Observer observer(time, 1);
  observer.call_ended(0, call);
  stop_log();
  ::close(ends[1]);
  std::string text(8192, '\0');
  const ssize_t n = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

TEST(CallLine, tells_a_delivered_call_once_and_in_full) {
  using namespace std::chrono_literals;
  CallRecord call;
  call.call_id = "c1";
  call.dialect = "chat";
  call.route = "default";
  call.model_asked = "anthropic/claude-3.5-sonnet";
  call.model_served = "openai/gpt-4o-mini";
  call.generation_id = "gen-1";
  call.stream = true;
  call.attempts = 2;
  call.fallbacks = 1;
  call.took = 12'345'678ns;
  call.first_token = 4ms;
  call.prompt_tokens = 10;
  call.completion_tokens = 0;
  call.cost = PicoUsd{12'300'000};
  call.request_bytes = 900;
  call.reply_bytes = 1400;
  EXPECT_EQ(
      line_of(call),
      "2026-09-21T14:13:20.000Z info call id=c1 dialect=chat route=default model=anthropic/claude-3.5-sonnet "
      "served=openai/gpt-4o-mini generation=gen-1 outcome=delivered status=200 stream=true attempts=2 "
      "ms=12.345 "
      "first_token_ms=4 prompt_tokens=10 completion_tokens=0 cost_usd=0.0000123 request_bytes=900 "
      "reply_bytes=1400\n");
}

TEST(CallLine, tells_a_failure_as_a_warning_without_what_is_not_known) {
  CallRecord call;
  call.call_id = "c2";
  call.dialect = "completions";
  call.route = "-";
  call.model_asked = "a/b";
  call.outcome = Outcome::bad_key;
  call.status = 502;
  call.attempts = 1;
  call.error = "key sk-or-v1-0123456789abcdef\nrefused";
  EXPECT_EQ(line_of(call),
            "2026-09-21T14:13:20.000Z warn call id=c2 dialect=completions route=- model=a/b outcome=bad_key "
            "status=502 "
            "stream=false attempts=1 ms=0 request_bytes=0 reply_bytes=0 error=\"key sk-***\\nrefused\"\n");
}

}  // namespace
}  // namespace gantry::observe
