#pragma once
// Finds out what attempts cost whose end did not tell (DESIGN §5, Pending): OpenRouter is asked for the
// generation, patiently, since its record comes late (CONTRACT §4.6); what nobody can tell is booked at its
// estimate when its time is over, and marked as assumed. One a process, on one shard's loop, never on the way
// of a call.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/task.hpp"
#include "base/time.hpp"
#include "ledger/bank.hpp"
#include "net/loop.hpp"

namespace gantry::engine {

class Shard;

class Reconciler {
 public:
  /// All outlive it.
  Reconciler(Shard& shard, ledger::Recorder& recorder, ledger::Bank& bank)
      : shard_(shard), recorder_(recorder), bank_(bank) {}
  Reconciler(const Reconciler&) = delete;

  /// On the shard's thread.
  void start();

 private:
  /// How often one was asked for, and when it may be again.
  struct Patience {
    int asked = 0;
    MonoTime next{};
  };

  void arm();
  Task<void> round();
  Task<void> look_at(ledger::Pending pending);
  Task<void> ask(ledger::Pending pending);
  Task<void> book(ledger::Resolution resolution);
  void forget_settled(const std::vector<ledger::Pending>& still);

  Shard& shard_;
  ledger::Recorder& recorder_;
  ledger::Bank& bank_;
  std::unordered_map<std::uint64_t, Patience> patience_;  // by attempt
  net::Timer timer_;
};

}  // namespace gantry::engine
