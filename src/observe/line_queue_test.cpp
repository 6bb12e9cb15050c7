#include "observe/line_queue.hpp"

#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

namespace gantry::observe {
namespace {

using testing::ElementsAre;

/// A line of `bytes` bytes, its newline included, that begins with its number.
std::string line(std::size_t number, std::size_t bytes = 1024) {
  std::string text = std::to_string(number) + ' ';
  text.resize(bytes - 1, 'x');
  return text + '\n';
}

std::vector<std::size_t> numbers(std::string_view lines) {
  std::vector<std::size_t> found;
  for (std::size_t start = 0, end; (end = lines.find('\n', start)) != std::string_view::npos; start = end + 1)
    found.push_back(std::stoul(std::string(lines.substr(start, 20))));
  return found;
}

/// Everything that waits, in order.
std::vector<std::size_t> take_all(LineQueue& queue) {
  std::vector<std::size_t> all;
  for (bool more = true; more;) {
    const auto piece = queue.take();
    for (const std::size_t number : numbers(piece.lines)) all.push_back(number);
    more = piece.more;
    queue.done();
  }
  return all;
}

constexpr std::size_t kLinesOfAChunk = LineQueue::kChunkBytes / 1024;

TEST(LineQueue, gives_lines_back_once_and_in_order) {
  net::Bell bell;
  LineQueue queue(bell);
  EXPECT_TRUE(queue.empty());
  queue.push(line(1));
  queue.push(line(2));
  EXPECT_FALSE(queue.empty());
  EXPECT_THAT(take_all(queue), ElementsAre(1, 2));
  EXPECT_TRUE(queue.empty());
  queue.push(line(3));
  EXPECT_THAT(take_all(queue), ElementsAre(3));
  EXPECT_EQ(queue.lost(), 0u);
}

TEST(LineQueue, a_line_is_written_in_place_and_may_be_shorter_than_its_room) {
  net::Bell bell;
  LineQueue queue(bell);
  char* const at = queue.room(100);
  const std::string text = line(7, 10);
  std::ranges::copy(text, at);
  EXPECT_TRUE(queue.empty()) << "not yet published";
  queue.publish(text.size());
  const auto piece = queue.take();
  EXPECT_EQ(piece.lines, text);
  EXPECT_EQ(piece.lines.data(), at);
  queue.done();
}

TEST(LineQueue, keeps_order_across_chunks_however_the_lines_fit) {
  for (const std::size_t bytes : {100u, 1000u, 1024u, 40'000u, 98'304u}) {
    net::Bell bell;
    LineQueue queue(bell);
    std::vector<std::size_t> expected;
    for (std::size_t i = 0; i * bytes < 5 * LineQueue::kChunkBytes; ++i) {
      queue.push(line(i, bytes));
      expected.push_back(i);
    }
    EXPECT_EQ(take_all(queue), expected) << bytes;
    EXPECT_EQ(queue.lost(), 0u);
  }
}

TEST(LineQueue, what_is_being_written_stays_while_lines_are_added) {
  net::Bell bell;
  LineQueue queue(bell);
  queue.push(line(0));
  const auto piece = queue.take();
  const std::string before(piece.lines);
  for (std::size_t i = 1; i < 3 * kLinesOfAChunk; ++i) queue.push(line(i));
  EXPECT_EQ(piece.lines, before);
  queue.done();
  EXPECT_EQ(take_all(queue).front(), 1u) << "the rest of that chunk comes next";
}

TEST(LineQueue, full_it_loses_the_oldest_lines_and_counts_them) {
  net::Bell bell;
  LineQueue queue(bell);
  constexpr std::size_t kLines = 2 * LineQueue::kChunks * kLinesOfAChunk;
  for (std::size_t i = 0; i < kLines; ++i) queue.push(line(i));
  const auto left = take_all(queue);
  EXPECT_EQ(left.size() + queue.lost(), kLines);
  EXPECT_GE(left.size(), LineQueue::kChunks * kLinesOfAChunk);
  EXPECT_EQ(left.front(), queue.lost()) << "the oldest went";
  EXPECT_EQ(left.back(), kLines - 1);
}

TEST(LineQueue, full_it_spares_the_lines_that_are_being_written) {
  net::Bell bell;
  LineQueue queue(bell);
  queue.push(line(0));
  queue.push(line(1));
  const auto piece = queue.take();
  constexpr std::size_t kLines = 2 * LineQueue::kChunks * kLinesOfAChunk;
  for (std::size_t i = 2; i < kLines; ++i) queue.push(line(i));
  EXPECT_THAT(numbers(piece.lines), ElementsAre(0, 1));
  queue.done();
  const auto left = take_all(queue);
  EXPECT_EQ(left.size() + 2 + queue.lost(), kLines);
  EXPECT_EQ(left.front(), 2u) << "its chunk was not touched";
  EXPECT_EQ(left.back(), kLines - 1);
}

TEST(LineQueue, lines_taken_before_the_loss_are_not_counted_as_lost) {
  net::Bell bell;
  LineQueue queue(bell);
  for (std::size_t i = 0; i < 10; ++i) queue.push(line(i));
  EXPECT_EQ(take_all(queue).size(), 10u);
  constexpr std::size_t kLines = 2 * LineQueue::kChunks * kLinesOfAChunk;
  for (std::size_t i = 10; i < kLines; ++i) queue.push(line(i));
  EXPECT_EQ(take_all(queue).size() + 10 + queue.lost(), kLines);
}

TEST(LineQueue, goes_on_after_it_gave_memory_back) {
  net::Bell bell;
  LineQueue queue(bell);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 4 * kLinesOfAChunk; ++i) queue.push(line(i));
    queue.shed();
    EXPECT_EQ(take_all(queue).size(), 4 * kLinesOfAChunk);
    queue.shed();
  }
}

TEST(LineQueue, a_line_longer_than_a_chunk_is_lost_alone) {
  net::Bell bell;
  LineQueue queue(bell);
  queue.push(line(1));
  queue.push(line(2, LineQueue::kChunkBytes + 1));
  queue.push(line(3));
  EXPECT_THAT(take_all(queue), ElementsAre(1, 3));
  EXPECT_EQ(queue.lost(), 1u);
}

TEST(LineQueue, two_threads_lose_nothing_that_is_not_counted) {
  net::Bell bell;
  LineQueue queue(bell);
  constexpr std::size_t kLines = 20'000;
  std::atomic<bool> all_pushed{false};
  std::jthread producer([&] {
    for (std::size_t i = 0; i < kLines; ++i) queue.push(line(i, 20 + i % 700));
    all_pushed = true;
  });
  std::size_t taken = 0, next = 0;
  const auto take = [&] {
    for (const std::size_t number : take_all(queue)) {
      ASSERT_GE(number, next) << "in order";
      next = number + 1;
      ++taken;
    }
  };
  while (!all_pushed) take();
  take();
  EXPECT_EQ(taken + queue.lost(), kLines);
  EXPECT_EQ(next, kLines) << "the newest line survives";
}

}  // namespace
}  // namespace gantry::observe
