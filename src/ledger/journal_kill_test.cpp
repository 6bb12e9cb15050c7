// A process that writes is killed at any moment: all that it had told of is there.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <tuple>

#include "ledger/journal.hpp"
#include "ledger/journal_test_kit.hpp"

namespace {
thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace gantry::ledger {
namespace {

// The entry with this sequence, so that parent and child know the same ones.
std::string record_at(std::uint64_t sequence) {
  Entries entries(sequence);
  if (sequence % 3 == 1) return record_of(entries.begun(), sequence);
  if (sequence % 3 == 2) return record_of(entries.seen(), sequence);
  return record_of(entries.settled(), sequence);
}

// Writes until it is killed, and tells of every 16th entry.
[[noreturn]] void write_until_killed(const std::string& folder, int tell) {
  net::Bell bell;
  auto journal = Journal::open(folder, kJournal, bell, small_segments());
  if (!journal) ::_exit(2);
  JournalWriter& writer = (*journal)->writer();
  for (;;) {
    std::ignore = (*journal)->reader().prepare();
    const std::uint64_t sequence = writer.written() + 1;
    Entries entries(sequence);
    if (sequence % 3 == 1) {
      while (!writer.write(entries.begun())) ::pause();
    } else if (sequence % 3 == 2) {
      writer.write(entries.seen());
    } else {
      writer.write(entries.settled());
    }
    if (sequence % 16 == 0 && ::write(tell, &sequence, sizeof sequence) != sizeof sequence) ::_exit(3);
  }
}

TEST(JournalKill, everything_a_killed_process_had_written_is_replayed) {
  Random random(20261124);
  for (int round = 0; round < 20; ++round) {
    Folder folder;
    int pipes[2];
    ASSERT_EQ(::pipe(pipes), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipes[0]);
      write_until_killed(folder.path(), pipes[1]);
    }
    ::close(pipes[1]);
    std::uint64_t told = 0;
    const std::uint64_t enough = random.below(800);
    while (told < enough && ::read(pipes[0], &told, sizeof told) == sizeof told) {
    }
    ::kill(child, SIGKILL);
    while (::read(pipes[0], &told, sizeof told) == sizeof told) {
    }
    ::close(pipes[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit status " << WEXITSTATUS(status);
    const Replayed replayed = replay(folder.path());
    ASSERT_GE(replayed.records.size(), told);
    for (std::size_t i = 0; i < replayed.records.size(); ++i)
      ASSERT_EQ(replayed.records[i], record_at(i + 1));
  }
}

TEST(JournalKill, writing_takes_no_memory) {
  Folder folder;
  net::Bell bell;
  auto journal = Journal::open(folder.path(), kJournal, bell, small_segments());
  ASSERT_TRUE(journal.has_value());
  JournalWriter& writer = (*journal)->writer();
  Entries entries(1);
  const AttemptBegun begun = entries.begun();
  const GenerationSeen seen = entries.seen();
  const AttemptSettled settled = entries.settled();
  const std::size_t before = allocations;
  while (writer.has_room() && writer.write(begun)) writer.write(seen), writer.write(settled);
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_GT(writer.written(), 20U) << "through all its segments";
}

}  // namespace
}  // namespace gantry::ledger
