#pragma once
// Money for calls: a hold out of what this process has leased, and a lease when that does not suffice (DESIGN
// §5, docs/decisions/0011). Pots are in memory and answer at once; a pot that lacks waits for one durable
// write, which is shared by all calls that wait at that time.

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "base/time.hpp"
#include "ledger/recorder.hpp"
#include "net/loop.hpp"
#include "spend/accounts.hpp"

namespace gantry::ledger {

/// A budget that does not hold the call: what is left is less than it may cost.
struct OverBudget {
  spend::PotId pot{};
  PicoUsd limit{}, settled{};
  PicoUsd held{};    ///< holds and pending costs, of all processes
  PicoUsd amount{};  ///< what was to be set aside
};
/// Why nothing was set aside: a budget, or a ledger that does not answer.
using NoHold = std::variant<OverBudget, Failure>;

class Bank {
 public:
  /// Both outlive it. Call before the recorder starts.
  Bank(Recorder& recorder, const TimeSource& time);
  Bank(const Bank&) = delete;

  /// The ledger's time, as well as this process knows it: it decides the windows. Any thread.
  [[nodiscard]] WallTime now() const;

  // ---- accounts
  /// Takes over who exists and with which limits. On the recorder's thread, or before it starts.
  Result<void> take_over(const Directory& directory);
  /// For people: the project "web", the key "batch".
  [[nodiscard]] std::string name_of(AccountId id) const;
  /// Of an account that was taken over. Its address is good as long as the bank. Any thread.
  [[nodiscard]] spend::AccountNode* account(AccountId id) { return accounts_.find(id); }

  // ---- calls
  /// Out of what is leased. Any thread, waits for nobody.
  [[nodiscard]] std::expected<spend::Hold, spend::Shortage> take(spend::AccountNode& leaf, PicoUsd amount) {
    return accounts_.take(leaf, amount, now());
  }
  /// The same with a lease where that lacks. `loop` is the caller's.
  Task<std::expected<spend::Hold, NoHold>> hold(net::Loop& loop, spend::AccountNode& leaf, PicoUsd amount);
  /// More for a hold that exists. On failure it is as it was.
  Task<std::expected<void, NoHold>> extend(net::Loop& loop, spend::Hold& hold, PicoUsd by);

  /// An attempt's cost that is not known: counts until resolve(). Any thread.
  void keep(AttemptId attempt, spend::PendingHold pending);
  /// Books what it turned out to cost, in the ledger and in memory; nullopt when it was booked before. On the
  /// recorder's thread.
  Result<std::optional<Pending>> resolve(Ledger& ledger, const Resolution& resolution);
  /// Costs of this run that are not known. Any thread.
  [[nodiscard]] std::size_t pending() const;

  /// Leases ahead, gives back what is idle, keeps the holder alive. About once a second, on the recorder's
  /// thread.
  void tick(Ledger& ledger);

 private:
  /// A call that lacks, and what it is told.
  struct Waiting {
    net::Loop& loop;
    spend::Shortage shortage;
    net::Signal done{};
    std::expected<void, NoHold> answer{};
  };

  Task<std::expected<void, NoHold>> lease(net::Loop& loop, spend::Shortage shortage);
  void lease_all(Ledger& ledger);
  Result<std::vector<Lease>> lease_pots(Ledger& ledger, const std::vector<LeaseWish>& wishes);
  [[nodiscard]] std::expected<void, NoHold> verdict(const spend::Shortage& shortage,
                                                    const Result<std::vector<Lease>>& leases);
  [[nodiscard]] bool held_back(const Lease& lease, const spend::Lack& lack);
  void stay_alive(Ledger& ledger);
  void give_back(Ledger& ledger, const std::vector<spend::Idle>& idle);
  Result<void> begin_anew();

  Recorder& recorder_;
  const TimeSource& time_;
  std::atomic<Duration::rep> ahead_{0};  // the ledger's clock before this machine's
  spend::Accounts accounts_;

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Waiting>> waiting_;
  std::unordered_map<std::uint64_t, spend::PendingHold> pending_;
  std::unordered_map<std::int64_t, std::string> names_;
};

}  // namespace gantry::ledger
