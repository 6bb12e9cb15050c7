#include "net/timer_wheel.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <deque>
#include <vector>

namespace gantry::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

struct Ringer {
  std::vector<int>* rung;
  int id;
  Timer timer{};
  void set(TimerWheel& wheel, MonoTime due) {
    wheel.set(timer, due, [](void* self) { static_cast<Ringer*>(self)->ring(); }, this);
  }
  void ring() { rung->push_back(id); }
};

struct TimerWheelTest : testing::Test {
  MonoTime start{seconds{1000}};
  TimerWheel wheel{start};
  std::vector<int> rung;
  Ringer a{&rung, 1}, b{&rung, 2};
};

TEST_F(TimerWheelTest, rings_once_at_its_moment_and_not_before) {
  a.set(wheel, start + milliseconds{95});
  wheel.advance(start + milliseconds{94});
  EXPECT_THAT(rung, IsEmpty());
  wheel.advance(start + milliseconds{95});
  EXPECT_THAT(rung, ElementsAre(1));
  wheel.advance(start + hours{1});
  EXPECT_THAT(rung, ElementsAre(1));
}

TEST_F(TimerWheelTest, moving_it_later_is_honoured) {
  a.set(wheel, start + seconds{1});
  a.set(wheel, start + seconds{70});
  wheel.advance(start + seconds{69});
  EXPECT_THAT(rung, IsEmpty());
  wheel.advance(start + seconds{70});
  EXPECT_THAT(rung, ElementsAre(1));
}

TEST_F(TimerWheelTest, moving_it_earlier_is_honoured) {
  a.set(wheel, start + hours{3});
  a.set(wheel, start + seconds{2});
  wheel.advance(start + seconds{2});
  EXPECT_THAT(rung, ElementsAre(1));
}

TEST_F(TimerWheelTest, cleared_and_destroyed_timers_stay_silent) {
  a.set(wheel, start + seconds{1});
  wheel.clear(a.timer);
  {
    Ringer gone{&rung, 9};
    gone.set(wheel, start + seconds{1});
  }
  wheel.advance(start + seconds{5});
  EXPECT_THAT(rung, IsEmpty());
  EXPECT_TRUE(wheel.empty());
}

TEST_F(TimerWheelTest, an_action_may_set_its_own_timer_again) {
  struct Again {
    TimerWheel& wheel;
    MonoTime due;
    int times = 0;
    Timer timer{};
    void set() {
      wheel.set(timer, due, [](void* p) { static_cast<Again*>(p)->ring(); }, this);
    }
    void ring() {
      ++times;
      due += seconds{1};
      set();
    }
  } again{wheel, start + seconds{1}};
  again.set();
  for (int i = 1; i <= 5; ++i) wheel.advance(start + seconds{i});
  EXPECT_EQ(again.times, 5);
}

TEST_F(TimerWheelTest, next_wake_is_never_late_by_more_than_a_tick) {
  EXPECT_EQ(wheel.next_wake(), kNever);
  a.set(wheel, start + seconds{100});
  MonoTime now = start;
  int wakes = 0;
  while (rung.empty()) {
    const MonoTime wake = wheel.next_wake();
    ASSERT_GT(wake, now);
    now = wake;
    wheel.advance(now);
    ASSERT_LT(++wakes, 20);
  }
  EXPECT_LE(now - (start + seconds{100}), TimerWheel::kTick);
}

TEST(TimerWheelProperty, every_timer_rings_in_the_first_advance_at_or_after_its_due_time) {
  EXPECT_TRUE(rc::check([] {
    const MonoTime start{seconds{*rc::gen::inRange(0, 100)}};
    TimerWheel wheel(start);
    struct One {
      MonoTime due{};
      bool rung = false;
      Timer timer{};
    };
    std::deque<One> timers;
    MonoTime now = start;
    const int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) {
      const auto magnitude = *rc::gen::inRange(0, 9);
      std::int64_t span = 1;
      for (int k = 0; k < magnitude; ++k) span *= 10;
      const auto wait = std::chrono::microseconds{*rc::gen::inRange<std::int64_t>(0, span * 500)};
      if (*rc::gen::arbitrary<bool>()) {
        auto& timer = timers.emplace_back();
        timer.due = now + wait;
        wheel.set(timer.timer, timer.due, [](void* p) { static_cast<One*>(p)->rung = true; }, &timer);
      } else {
        now += wait;
        wheel.advance(now);
        for (const auto& timer : timers) RC_ASSERT(timer.rung == (timer.due <= now));
        const MonoTime wake = wheel.next_wake();
        for (const auto& timer : timers)
          if (!timer.rung) RC_ASSERT(wake <= timer.due + TimerWheel::kTick);
      }
    }
  }));
}

}  // namespace
}  // namespace gantry::net
