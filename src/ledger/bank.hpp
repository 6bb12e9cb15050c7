#pragma once
// Money for calls: a hold out of what this process has leased, and a lease when that does not suffice (DESIGN
// §5, docs/decisions/0011). Pots are in memory and answer at once; a pot that lacks waits for one durable
// write, which is shared by all calls that wait at that time.
//
// Others. What does not fit because other processes own the rest is asked back of them. The call waits until
// all of them that are alive have answered, once, and for kRecallWait at most.
//
// Time. Nothing is granted out of leases whose holder the ledger may take for dead: when the last heartbeat
// that was answered is four fifths of a life ago, a call waits for the next one, or hears that the ledger is
// away.

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
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
  /// Holds and pending costs of this process, and what others own: they have given back what they do not
  /// need, where it could have helped.
  PicoUsd held{};
  PicoUsd lost{};    ///< of it what processes own that are gone, until their journals were read
  PicoUsd amount{};  ///< what was to be set aside
};
/// Why nothing was set aside: a budget, or a ledger that does not answer.
using NoHold = std::variant<OverBudget, Failure>;

class Bank {
 public:
  static constexpr Duration kRecallWait = std::chrono::seconds{2};

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
  /// Out of what is leased. Any thread, waits for nobody. A Shortage of nothing: the leases' time is over.
  [[nodiscard]] std::expected<spend::Hold, spend::Shortage> take(spend::AccountNode& leaf, PicoUsd amount) {
    if (leaf.limited() && is_late()) return std::unexpected(spend::Shortage{});
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
  /// Gives back what others lack, and looks whether others gave back what calls here wait for. Some times a
  /// second, on the recorder's thread.
  void glance(Ledger& ledger);

 private:
  /// Who may be asked to give back, before a call hears that there is nothing left.
  enum class Ask : std::uint8_t { others, nobody };
  /// A call that lacks, and what it is told.
  struct Waiting {
    net::Loop& loop;
    spend::Shortage shortage;
    Ask ask;
    net::Signal done{};
    std::expected<void, NoHold> answer{};
    std::vector<std::pair<spend::PotId, std::int64_t>> asked{};  ///< recalls that it waits for
    MonoTime until{};
  };
  using AllWaiting = std::vector<std::shared_ptr<Waiting>>;
  using Verdict = std::expected<void, NoHold>;

  /// Once it has waited for others, `ask` says that nobody is to be asked again.
  Task<Verdict> lease(net::Loop& loop, spend::Shortage shortage, Ask& ask);
  void lease_all(Ledger& ledger);
  Result<std::vector<Lease>> lease_for(Ledger& ledger, const AllWaiting& all);
  Result<std::vector<Lease>> lease_pots(Ledger& ledger, const std::vector<LeaseWish>& wishes);
  void answer_all(const AllWaiting& all, const Result<std::vector<Lease>>& leases);
  [[nodiscard]] std::optional<Verdict> verdict(Waiting& waiting, const Result<std::vector<Lease>>& leases);
  [[nodiscard]] OverBudget over_budget(const spend::Lack& lack, const Lease& lease);
  [[nodiscard]] std::optional<std::int64_t> waits_for(const Waiting& waiting, const Lease& lease) const;
  void answer_recalls(Ledger& ledger);
  [[nodiscard]] bool is_late() const {
    return time_.mono().time_since_epoch().count() >= good_until_.load(std::memory_order_relaxed);
  }
  Result<void> stay_alive(Ledger& ledger);
  Result<void> stay_in_time(Ledger& ledger);
  void alive_since(MonoTime asked);
  void give_back(Ledger& ledger, const std::vector<spend::Idle>& idle);
  Result<void> begin_anew();

  Recorder& recorder_;
  const TimeSource& time_;
  std::atomic<Duration::rep> ahead_{0};  // the ledger's clock before this machine's
  std::atomic<Duration::rep> good_until_{MonoTime::min().time_since_epoch().count()};  // the leases
  spend::Accounts accounts_;

  mutable std::mutex mutex_;
  AllWaiting waiting_;
  std::unordered_map<std::uint64_t, spend::PendingHold> pending_;
  std::unordered_map<std::int64_t, std::string> names_;

  AllWaiting recalled_;  // until others have answered; on the recorder's thread
};

}  // namespace gantry::ledger
