#include "gateway/test_control.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

namespace gantry::gateway {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view kTime = R"({"time":{"wall_ns":1790000000000000000,"mono_ns":1000}})";
constexpr WallTime kWall{1'790'000'000s};
constexpr MonoTime kMono{1000ns};

/// The harness's end of the socket.
class Harness {
 public:
  explicit Harness(int descriptor) : descriptor_(descriptor) {}
  ~Harness() { ::close(descriptor_); }
  void say(std::string_view line) {
    const std::string whole = std::string(line) + "\n";
    EXPECT_EQ(::send(descriptor_, whole.data(), whole.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(whole.size()));
  }
  std::string hear() {
    std::string line;
    for (char c; ::recv(descriptor_, &c, 1, 0) == 1 && c != '\n';) line += c;
    return line;
  }

 private:
  int descriptor_;
};

struct Pair {
  int ends[2];
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0); }
};

/// A connected pair, with the time told.
struct Connected : Pair {
  Harness harness{ends[0]};
  std::unique_ptr<TestControl> control;

  Connected() {
    harness.say(kTime);
    control = std::make_unique<TestControl>(ends[1]);
    EXPECT_EQ(harness.hear(), R"({"hello":"gantry","pid":)" + std::to_string(::getpid()) + "}");
  }
};

/// A loop on its own thread, registered while it runs.
class RunningLoop {
 public:
  explicit RunningLoop(TestControl& control) : control_(control), loop_(control.time()) {
    control_.register_loop(loop_);
    thread_ = std::jthread([this] { loop_.run(); });
  }
  ~RunningLoop() {
    control_.forget_loop(loop_);
    loop_.stop();
  }
  /// Counts into `fired` after `delay` of the harness's time.
  void set_timer(Duration delay, std::atomic<int>& fired) {
    std::promise<void> set;
    loop_.post([&] {
      loop_.set_timer(
          timer_, loop_.now() + delay, [](void* count) { ++*static_cast<std::atomic<int>*>(count); }, &fired);
      set.set_value();
    });
    set.get_future().wait();
  }
  net::Loop& loop() { return loop_; }

 private:
  TestControl& control_;
  net::Loop loop_;
  net::Timer timer_;
  std::jthread thread_;
};

TEST(TestControl, time_stands_still_where_the_harness_put_it) {
  Connected pair;
  EXPECT_EQ(pair.control->time().wall(), kWall);
  EXPECT_EQ(pair.control->time().mono(), kMono);
}

TEST(TestControl, an_advance_moves_both_clocks_and_is_answered) {
  Connected pair;
  pair.harness.say(R"({"advance_ns":1500000000,"id":7})");
  EXPECT_EQ(pair.harness.hear(), R"({"done":7})");
  EXPECT_EQ(pair.control->time().wall(), kWall + 1500ms);
  EXPECT_EQ(pair.control->time().mono(), kMono + 1500ms);
}

TEST(TestControl, a_step_sets_the_wall_clock_alone) {
  Connected pair;
  pair.harness.say(R"({"step_ns":-3600000000000,"id":8})");
  EXPECT_EQ(pair.harness.hear(), R"({"done":8})");
  EXPECT_EQ(pair.control->time().wall(), kWall - 1h);
  EXPECT_EQ(pair.control->time().mono(), kMono);
}

TEST(TestControl, done_means_that_every_loop_has_run_its_due_timers) {
  Connected pair;
  std::atomic<int> first{0}, second{0};
  RunningLoop a(*pair.control), b(*pair.control);
  a.set_timer(10s, first);
  b.set_timer(20s, second);
  pair.harness.say(R"({"advance_ns":11000000000,"id":1})");
  EXPECT_EQ(pair.harness.hear(), R"({"done":1})");
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
  pair.harness.say(R"({"advance_ns":11000000000,"id":2})");
  EXPECT_EQ(pair.harness.hear(), R"({"done":2})");
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
}

TEST(TestControl, an_advance_waits_no_more_for_a_loop_that_is_forgotten) {
  Connected pair;
  net::Loop idle(pair.control->time());  // never runs, so it never answers
  pair.control->register_loop(idle);
  pair.harness.say(R"({"advance_ns":1,"id":1})");
  while (pair.control->time().mono() == kMono) std::this_thread::yield();
  pair.control->forget_loop(idle);
  EXPECT_EQ(pair.harness.hear(), R"({"done":1})");
}

TEST(TestControl, its_end_does_not_wait_for_an_advance) {
  Connected pair;
  auto idle = std::make_unique<net::Loop>(pair.control->time());
  pair.control->register_loop(*idle);
  pair.harness.say(R"({"advance_ns":1,"id":1})");
  while (pair.control->time().mono() == kMono) std::this_thread::yield();
  pair.control.reset();
  SUCCEED() << "returning is the claim";
}

TEST(TestControl, events_are_told_as_they_happen) {
  Connected pair;
  emit_event(pair.control.get(), "drained");
  EXPECT_EQ(pair.harness.hear(), R"({"event":"drained"})");
  emit_event(nullptr, "nobody listens");
}

TEST(TestControl, lines_that_are_not_understood_change_nothing_and_are_answered) {
  Connected pair;
  for (const char* line :
       {"", "{", "[]", R"({"advance_ns":1})", R"({"advance_ns":-1,"id":1})", R"({"advance_ns":"1","id":1})",
        R"({"advance_ns":1.5,"id":1})", R"({"time":{}})"}) {
    pair.harness.say(line);
    EXPECT_THAT(pair.harness.hear(), testing::StartsWith(R"({"error":"not understood: )")) << line;
  }
  EXPECT_EQ(pair.control->time().mono(), kMono);
  pair.harness.say(R"({"advance_ns":1,"id":1})");
  EXPECT_EQ(pair.harness.hear(), R"({"done":1})");
}

TEST(TestControl, without_a_time_there_is_no_control) {
  for (const std::string_view line :
       {R"({"advance_ns":1,"id":1})", R"({"time":{"wall_ns":1}})", "nonsense"}) {
    Pair pair;
    Harness harness(pair.ends[0]);
    harness.say(line);
    EXPECT_THROW(TestControl{pair.ends[1]}, std::runtime_error) << line;
  }
  Pair pair;
  ::close(pair.ends[0]);
  EXPECT_THROW(TestControl{pair.ends[1]}, std::runtime_error) << "the harness hung up";
}

TEST(TestControl, time_stands_still_after_the_harness_has_gone) {
  auto pair = std::make_unique<Connected>();
  const auto control = std::move(pair->control);
  pair.reset();
  emit_event(control.get(), "nobody listens");
  EXPECT_EQ(control->time().mono(), kMono);
}

class ConnectTestControl : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "gantry-control-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    ::unsetenv("GANTRY_TEST_CONTROL");
    std::filesystem::remove_all(folder_);
  }
  std::filesystem::path folder_;
};

TEST_F(ConnectTestControl, without_the_variable_there_is_none) {
  ::unsetenv("GANTRY_TEST_CONTROL");
  EXPECT_EQ(connect_test_control(), nullptr);
}

TEST_F(ConnectTestControl, a_variable_that_names_nobody_is_an_error_that_says_so) {
  ::setenv("GANTRY_TEST_CONTROL", (folder_ / "nobody").c_str(), 1);
  EXPECT_THAT([] { connect_test_control(); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr("nobody listens at")));
  ::setenv("GANTRY_TEST_CONTROL", std::string(200, 'x').c_str(), 1);
  EXPECT_THAT([] { connect_test_control(); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr("longer than")));
}

TEST_F(ConnectTestControl, it_connects_to_the_socket_that_the_variable_names) {
  const auto path = folder_ / "control";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  std::jthread harness([listener] {
    Harness accepted(::accept(listener, nullptr, nullptr));
    EXPECT_THAT(accepted.hear(), HasSubstr("hello"));
    accepted.say(kTime);
  });
  ::setenv("GANTRY_TEST_CONTROL", path.c_str(), 1);
  const auto control = connect_test_control();
  ASSERT_NE(control, nullptr);
  EXPECT_EQ(control->time().wall(), kWall);
  ::close(listener);
}

}  // namespace
}  // namespace gantry::gateway
