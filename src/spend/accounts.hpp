#pragma once
// The process's book of accounts: who has which limits, and the pots that calls take their holds from
// (DESIGN §5, docs/decisions/0011). Pure: time is an argument.
//
// Threads. Calls take and end holds on any thread. What is below "leases" is for one thread at a time, the
// one that speaks with the ledger; it tells what the ledger said of limits, by set() and granted(), in the
// order in which the ledger said it. A call that fits waits for nobody but those who are alone (gate.hpp): a
// call that was turned down and asks again, a change of an account, a roll-over.
//
// Refusals. A hold is taken from leaf to root and undone when it does not fit everywhere, and what is about
// to be undone may be in another's way. So whoever was turned down asks again alone, and only what lacks then
// is a Shortage. It is not a refusal yet: the ledger may have more to lease.
//
// Windows. The caller's time is the ledger's, as well as it knows it. Windows only go forward: when time
// steps back, calls are charged to the windows that were reached, so a call is charged later than its own
// moment by as much as the clock has been ahead at most. A clock that was years ahead is mended by a new
// start.
//
// Limits. What is granted never lets this process exceed a limit that it knows, whatever was leased before it
// changed. A pot stays the same for its whole window, also when its limit goes and comes back, because the
// ledger counts what was granted and spent in it. Holds taken while an account had no limit are not in the
// pot that it gets (Hold::places); until they end, a new limit does not know of them.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "spend/account.hpp"
#include "spend/gate.hpp"
#include "spend/hold.hpp"
#include "spend/pot.hpp"

namespace gantry::spend {

/// One account in the book. Its address is good as long as the book: about 200 bytes an account that ever
/// was.
class AccountNode {
 public:
  AccountNode(AccountId id, AccountNode* parent) : id_(id), parent_(parent) {}
  AccountNode(const AccountNode&) = delete;
  [[nodiscard]] AccountId id() const { return id_; }
  [[nodiscard]] const AccountNode* parent() const { return parent_; }
  /// Whether it or an account above it has a limit. Any thread.
  [[nodiscard]] bool limited() const {
    const bool own = limited_.load(std::memory_order_relaxed) != 0;
    return own || (parent_ && parent_->limited());
  }

 private:
  friend class Accounts;
  struct Budget {
    std::optional<PicoUsd> limit;
    std::unique_ptr<Pot> pot;                  // of the window that was reached
    std::unique_ptr<Pot> ahead;                // of the next one
    std::vector<std::unique_ptr<Pot>> passed;  // still with open ends
    std::vector<std::unique_ptr<Pot>> lost;    // likewise, under a name that this process no longer has
  };
  const AccountId id_;
  AccountNode* const parent_;
  std::atomic<std::uint8_t> limited_{0};        // bit for each period with a limit
  std::array<Budget, kPeriodCount> budgets_{};  // changed alone, read together
};

/// What the ledger said of a pot (ledger::Lease).
struct Granted {
  PicoUsd total{};                 ///< to this process, in all
  std::optional<PicoUsd> limit{};  ///< nullopt: there is none
  PicoUsd settled{}, pending{};
  PicoUsd leased{};  ///< what all processes own and have not spent, this one too
};
/// What to ask the ledger for: granted must come to `least`, in all, and should come to `most`.
struct Wish {
  PotId pot;
  PicoUsd least, most;
};
/// A pot that has more than it needs.
struct Idle {
  PotId pot;
  PicoUsd keep;  ///< what granted may be lowered to
};
/// A pot of a window that is over, with nothing open: `committed` is what it came to. It is gone.
struct Passed {
  PotId pot;
  PicoUsd committed;
};
struct Survey {
  std::vector<Wish> wishes;
  std::vector<Idle> idle;
  std::vector<Passed> passed;
};
struct PotState {
  PicoUsd committed, granted;
  std::uint32_t open = 0;  ///< holds and pending costs
};

class Accounts {
 public:
  /// How long before its window ends the next one is leased.
  static constexpr Duration kAhead = std::chrono::seconds{30};

  Accounts() = default;
  Accounts(const Accounts&) = delete;

  // ---- accounts

  /// Adds an account or changes its limits. The parent of one that is known stays as it is. Errors: internal
  /// when there would be more levels than kLevels.
  Result<AccountNode*> set(AccountId id, AccountNode* parent, const Limits& limits);
  /// nullptr when it was never set.
  [[nodiscard]] AccountNode* find(AccountId id);

  // ---- calls

  /// Sets money aside in each account from `leaf` up that has limits. Errors: what is lacking.
  [[nodiscard]] std::expected<Hold, Shortage> take(AccountNode& leaf, PicoUsd amount, WallTime now);

  // ---- leases: one thread at a time. Between the ledger's answer and granted() no keep() of the same pot,
  // and keep() before the ledger is told of it.

  /// What a pot that lacks asks for: what is needed, and beyond it ten seconds of recent spend.
  [[nodiscard]] Wish lease_wish(const Lack& lack, WallTime now);
  /// False when there is no such pot (any more). A limit that is news is taken over.
  bool granted(PotId pot, const Granted& lease);
  /// What a pot does not need soon; nullopt when it has no such thing.
  [[nodiscard]] std::optional<PicoUsd> idle(PotId pot, WallTime now);
  /// Lowers what is granted to `wanted`, but not below what is committed; returns what the ledger may be told
  /// to leave.
  PicoUsd keep(PotId pot, PicoUsd wanted);
  /// The same account's pot in the next window, made if need be, so that it can be leased before it begins.
  /// nullopt for all time, or when there is no such pot.
  std::optional<PotId> next_pot(PotId pot);
  /// For the leaser's tick, about once a second: samples all pots, says which will soon lack something or
  /// have too much, and drops those whose time is over.
  Survey survey(WallTime now);
  /// This process's holder was ended from outside: it grants nothing out of its leases any more and counts
  /// from zero under its new name. Open holds end where they are, and cannot grow any more.
  void lose_leases();

  [[nodiscard]] std::optional<PotState> look(PotId pot);

 private:
  using Budget = AccountNode::Budget;

  // Inside the gate, with others or alone.
  [[nodiscard]] WallTime reached(WallTime now) const;
  [[nodiscard]] AccountNode* node(AccountId id) const;
  [[nodiscard]] Budget* budget(PotId id) const;
  [[nodiscard]] Pot* pot(PotId id) const;
  static bool collect(const AccountNode& leaf, WallTime at, Pots& pots);
  struct Due;
  static void sample(AccountNode& node, WallTime now, Survey& found, Due& due);

  // Alone.
  void roll(AccountNode& leaf, WallTime at);
  void roll(Budget& budget, PotId to);
  static void drop_passed(Budget& budget, std::vector<Passed>& gone);
  static void limit(AccountNode& node, Period period, std::optional<PicoUsd> limit);

  std::expected<Hold, Shortage> take_alone(AccountNode& leaf, PicoUsd amount, WallTime now);

  Gate gate_;
  std::atomic<Duration::rep> reached_{WallTime::min().time_since_epoch().count()};
  std::unordered_map<std::int64_t, std::unique_ptr<AccountNode>> nodes_;
  std::vector<AccountNode*> listed_;
};

}  // namespace gantry::spend
