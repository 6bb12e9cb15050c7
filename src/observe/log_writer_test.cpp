#include "observe/log_writer.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <latch>
#include <string>
#include <vector>

namespace gantry::observe {
namespace {

using testing::ElementsAre;

/// A writer whose output is kept, and which stands still in its first write until it is let go: what is
/// published meanwhile is written in one round.
class Held {
 public:
  explicit Held(std::size_t stamp_at = 0)
      : writer([this](std::string_view lines) { write(lines); }, stamp_at) {}

  void hold() {
    writer.join().push("first\n");
    reached_.wait();
  }
  /// All lines but the first.
  std::vector<std::string> end() {
    let_go_.count_down();
    writer.stop();
    std::vector<std::string> lines;
    for (std::size_t start = 6, stop; (stop = all_.find('\n', start)) != std::string::npos; start = stop + 1)
      lines.push_back(all_.substr(start, stop - start));
    return lines;
  }

 private:
  void write(std::string_view lines) {
    if (all_.empty()) {
      reached_.count_down();
      let_go_.wait();
    }
    all_ += lines;
  }
  std::string all_;
  std::latch reached_{1}, let_go_{1};

 public:
  LogWriter writer;
};

TEST(LogWriter, the_first_line_after_quiet_is_written_at_once) {
  Held held;
  held.hold();  // returning is the claim: nothing else has happened that could make it write
  EXPECT_THAT(held.end(), ElementsAre());
}

TEST(LogWriter, a_line_wakes_a_writer_that_slept_after_an_earlier_one) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t bytes = 0;
  LogWriter writer(
      [&](std::string_view lines) {
        const std::lock_guard lock(mutex);
        bytes += lines.size();
        changed.notify_all();
      },
      0);
  LineQueue& queue = writer.join();
  for (std::size_t i = 1; i <= 5; ++i) {
    queue.push("x\n");
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return bytes == 2 * i; });
  }
}

TEST(LogWriter, lines_of_several_threads_are_written_in_the_order_of_their_times) {
  struct Row {
    std::string_view name, head;
  };
  for (const Row& row : {Row{"text", ""}, Row{"json", R"({"time":")"}}) {
    Held held(row.head.size());
    held.hold();
    LineQueue &a = held.writer.join(), &b = held.writer.join(), &c = held.writer.join();
    const auto put = [&](LineQueue& queue, const std::string& time, const std::string& rest) {
      queue.push(std::string(row.head) + "2026-11-23T10:00:0" + time + "Z " + rest + "\n");
    };
    put(a, "0.001", "a1");
    put(a, "0.004", "a2");
    put(a, "2.000", "a3");
    put(b, "0.002", "b1");
    put(b, "0.003", "b2");
    put(b, "1.000", "b3");
    put(b, "3.000", "b4");
    put(c, "0.002", "c1");
    std::vector<std::string> ends;
    for (const std::string& text : held.end()) ends.push_back(text.substr(text.size() - 2));
    EXPECT_THAT(ends, testing::AnyOf(ElementsAre("a1", "b1", "c1", "b2", "a2", "b3", "a3", "b4"),
                                     ElementsAre("a1", "c1", "b1", "b2", "a2", "b3", "a3", "b4")))
        << row.name;
  }
}

TEST(LogWriter, long_queues_are_merged_whole) {
  Held held;
  held.hold();
  LineQueue &a = held.writer.join(), &b = held.writer.join();
  constexpr int kLines = 3000;  // several chunks and batches
  for (int i = 0; i < kLines; ++i) {
    std::string stamp = "2026-11-23T10:00:00.000Z";
    for (int digit = 22, left = i; left > 0; left /= 10) {
      stamp[static_cast<std::size_t>(digit--)] = static_cast<char>('0' + left % 10);
      if (digit == 19) --digit;
    }
    (i % 3 == 0 ? a : b).push(stamp + ' ' + std::string(100, 'x') + '\n');
  }
  const auto lines = held.end();
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(kLines));
  EXPECT_TRUE(std::ranges::is_sorted(lines));
}

TEST(LogWriter, a_queue_whose_thread_has_left_serves_the_next) {
  Held held;
  held.hold();
  LineQueue& first = held.writer.join();
  first.push("2026 one\n");
  held.writer.leave(first);
  LineQueue& second = held.writer.join();
  EXPECT_EQ(&first, &second);
  second.push("2026 two\n");
  EXPECT_NE(&held.writer.join(), &second);
  EXPECT_THAT(held.end(), ElementsAre("2026 one", "2026 two"));
}

TEST(LinesUntil, cuts_behind_the_last_line_that_is_not_later) {
  const std::string lines =
      "2026-11-23T10:00:00.001Z a\n2026-11-23T10:00:00.002Z b\n2026-11-23T10:00:00.003Z c\n";
  struct Row {
    std::string_view name, limit;
    std::size_t expected;
  };
  const Row rows[] = {
      {"earlier than all", "2026-11-23T10:00:00.000Z", 0},
      {"the time of one", "2026-11-23T10:00:00.002Z", 54},
      {"later than all", "2026-11-24T00:00:00.000Z", 81},
  };
  for (const auto& row : rows) EXPECT_EQ(lines_until(lines, 0, row.limit), row.expected) << row.name;
  EXPECT_EQ(lines_until("", 9, "~"), 0u);
  EXPECT_EQ(lines_until("short\n", 9, "~"), 6u) << "a line without a time";
}

}  // namespace
}  // namespace gantry::observe
