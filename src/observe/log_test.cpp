#include "observe/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gantry::observe {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A pipe whose write end is the log's.
class LogPipe {
 public:
  LogPipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~LogPipe() {
    ::close(ends_[0]);
    close_write_end();
  }
  int write_end() const { return ends_[1]; }
  void close_write_end() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }
  /// Until all write ends are closed.
  std::vector<std::string> read_lines() {
    std::string all;
    char piece[65536];
    for (ssize_t n; (n = ::read(ends_[0], piece, sizeof piece)) > 0;)
      all.append(piece, static_cast<std::size_t>(n));
    std::vector<std::string> lines;
    for (std::size_t start = 0, end; (end = all.find('\n', start)) != std::string::npos; start = end + 1)
      lines.push_back(all.substr(start, end - start));
    return lines;
  }

 private:
  int ends_[2]{-1, -1};
};

TEST(Log, lines_carry_the_given_time_and_arrive_in_order_before_stop_returns) {
  LogPipe pipe;
  const ManualTime time(WallTime{std::chrono::seconds{1'790'000'000}});
  start_log(Level::info, LogFormat::text, &time, pipe.write_end());
  log(Level::info, "first", {{"n", std::int64_t{1}}});
  log(Level::error, "second", {{"n", std::int64_t{2}}});
  stop_log();
  pipe.close_write_end();
  EXPECT_THAT(pipe.read_lines(), testing::ElementsAre("2026-09-21T14:13:20.000Z info first n=1",
                                                      "2026-09-21T14:13:20.000Z error second n=2"));
}

TEST(Log, the_level_can_change_while_running) {
  LogPipe pipe;
  start_log(Level::warn, LogFormat::json, nullptr, pipe.write_end());
  EXPECT_FALSE(log_enabled(Level::info));
  log(Level::info, "unseen", {});
  set_log_level(Level::debug);
  EXPECT_TRUE(log_enabled(Level::debug));
  log(Level::debug, "seen", {});
  stop_log();
  pipe.close_write_end();
  EXPECT_THAT(pipe.read_lines(), testing::ElementsAre(HasSubstr(R"("level":"debug","event":"seen"})")));
}

TEST(Log, before_start_and_after_stop_nothing_is_enabled) {
  stop_log();
  EXPECT_FALSE(log_enabled(Level::error));
  set_log_level(Level::trace);
  EXPECT_FALSE(log_enabled(Level::error));
  log(Level::error, "nobody listens", {});
}

TEST(Log, a_reader_that_does_not_read_loses_the_oldest_lines_and_the_loss_is_counted) {
  LogPipe pipe;
  const std::uint64_t before = dropped_log_lines();
  start_log(Level::info, LogFormat::text, nullptr, pipe.write_end());
  constexpr std::int64_t kLines = 30'000;  // the pipe holds 64 KiB, the queue 1.5 MiB
  const std::string ballast(100, 'x');
  for (std::int64_t i = 0; i < kLines; ++i) log(Level::info, "line", {{"n", i}, {"ballast", ballast}});
  const std::uint64_t dropped = dropped_log_lines() - before;
  EXPECT_GT(dropped, 0u);
  std::vector<std::string> lines;
  std::jthread reader([&] { lines = pipe.read_lines(); });
  stop_log();
  pipe.close_write_end();
  reader.join();
  EXPECT_EQ(lines.size() + dropped, static_cast<std::size_t>(kLines));
  EXPECT_THAT(lines.back(), HasSubstr("n=29999")) << "the newest line survives";
  EXPECT_EQ(dropped_log_lines() - before, dropped) << "the count outlives the logger";
}

TEST(Log, a_file_holds_every_line_in_order) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  start_log(Level::info, LogFormat::text, nullptr, ::fileno(file));
  constexpr std::int64_t kLines = 5000;  // fewer than the queue holds, more than one chunk
  for (std::int64_t i = 0; i < kLines; ++i) log(Level::info, "line", {{"n", i}});
  stop_log();
  std::rewind(file);
  char line[256];
  for (std::int64_t i = 0; i < kLines; ++i) {
    ASSERT_NE(std::fgets(line, sizeof line, file), nullptr) << i;
    ASSERT_THAT(line, testing::EndsWith(" info line n=" + std::to_string(i) + "\n"));
  }
  EXPECT_EQ(std::fgets(line, sizeof line, file), nullptr);
  std::fclose(file);
}

TEST(Log, stop_gives_up_on_a_reader_that_never_reads) {
  LogPipe pipe;
  start_log(Level::info, LogFormat::text, nullptr, pipe.write_end());
  const std::string ballast(1000, 'x');
  for (int i = 0; i < 200; ++i) log(Level::info, "line", {{"ballast", ballast}});
  stop_log();  // returning is the claim; the test's timeout would tell
  EXPECT_FALSE(log_enabled(Level::error));
}

TEST(LogDeathTest, what_was_logged_is_written_when_the_process_exits_without_stop) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        start_log(Level::info, LogFormat::text);
        log(Level::info, "last", {{"word", true}});
        std::exit(7);
      },
      testing::ExitedWithCode(7), "info last word=true");
}

TEST(Log, lines_of_many_threads_stay_whole) {
  LogPipe pipe;
  start_log(Level::info, LogFormat::text, nullptr, pipe.write_end());
  std::vector<std::string> lines;
  std::jthread reader([&] { lines = pipe.read_lines(); });
  constexpr int kThreads = 4, kEach = 500;
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < kThreads; ++t)
      writers.emplace_back([t] {
        for (std::int64_t i = 0; i < kEach; ++i) log(Level::info, "work", {{"t", std::int64_t{t}}, {"i", i}});
      });
  }
  stop_log();
  pipe.close_write_end();
  reader.join();
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(kThreads * kEach));
  for (const auto& text : lines)
    EXPECT_THAT(text, testing::MatchesRegex("[0-9TZ:.-]+ info work t=[0-9] i=[0-9]+"));
}

TEST(Log, a_thread_that_is_late_finds_a_silent_logger) {
  LogPipe pipe;
  start_log(Level::info, LogFormat::text, nullptr, pipe.write_end());
  std::atomic<bool> enough{false};
  std::atomic<int> written{0};
  std::jthread late([&] {
    while (!enough) {
      log(Level::info, "late", {});
      ++written;
    }
  });
  std::vector<std::string> lines;
  std::jthread reader([&] { lines = pipe.read_lines(); });
  while (written < 100) std::this_thread::yield();
  stop_log();  // races with the writer on purpose: the thread sanitizer judges
  enough = true;
  late.join();
  pipe.close_write_end();
  reader.join();
  for (const auto& text : lines) EXPECT_THAT(text, testing::EndsWith(" info late"));
}

}  // namespace
}  // namespace gantry::observe
