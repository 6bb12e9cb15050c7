#include "net/resolver.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

namespace gantry::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using Addresses = std::vector<std::string>;
using Found = std::optional<Result<std::vector<Endpoint>>>;

// A name service that answers when told: each look-up waits for its answer.
struct ResolverTest : testing::Test {
  std::mutex mutex;
  std::deque<Result<Addresses>> answers;
  std::atomic<int> asked = 0, ready = 0, taken = 0;
  ManualTime time;
  Loop loop{time};
  Resolver resolver{[this](const std::string&) { return answer(); }};

  Result<Addresses> answer() {
    const int mine = ++asked;
    for (int now = ready; now < mine; now = ready) ready.wait(now);
    const std::lock_guard lock(mutex);
    auto next = std::move(answers.front());
    answers.pop_front();
    ++taken;
    return next;
  }
  void will_answer(Result<Addresses> next) {
    {
      const std::lock_guard lock(mutex);
      answers.push_back(std::move(next));
    }
    ++ready;
    ready.notify_all();
  }
  static Task<void> look_up(Resolver& resolver, Loop& loop, std::string host, MonoTime deadline,
                            Canceller* canceller, Found& found) {
    found = co_await resolver.resolve(loop, std::move(host), 443, deadline, canceller);
  }
  void start(Found& found, MonoTime deadline = kNever, Canceller* canceller = nullptr) {
    loop.spawn(look_up(resolver, loop, "name.example", deadline, canceller, found));
  }
  template <class Done>
  void run_until(Done done) {
    while (!done()) loop.poll();  // the test's own time limit bounds this
  }
  Result<std::vector<Endpoint>> find() {
    Found found;
    start(found);
    run_until([&] { return found.has_value(); });
    return *found;
  }
  void advance(Duration by) {
    time.advance(by);
    loop.advance_timers();
    loop.poll();
  }
  static std::string first(const Result<std::vector<Endpoint>>& found) {
    return found ? found->front().text() : found.error().detail;
  }
};

TEST_F(ResolverTest, numeric_host_is_answered_at_once_without_asking) {
  Found v4, v6;
  loop.spawn(look_up(resolver, loop, "192.0.2.1", kNever, nullptr, v4));
  loop.spawn(look_up(resolver, loop, "2001:db8::1", kNever, nullptr, v6));
  ASSERT_TRUE(v4 && v6);
  EXPECT_EQ(first(*v4), "192.0.2.1:443");
  EXPECT_EQ(first(*v6), "[2001:db8::1]:443");
  EXPECT_EQ(asked, 0);
}

TEST_F(ResolverTest, families_take_turns_and_keep_their_order) {
  EXPECT_THAT(interleave_families({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"}),
              ElementsAre("::1", "1.1.1.1", "::2", "2.2.2.2", "::3"));
  EXPECT_THAT(interleave_families({"1.1.1.1", "2.2.2.2", "::1"}), ElementsAre("1.1.1.1", "::1", "2.2.2.2"));
  EXPECT_THAT(interleave_families({"1.1.1.1", "2.2.2.2"}), ElementsAre("1.1.1.1", "2.2.2.2"));
  EXPECT_TRUE(interleave_families({}).empty());
}

TEST_F(ResolverTest, answer_is_fresh_for_thirty_seconds) {
  will_answer(Addresses{"10.0.0.1", "fd00::1"});
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 2u);
  advance(seconds{29});
  EXPECT_EQ(first(find()), "10.0.0.1:443");
  EXPECT_EQ(asked, 1);
  advance(seconds{2});
  will_answer(Addresses{"10.0.0.2"});
  EXPECT_EQ(first(find()), "10.0.0.2:443");
  EXPECT_EQ(asked, 2);
}

TEST_F(ResolverTest, all_who_ask_at_once_share_one_look_up) {
  std::array<Found, 5> found;
  for (Found& each : found) start(each);
  will_answer(Addresses{"10.0.0.1"});
  run_until([&] { return std::ranges::all_of(found, [](const Found& each) { return each.has_value(); }); });
  for (const Found& each : found) EXPECT_EQ(first(*each), "10.0.0.1:443");
  EXPECT_EQ(asked, 1);
}

TEST_F(ResolverTest, failure_without_an_old_answer_is_told_and_not_remembered) {
  will_answer(fail(Fault::unresolved, "name.example: no such name"));
  const auto failed = find();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), (Failure{Fault::unresolved, "name.example: no such name"}));
  will_answer(Addresses{});
  EXPECT_EQ(find().error().fault, Fault::unresolved);
  will_answer(Addresses{"10.0.0.1"});
  EXPECT_EQ(first(find()), "10.0.0.1:443");
}

TEST_F(ResolverTest, old_answer_serves_while_look_ups_fail_and_each_failure_gives_a_pause) {
  will_answer(Addresses{"10.0.0.1"});
  find();
  advance(seconds{31});
  will_answer(fail(Fault::unresolved, "down"));
  EXPECT_EQ(first(find()), "10.0.0.1:443");
  EXPECT_EQ(asked, 2);
  advance(seconds{4});
  EXPECT_EQ(first(find()), "10.0.0.1:443");
  EXPECT_EQ(asked, 2);
  advance(seconds{2});
  will_answer(Addresses{"10.0.0.2"});
  EXPECT_EQ(first(find()), "10.0.0.2:443");
}

TEST_F(ResolverTest, old_answer_serves_when_the_new_one_does_not_come_and_the_new_one_is_kept) {
  will_answer(Addresses{"10.0.0.1"});
  find();
  advance(seconds{31});
  Found found;
  start(found);
  advance(milliseconds{490});
  EXPECT_FALSE(found);
  advance(milliseconds{20});
  ASSERT_TRUE(found);
  EXPECT_EQ(first(*found), "10.0.0.1:443");
  Found later;
  start(later);
  will_answer(Addresses{"10.0.0.2"});
  run_until([&] { return later.has_value(); });
  EXPECT_EQ(first(*later), "10.0.0.2:443");
  EXPECT_EQ(asked, 2);
}

TEST_F(ResolverTest, waiting_ends_at_the_deadline_or_when_cancelled_and_the_rest_goes_on) {
  Found late, unwanted, patient;
  Canceller canceller;
  start(late, time.mono() + seconds{5});
  start(unwanted, kNever, &canceller);
  start(patient);
  canceller.cancel();
  EXPECT_FALSE(unwanted) << "who cancels must not be re-entered";
  loop.poll();
  ASSERT_TRUE(unwanted);
  EXPECT_EQ(unwanted->error().fault, Fault::cancelled);
  advance(seconds{6});
  ASSERT_TRUE(late);
  EXPECT_EQ(late->error().fault, Fault::timed_out);
  will_answer(Addresses{"10.0.0.1"});
  run_until([&] { return patient.has_value(); });
  EXPECT_EQ(first(*patient), "10.0.0.1:443");
}

TEST_F(ResolverTest, answer_for_a_loop_that_is_gone_goes_nowhere) {
  Found never;
  {
    Loop other(time);
    other.spawn(look_up(resolver, other, "name.example", kNever, nullptr, never));
  }
  will_answer(Addresses{"10.0.0.1"});
  EXPECT_EQ(first(find()), "10.0.0.1:443");
  EXPECT_FALSE(never);
}

TEST(ResolverSystem, finds_localhost_on_any_machine) {
  ManualTime time;
  Loop loop(time);
  Resolver resolver;
  Found found;
  loop.spawn(ResolverTest::look_up(resolver, loop, "localhost", kNever, nullptr, found));
  while (!found) loop.poll();
  ASSERT_TRUE(*found) << found->error().detail;
  for (const Endpoint& endpoint : **found) {
    EXPECT_TRUE(endpoint.address == "127.0.0.1" || endpoint.address == "::1") << endpoint.address;
    EXPECT_EQ(endpoint.port, 443);
  }
}

}  // namespace
}  // namespace gantry::net
