#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <vector>

#include "route/breaker_driving.hpp"

namespace gantry::route {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(BreakerClients, one_client_alone_opens_it_for_itself_only) {
  Driven breaker;
  breaker.fails(4, client(1));
  EXPECT_EQ(breaker.gate(client(1)), Gate::closed);
  breaker.fail(client(1));
  EXPECT_EQ(breaker.gate(client(1)), Gate::open);
  EXPECT_TRUE(breaker.word.for_one_client());
  EXPECT_EQ(breaker.gate(client(2)), Gate::closed);
  EXPECT_EQ(breaker.gate({}), Gate::closed);
}

TEST(BreakerClients, a_single_client_has_probes_and_closing_as_all_have) {
  Driven breaker;
  breaker.fails(5, client(1));
  breaker.pass(seconds{5});
  EXPECT_FALSE(breaker.probe(client(2)));
  ASSERT_TRUE(breaker.probe(client(1)));
  breaker.fail_probe(client(1));
  EXPECT_EQ(breaker.gate(client(1)), Gate::open);
  breaker.pass(seconds{10});
  ASSERT_TRUE(breaker.probe(client(1)));
  breaker.succeed(client(1), true);
  EXPECT_EQ(breaker.gate(client(1)), Gate::closed);
}

TEST(BreakerClients, two_clients_in_a_row_open_it_for_all) {
  Driven breaker;
  for (int i = 0; i < 2; ++i) breaker.fail(client(1)), breaker.fail(client(2));
  EXPECT_EQ(breaker.gate(client(3)), Gate::closed);
  breaker.fail(client(1));
  EXPECT_EQ(breaker.gate(client(3)), Gate::open);
}

TEST(BreakerClients, failures_of_one_client_beside_the_success_of_others_hurt_nobody) {
  Driven breaker;
  for (int i = 0; i < 2000; ++i) {
    breaker.fails(3, client(1));
    breaker.succeed(client(2 + i % 3));
    if (i % 100 == 0) breaker.fail(client(2));  // one failure in a hundred is anybody's
    breaker.pass(milliseconds{20});
    ASSERT_EQ(breaker.gate(client(2)), Gate::closed) << i;
  }
}

TEST(BreakerClients, open_for_one_it_still_opens_for_all_when_others_fail_in_a_row) {
  Driven breaker;
  breaker.fails(5, client(1));
  breaker.fails(3, client(2));
  breaker.succeed(client(3));
  breaker.fails(4, client(2));
  EXPECT_EQ(breaker.gate(client(3)), Gate::closed) << "the success began a new count";
  EXPECT_EQ(breaker.gate(client(1)), Gate::open) << "and is not this client's";
  breaker.fail(client(2));
  EXPECT_EQ(breaker.gate(client(3)), Gate::open);
  EXPECT_FALSE(breaker.word.for_one_client());
}

TEST(BreakerClients, a_client_that_never_comes_back_leaves_no_trace) {
  Driven breaker;
  breaker.fails(5, client(1));
  breaker.pass(minutes{6});
  for (int i = 0; i < 10; ++i) breaker.fail(client(i % 3 + 2), Severity::soft);
  EXPECT_EQ(breaker.gate(client(4)), Gate::open) << "the rate is judged again";
}

// ---- properties

TEST(BreakerProperty, whatever_happens_it_is_never_wedged) {
  EXPECT_TRUE(rc::check([] {
    Driven breaker;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 600));
    for (const int step : steps) {
      const Client who = step % 3 == 0 ? Client{} : client(step % 4);
      breaker.pass(milliseconds{step * 37});
      switch (step % 6) {
        case 0:
          breaker.succeed(who, step % 2 == 0);
          break;
        case 1:
          (void)breaker.probe(who);
          break;
        case 2:
          breaker.fail_probe(who);
          break;
        case 3:
          breaker.fail(who, Severity::soft);
          break;
        default:
          breaker.fails(step % 7, who);
      }
    }
    // Within the longest opening and one lost probe anybody may pass, or try.
    breaker.pass(seconds{75 + 60});
    for (int i = 0; i < 5; ++i) RC_ASSERT(breaker.gate(client(i)) != Gate::open);
    // And what works is found to work.
    for (int i = 0; i < 5; ++i) {
      const bool probe = breaker.gate(client(i)) == Gate::due && breaker.probe(client(i));
      breaker.succeed(client(i), probe);
      RC_ASSERT(breaker.gate(client(i)) == Gate::closed);
    }
  }));
}

TEST(BreakerProperty, one_client_alone_never_opens_it_for_another) {
  EXPECT_TRUE(rc::check([] {
    Driven breaker;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 200));
    for (const int step : steps) {
      breaker.pass(milliseconds{step * 11});
      if (step % 5 == 0) {
        breaker.succeed(client(1), breaker.probe(client(1)));
      } else if (breaker.probe(client(1))) {
        breaker.fail_probe(client(1));
      } else {
        breaker.fail(client(1), step % 2 ? Severity::hard : Severity::soft);
      }
      RC_ASSERT(breaker.gate(client(2)) == Gate::closed);
      RC_ASSERT(breaker.gate({}) == Gate::closed);
    }
  }));
}

}  // namespace
}  // namespace gantry::route
