#include "base/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gantry {
namespace {

// A place to suspend at, resumed by the test.
struct Gate {
  std::coroutine_handle<> waiting;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { waiting = self; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting, {}).resume(); }
};

Task<int> value_of(int value) { co_return value; }

Task<int> sum_of(int a, int b) {
  const int first = co_await value_of(a);
  const int second = co_await value_of(b);
  co_return first + second;
}

Task<> note(std::vector<std::string>& log, std::string what) {
  log.push_back(std::move(what));
  co_return;
}

template <class T>
T run(Task<T>& task) {
  task.handle().resume();
  EXPECT_TRUE(task.done());
  return task.handle().promise().take();
}

TEST(Task, does_not_start_before_it_is_awaited) {
  std::vector<std::string> log;
  {
    Task<> never = note(log, "ran");
    EXPECT_FALSE(never.done());
  }
  EXPECT_TRUE(log.empty());
}

TEST(Task, gives_the_awaiter_its_value) {
  Task<int> task = sum_of(40, 2);
  EXPECT_EQ(run(task), 42);
}

Task<std::unique_ptr<int>> make_unique_value() { co_return std::make_unique<int>(7); }

Task<int> unwrap() {
  auto value = co_await make_unique_value();
  co_return *value;
}

TEST(Task, carries_values_that_can_only_move) {
  Task<int> task = unwrap();
  EXPECT_EQ(run(task), 7);
}

Task<> in_order(Gate& gate, std::vector<std::string>& log) {
  log.emplace_back("before");
  co_await gate;
  log.emplace_back("after");
  co_await note(log, "last");
}

TEST(Task, goes_on_where_it_was_suspended) {
  Gate gate;
  std::vector<std::string> log;
  Task<> task = in_order(gate, log);
  task.handle().resume();
  EXPECT_EQ(log, (std::vector<std::string>{"before"}));
  EXPECT_FALSE(task.done());
  gate.open();
  EXPECT_EQ(log, (std::vector<std::string>{"before", "after", "last"}));
  EXPECT_TRUE(task.done());
}

struct Witness {
  int* alive;
  explicit Witness(int& count) : alive(&count) { ++*alive; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { --*alive; }
};

Task<> hold(Gate& gate, int& alive) {
  const Witness witness(alive);
  co_await gate;
}

Task<> hold_through(Gate& gate, int& alive) {
  const Witness witness(alive);
  co_await hold(gate, alive);
}

TEST(Task, destroys_a_suspended_chain_from_the_outside_in) {
  Gate gate;
  int alive = 0;
  {
    Task<> task = hold_through(gate, alive);
    task.handle().resume();
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Task, moves_with_its_frame) {
  Gate gate;
  int alive = 0;
  Task<> first = hold(gate, alive);
  first.handle().resume();
  Task<> second = std::move(first);
  EXPECT_TRUE(first.done()) << "an empty task has nothing left to do";  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(alive, 1);
  second = Task<>();
  EXPECT_EQ(alive, 0);
}

Task<int> descend(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await descend(depth - 1);
  co_return below + 1;
}

TEST(Task, awaits_to_any_depth_without_using_the_stack) {
  // A frame of the machine's stack a level would need tens of megabytes here, far more than a thread has.
  Task<int> task = descend(200'000);
  EXPECT_EQ(run(task), 200'000);
}

Task<int> many(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    const int one = co_await value_of(1);
    sum += one;
  }
  co_return sum;
}

TEST(Task, awaits_any_number_of_ready_tasks_without_using_the_stack) {
  Task<int> task = many(200'000);
  EXPECT_EQ(run(task), 200'000);
}

TEST(FramePool, takes_frames_back_from_another_thread) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 1000; ++i) tasks.push_back(descend(3));
  std::thread other([mine = std::move(tasks)]() mutable {
    for (auto& task : mine) EXPECT_EQ(run(task), 3);
    mine.clear();
  });
  other.join();
}

TEST(FramePool, gives_memory_of_every_size) {
  std::vector<std::pair<void*, std::size_t>> frames;
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : {1UL, 127UL, 128UL, 129UL, 3072UL, 3073UL, 100'000UL}) {
      auto* memory = static_cast<unsigned char*>(allocate_frame(size));
      for (std::size_t i = 0; i < size; ++i) memory[i] = static_cast<unsigned char>(size);
      frames.emplace_back(memory, size);
    }
    for (const auto& [memory, size] : frames) {
      const auto* bytes = static_cast<const unsigned char*>(memory);
      EXPECT_EQ(bytes[0], static_cast<unsigned char>(size)) << "frames of " << size << " bytes overlap";
      EXPECT_EQ(bytes[size - 1], static_cast<unsigned char>(size));
      free_frame(memory, size);
    }
    frames.clear();
  }
}

}  // namespace
}  // namespace gantry
