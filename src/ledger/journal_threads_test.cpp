// A writer and a reader at full speed, each on its thread.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "ledger/journal.hpp"
#include "ledger/journal_test_kit.hpp"

namespace gantry::ledger {
namespace {

constexpr std::uint64_t kAttempts = 20'000;

// Waits where there is no room, as calls do not: every attempt is written here.
void write_attempts(JournalWriter& writer, std::atomic<bool>& done) {
  for (std::uint64_t i = 1; i <= kAttempts; ++i) {
    const std::string model = "model-" + std::to_string(i);
    while (!writer.write(AttemptBegun{.attempt = {i}, .model = model})) std::this_thread::yield();
    writer.write(GenerationSeen{{i}, model});
    if (i % 3 == 0)
      writer.write(AttemptPending{.attempt = {i}, .outcome = model});
    else
      writer.write(
          AttemptSettled{.attempt = {i}, .cost = {static_cast<std::int64_t>(i)}, .served_model = model});
  }
  done.store(true);
}

// What the entry with this sequence has to be.
void expect_entry(const Entry& entry, std::uint64_t sequence) {
  const std::uint64_t attempt = (sequence + 2) / 3;
  const std::string model = "model-" + std::to_string(attempt);
  if (const auto* begun = std::get_if<AttemptBegun>(&entry)) {
    ASSERT_EQ(sequence % 3, 1U);
    ASSERT_TRUE(begun->attempt.value == attempt && begun->model == model);
  } else if (const auto* seen = std::get_if<GenerationSeen>(&entry)) {
    ASSERT_EQ(sequence % 3, 2U);
    ASSERT_TRUE(seen->attempt.value == attempt && seen->generation == model);
  } else if (const auto* settled = std::get_if<AttemptSettled>(&entry)) {
    ASSERT_EQ(sequence % 3, 0U);
    ASSERT_TRUE(settled->attempt.value == attempt && settled->served_model == model);
  } else {
    ASSERT_EQ(std::get<AttemptPending>(entry).outcome, model);
  }
}

TEST(JournalThreads, a_reader_that_sleeps_when_it_is_idle_reads_everything_once_and_in_order) {
  Folder folder;
  net::Bell bell;
  JournalOptions options = small_segments();
  options.disk_bytes = 16 * options.segment_bytes;
  auto journal = Journal::open(folder.path(), kJournal, bell, options);
  ASSERT_TRUE(journal.has_value());
  JournalReader& reader = (*journal)->reader();
  std::atomic<bool> done{false};
  std::thread writing([&] { write_attempts((*journal)->writer(), done); });
  std::uint64_t next = 1;
  while (next <= 3 * kAttempts && !testing::Test::HasFatalFailure()) {
    std::ignore = reader.prepare();  // at its limit until entries are released
    const auto batch = reader.read(64);
    ASSERT_TRUE(batch.has_value()) << batch.error().detail;
    ASSERT_EQ(batch->first, next);
    for (const Entry& entry : batch->entries) expect_entry(entry, next++);
    if (batch->entries.empty())
      bell.sleep([&] { return reader.idle() && reader.prepare().has_value() && !done.load(); });
    else
      reader.release(next - 1);
  }
  writing.join();
  EXPECT_EQ(next, 3 * kAttempts + 1);
  EXPECT_TRUE(reader.idle());
  EXPECT_EQ(reader.lost(), 0U);
}

}  // namespace
}  // namespace gantry::ledger
