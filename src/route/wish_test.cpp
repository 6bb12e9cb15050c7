#include "route/wish.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <limits>
#include <string>
#include <vector>

namespace gantry::route {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow{seconds{1'790'000'000}};  // Mon, 21 Sep 2026 14:13:20 GMT
constexpr auto kWeek = hours{7 * 24};

TEST(RetryAfter, is_read_as_seconds_or_as_a_date) {
  const std::vector<std::pair<std::string, Duration>> rows = {
      {"7", seconds{7}},
      {" 7 ", seconds{7}},
      {"0", seconds{0}},
      {"2.5", milliseconds{2500}},
      {"2.0001", milliseconds{2001}},
      {"3.", seconds{3}},
      {"-5", seconds{0}},
      {"+5", seconds{0}},
      {"1e3", seconds{0}},
      {".5", seconds{0}},
      {"99999999999", kWeek},
      {"99999999999999999999999999", kWeek},
      {"Mon, 21 Sep 2026 14:13:50 GMT", seconds{30}},
      {"Monday, 21-Sep-26 14:13:50 GMT", seconds{30}},
      {"Mon Sep 21 14:13:50 2026", seconds{30}},
      {"Mon, 21 Sep 2026 14:00:00 GMT", seconds{0}},
      {"Fri, 31 Dec 9999 23:59:59 GMT", kWeek},
      {"Mon, 21 Sep 2026 14:13:50 PST", seconds{0}},
      {"Mon, 21 Sep 2026", seconds{0}},
      {"soon", seconds{0}},
      {"", seconds{0}},
      {" ", seconds{0}},
  };
  for (const auto& [value, expected] : rows) EXPECT_EQ(parse_retry_after(value, kNow), expected) << value;
}

TEST(RetryAfter, that_is_absurd_is_bounded) {
  EXPECT_EQ(bounded_retry_after(30), seconds{30});
  EXPECT_EQ(bounded_retry_after(-1), seconds{0});
  EXPECT_EQ(bounded_retry_after(std::numeric_limits<std::int64_t>::max()), kWeek);
  EXPECT_EQ(bounded_retry_after(std::numeric_limits<std::int64_t>::min()), seconds{0});
}

TEST(RetryAfterMs, is_read_as_milliseconds) {
  EXPECT_EQ(parse_retry_after_ms("250"), milliseconds{250});
  EXPECT_EQ(parse_retry_after_ms("0.5"), std::chrono::microseconds{500});
  EXPECT_EQ(parse_retry_after_ms("99999999999999999999"), kWeek);
  EXPECT_EQ(parse_retry_after_ms("-1"), seconds{0});
  EXPECT_EQ(parse_retry_after_ms("Mon, 21 Sep 2026 14:13:50 GMT"), seconds{0});
  EXPECT_EQ(parse_retry_after_ms(""), seconds{0});
}

// CONTRACT §11.10.
TEST(RateLimitReset, is_a_moment_in_unix_milliseconds) {
  EXPECT_EQ(until_unix_ms(1'790'000'030'000, kNow), seconds{30});
  EXPECT_EQ(until_unix_ms(1'790'000'000'000, kNow), seconds{0});
  EXPECT_EQ(until_unix_ms(1'789'999'999'999, kNow), seconds{0});
  EXPECT_EQ(until_unix_ms(1'790'000'030, kNow), seconds{0}) << "seconds would lie in 1970";
  EXPECT_EQ(until_unix_ms(std::numeric_limits<std::int64_t>::max(), kNow), kWeek);
  EXPECT_EQ(until_unix_ms(std::numeric_limits<std::int64_t>::min(), kNow), seconds{0});
}

TEST(FreeCapEnd, is_midnight_utc_for_the_daily_cap_and_a_minute_for_the_other) {
  const WallTime midnight{seconds{1'790'035'200}};
  EXPECT_EQ(end_of(FreeCap::daily, kNow), midnight);
  EXPECT_EQ(end_of(FreeCap::daily, midnight - milliseconds{1}), midnight);
  EXPECT_EQ(end_of(FreeCap::daily, midnight), midnight + hours{24});
  EXPECT_EQ(end_of(FreeCap::minute, kNow), kNow + minutes{1});
  EXPECT_EQ(end_of(FreeCap::none, kNow), kNow);
}

struct Said {
  std::string what;
  std::string ms, after, reset;  // headers
  std::optional<std::int64_t> availability_s, body_reset_ms;
  FreeCap cap;
  Duration expected;
};

TEST(Wish, is_the_first_of_those_that_say_something) {
  const std::string in_30_s = "1790000030000";
  const std::vector<Said> rows = {
      {"nothing is said", "", "", "", {}, {}, FreeCap::none, seconds{0}},
      {"availability alone", "", "", "", 12, {}, FreeCap::none, seconds{12}},
      {"availability before all headers", "500", "7", in_30_s, 12, 1'790'000'060'000, FreeCap::none,
       seconds{12}},
      {"milliseconds before seconds", "500", "7", in_30_s, {}, {}, FreeCap::none, milliseconds{500}},
      {"seconds before the reset", "", "7", in_30_s, {}, {}, FreeCap::none, seconds{7}},
      {"the reset's header before its copy",
       "",
       "",
       in_30_s,
       {},
       1'790'000'060'000,
       FreeCap::none,
       seconds{30}},
      {"the copy in the body", "", "", "", {}, 1'790'000'060'000, FreeCap::none, seconds{60}},
      {"zero says nothing", "0", "0", in_30_s, 0, {}, FreeCap::none, seconds{30}},
      {"nonsense says nothing", "x", "soon", in_30_s, -5, {}, FreeCap::none, seconds{30}},
      {"the past says nothing",
       "",
       "Mon, 21 Sep 2026 14:00:00 GMT",
       "1000",
       {},
       60'000,
       FreeCap::none,
       seconds{0}},
      {"absurd values are bounded", "", "99999999999999999999", "", {}, {}, FreeCap::none, kWeek},
      {"the daily cap before everything", "500", "1", in_30_s, 2, {}, FreeCap::daily, seconds{35'200}},
      {"the cap a minute as it is told", "", "", in_30_s, {}, {}, FreeCap::minute, seconds{30}},
      {"the cap a minute when nothing is told", "", "", "", {}, {}, FreeCap::minute, minutes{1}},
  };
  for (const auto& row : rows) {
    wire::UpstreamError error;
    error.retry_after_s = row.availability_s;
    error.limit_reset_ms = row.body_reset_ms;
    const WaitHeaders headers{
        .retry_after_ms = row.ms, .retry_after = row.after, .rate_limit_reset = row.reset};
    EXPECT_EQ(wish(headers, error, row.cap, kNow), row.expected) << row.what;
  }
}

TEST(Wish, of_a_whole_429_of_the_platform_lasts_until_midnight) {
  const auto error = wire::read_error(
      429,
      R"({"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day","metadata":{"headers":)"
      R"({"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1790035200000"}}}})");
  const Verdict verdict = judge(error);
  EXPECT_EQ(wish({}, error, verdict.free_cap, kNow), seconds{35'200});
  EXPECT_EQ(wish({}, error, FreeCap::none, kNow), seconds{35'200}) << "the reset says the same";
}

TEST(WishProperty, is_never_negative_and_never_longer_than_is_heeded) {
  const bool holds = rc::check([] {
    const auto text = [] {
      return *rc::gen::oneOf(
          rc::gen::string<std::string>(),
          rc::gen::map(rc::gen::arbitrary<std::int64_t>(),
                       [](std::int64_t number) { return std::to_string(number); }),
          rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789.- "))));
    };
    const std::string ms = text(), after = text(), reset = text();
    wire::UpstreamError error;
    if (*rc::gen::arbitrary<bool>()) error.retry_after_s = *rc::gen::arbitrary<std::int64_t>();
    if (*rc::gen::arbitrary<bool>()) error.limit_reset_ms = *rc::gen::arbitrary<std::int64_t>();
    const auto cap = static_cast<FreeCap>(*rc::gen::inRange(0, 3));
    const WallTime now{seconds{*rc::gen::inRange<std::int64_t>(0, 4'000'000'000)}};
    const Duration wished =
        wish({.retry_after_ms = ms, .retry_after = after, .rate_limit_reset = reset}, error, cap, now);
    RC_ASSERT(wished >= Duration::zero() && wished <= kLongestWish);
    if (cap != FreeCap::none) RC_ASSERT(wished > Duration::zero());
    if (cap == FreeCap::daily) RC_ASSERT(wished <= hours{24});
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace gantry::route
