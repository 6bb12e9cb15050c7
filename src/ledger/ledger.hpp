#pragma once
// The ledger: what must survive. Accounts, client keys, leases, attempts and their costs, alerts that were
// given (DESIGN §5). One implementation over a small SQL driver; SQLite and PostgreSQL are the drivers, and
// one contract suite runs on both.
//
// Blocking, and used by one thread at a time: the recorder's (recorder.hpp), or a command that holds the
// state directory. Every change is one transaction: it is there as a whole after any crash, or not at all.
//
// The rule of leases, for each pot (account, window) with a limit:
//
//     settled + pending + Σ over live holders of max(0, granted − spent) ≤ limit,
//
// but for overshoot, which counts in `settled`. `granted` is what a holder may have committed in all in that
// window (settled, held and pending together, since it began); `spent` is what of it the ledger has seen end,
// by apply().

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ledger/entries.hpp"
#include "spend/account.hpp"

namespace gantry::ledger {

using spend::AccountId;
using spend::PotId;

// ---- who

/// What each ledger has from its beginning. Calls without a client key are charged to the last one, a key
/// named "-" that never has a secret.
inline constexpr AccountId kOrganisation{1}, kDefaultProject{2}, kKeyless{3};

struct Account {
  AccountId id;
  spend::AccountKind kind = spend::AccountKind::organisation;
  AccountId parent;  ///< none for the organisation
  std::string name;  ///< unique among its siblings that are not deleted
  spend::Limits limits;
  bool disabled = false;  ///< a project or a key that takes no calls
  WallTime created{};
};

/// The hash of one secret of a client key. During a rotation a key has two.
struct KeySecret {
  std::string hash;   ///< SHA-256, 64 lower-case hexadecimal digits
  std::string shown;  ///< "gk-abc…123": enough to recognise it
  WallTime created{};
  std::optional<WallTime> expires{};  ///< from then on it is not accepted
};

/// A client key is an account with secrets and a policy. The ledger does not read the policy
/// (access/key_policy).
struct ClientKey {
  Account account;
  std::string policy;  ///< JSON
  std::optional<WallTime> expires{};
  std::vector<KeySecret> secrets;
};

/// Everything that decides who may call, at one revision: it grows with every change of accounts and keys.
struct Directory {
  std::int64_t revision = 0;
  std::vector<Account> accounts;  ///< organisation and projects, without deleted ones
  std::vector<ClientKey> keys;    ///< the same
};

/// What a change leaves as it is, and what it sets: nullopt inside is "no limit", "never".
struct AccountChange {
  std::optional<std::string> name{};
  std::array<std::optional<std::optional<PicoUsd>>, spend::kPeriodCount> limits{};
  std::optional<bool> disabled{};
};
struct KeyChange {
  AccountChange account{};
  std::optional<std::string> policy{};
  std::optional<std::optional<WallTime>> expires{};
};

// ---- leases

/// A process run that owns leases and writes journals.
struct HolderId {
  std::int64_t value = 0;
  auto operator<=>(const HolderId&) const = default;
};

/// A holder that did not end yet.
struct Holder {
  HolderId id{};
  std::string name;
  WallTime began{}, lives_until{};
  PicoUsd leased;  ///< granted and not spent, in all its pots
  /// Its attempts that began and did not end, as far as its journals were applied, and their estimates.
  std::int64_t open = 0;
  PicoUsd open_estimate{};
  std::int64_t pending = 0;  ///< that ended, at a cost that nobody knows
  PicoUsd pending_estimate{};
};

struct LeaseWish {
  PotId pot;
  PicoUsd least;        ///< granted must come to this, in all, or nothing changes
  PicoUsd most;         ///< and should come to this, as far as it fits
  bool recall = false;  ///< where it does not fit, others are asked to give back what they do not need
};
/// A pot that somebody lacked in: holders that own something of it answer with give_back().
struct Recall {
  PotId pot;
  std::int64_t number = 0;  ///< of all recalls; a later one is larger
};
/// What became of a wish, and what the pot looks like after it.
struct Lease {
  PotId pot;
  bool enough = false;
  PicoUsd granted{};               ///< in all, to this holder
  std::optional<PicoUsd> limit{};  ///< nullopt: there is none, nothing needs to be leased; 0 when removed
  PicoUsd settled{}, pending{};
  PicoUsd leased{};     ///< what all holders own and have not spent, this one too
  PicoUsd elsewhere{};  ///< of it what others own
  PicoUsd lost{};       ///< of that what holders own whose heart stopped: nobody can give it back now
  /// Asked by this wish; 0 when it fits, or when nothing that could be given back would make it fit.
  std::int64_t recall = 0;
  /// Every other holder that is alive and owns something has answered recalls up to this one.
  std::int64_t answered = 0;
};
struct Return {
  PotId pot;
  PicoUsd granted;          ///< what the holder keeps, in all; never below what it has committed
  std::int64_t recall = 0;  ///< answers this one, and those before it
};

// ---- attempts

struct JournalPosition {
  std::uint32_t shard = 0;
  std::uint64_t sequence = 0;  ///< of the last entry that was applied; 0 = none
};

/// An attempt whose cost nobody knows yet.
struct Pending {
  AttemptId attempt{};
  HolderId holder{};
  spend::Path payer{};
  WallTime began{}, ended{};
  PicoUsd estimate{};
  std::string generation;  ///< "" when upstream never named it
  std::string model, upstream, upstream_key;
  bool operator==(const Pending&) const = default;
};
/// What a pending attempt turned out to cost.
struct Resolution {
  AttemptId attempt{};
  PicoUsd cost{};
  PicoUsd upstream_cost{};
  spend::CostSource source = spend::CostSource::told;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::string served_model{}, provider{};
};

// ---- what was spent

struct Spent {
  std::optional<PicoUsd> limit;
  PicoUsd settled, pending, leased, overshoot;
};

enum class UsageBy : std::uint8_t { key, project, model, day };
struct UsageQuery {
  WallTime from{}, to{};  ///< whole UTC days: from the day of `from` to that of `to`, both in it
  std::vector<UsageBy> by{};
  std::optional<AccountId> key{}, project{};
};
struct UsageRow {
  std::string key, project, model, day;    ///< of those that the query groups by; else ""
  AccountId key_account, project_account;  ///< the same: names come again after a removal, accounts do not
  std::int64_t calls = 0;                  ///< attempts whose answer was delivered
  std::int64_t attempts = 0;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  PicoUsd cost;                    ///< settled, all sources
  PicoUsd upstream_cost;           ///< BYOK
  PicoUsd computed, assumed;       ///< of the cost, by their source
  std::array<PicoUsd, 5> waste{};  ///< by spend::Waste; [none] is what bought an answer
  PicoUsd overshoot, pending;
};

/// What was settled on an account in one hour.
struct HourCost {
  AccountId account;
  PicoUsd cost;
  bool operator==(const HourCost&) const = default;
};

/// What upstream told of a key and what was booked for it over the looks of one day (DESIGN §5, totals).
struct UpstreamTotal {
  std::string upstream_key;
  std::string day;      ///< 2026-11-24, UTC; a look counts on the day on which it was
  PicoUsd told;         ///< growth of `usage` that GET /key told
  PicoUsd booked;       ///< settled on that key over the same time
  PicoUsd unexplained;  ///< of it nobody here spent; negative where too much was booked (spend/totals.hpp)
  bool operator==(const UpstreamTotal&) const = default;
};
/// One look: the answer of GET /key.
struct UsageTold {
  std::string upstream_key;
  std::string mark;  ///< tells another key under the name apart; no secret
  PicoUsd usage;
  std::string day;   ///< to whose row it is added
  WallTime since{};  ///< a look that was made after this, by the ledger's clock, counts instead of this one
};

class Ledger {
 public:
  virtual ~Ledger() = default;

  /// The ledger's own clock: decides windows and expiry for all replicas.
  virtual Result<WallTime> now() = 0;

  // ---- accounts and keys. Errors: bad_input (a name that is taken, a parent that does not exist),
  // not_found.
  virtual Result<std::int64_t> revision() = 0;
  virtual Result<Directory> directory() = 0;
  virtual Result<AccountId> add_project(std::string_view name, const spend::Limits& limits) = 0;
  virtual Result<AccountId> add_key(AccountId project, const ClientKey& key) = 0;
  virtual Result<void> change(AccountId account, const AccountChange& change) = 0;
  virtual Result<void> change_key(AccountId key, const KeyChange& change) = 0;
  /// Adds a secret; those that the key had before expire at `old_until`, unless they expire sooner.
  virtual Result<void> rotate(AccountId key, const KeySecret& secret, WallTime old_until) = 0;
  /// A deleted key or project (without keys) is in no directory; what it spent stays in usage under its name.
  virtual Result<void> remove(AccountId account) = 0;

  // ---- holders and leases
  virtual Result<HolderId> begin_holder(std::string_view name, Duration lives) = 0;
  /// Prolongs all leases of the holder, also of one that was not heard of for longer than it lives: nobody
  /// else got them meanwhile. Errors: not_found when it ended: it grants nothing any more.
  virtual Result<void> heartbeat(HolderId holder, Duration lives) = 0;
  /// What it granted and did not spend comes back; its attempts without an end become pending. After its
  /// journal was applied to the end. Ending it again changes nothing more. Errors: not_found.
  virtual Result<void> end_holder(HolderId holder) = 0;
  /// The same for one whose state directory is lost: an operator says that what it leased was not spent.
  /// Errors: refused while it is alive.
  virtual Result<void> give_up(HolderId holder) = 0;
  /// Holders of this name that began and did not end, whatever their heartbeat says: the name is that of one
  /// state directory, and the caller has its lock, so that nobody is alive behind them. Before
  /// begin_holder().
  virtual Result<std::vector<HolderId>> left_behind(std::string_view name) = 0;
  /// Whether a holder of this number ever began under this name.
  virtual Result<bool> began(HolderId holder, std::string_view name) = 0;
  /// A holder of whom only its journals tell, because the ledger was restored from before it began: begins it
  /// under its number. Errors: bad_input when that number is somebody else's.
  virtual Result<void> begin_again(HolderId holder, std::string_view name) = 0;
  /// All that did not end, the oldest first.
  virtual Result<std::vector<Holder>> holders() = 0;
  /// One answer a wish, in their order. While a pot is recalled, and some seconds after, nobody is granted
  /// more of it than the least. Errors: not_found when the holder ended, or was not heard of for too long.
  virtual Result<std::vector<Lease>> lease(HolderId holder, std::span<const LeaseWish> wishes) = 0;
  /// Errors: not_found when the holder ended.
  virtual Result<void> give_back(HolderId holder, std::span<const Return> returns) = 0;
  /// What this holder is asked to give back of and has not answered.
  virtual Result<std::vector<Recall>> recalls(HolderId holder) = 0;

  // ---- attempts
  /// Applies entries in their order and stores the position, in one transaction. Entries up to a position
  /// that is stored already are passed over, so that a replay books nothing twice. An entry that speaks of an
  /// attempt nobody knows, or begins one that began, is passed over and counted in check(), and so is a gap
  /// in the sequence. A holder that ended is no error: what its journal tells late is booked, too. Errors:
  /// not_found when there never was such a holder.
  virtual Result<void> apply(HolderId holder, std::uint32_t shard, std::uint64_t first_sequence,
                             std::span<const Entry> entries) = 0;
  virtual Result<std::vector<JournalPosition>> positions(HolderId holder) = 0;
  /// The oldest first, by their end.
  virtual Result<std::vector<Pending>> pending(std::size_t most) = 0;
  /// What was pending is settled: returns it as it was; nullopt when it was settled already. When its holder
  /// is `by`, the leases follow, and `by` must change its own `committed` by cost − estimate, too. Another
  /// holder does not hear of it and goes on counting its estimate, so its leases stay as they are.
  virtual Result<std::optional<Pending>> resolve(HolderId by, const Resolution& resolution) = 0;

  // ---- reading
  /// Accounts that apply(), resolve() or end_holder() charged since this was last asked; of this process.
  virtual std::vector<AccountId> charged() = 0;
  virtual Result<std::array<Spent, spend::kPeriodCount>> spent(AccountId account) = 0;
  virtual Result<std::vector<UsageRow>> usage(const UsageQuery& query) = 0;
  /// Which key's attempt made this generation.
  virtual Result<std::optional<AccountId>> owner(std::string_view generation) = 0;
  /// The accounts that spent `least` or more in the hour (UTC) of `at`, by when their attempts ended.
  virtual Result<std::vector<HourCost>> hour(WallTime at, PicoUsd least) = 0;
  /// What each hour of the seven days before the hour of `at` cost, the oldest first, also those without any
  /// cost; from the first one on in which the account ever spent.
  virtual Result<std::vector<PicoUsd>> hours_before(AccountId account, WallTime at) = 0;
  /// Hours before that of `at`; the last of them stays for each account, so that it is known to have spent
  /// before.
  virtual Result<void> forget_hours(WallTime at) = 0;

  // ---- around it
  /// True the first time that this is said: alerts are given once.
  virtual Result<bool> first_time(std::string_view event) = 0;
  virtual Result<void> keep(std::string_view name,
                            std::string_view document) = 0;  ///< the last good price list
  virtual Result<std::optional<std::string>> kept(std::string_view name) = 0;
  /// True when this is another document than the one that was kept under the name, or there was none: of
  /// several that see the same change, one is told so.
  virtual Result<bool> turns(std::string_view name, std::string_view document) = 0;
  /// Compares with the look before, whoever made it, and adds to the day's row, which is returned. nullopt:
  /// the comparing begins here, since it is the first look at this key, another key has its name, or its
  /// usage shrank; or another process has looked lately.
  virtual Result<std::optional<UpstreamTotal>> see_usage(const UsageTold& told) = 0;
  virtual Result<std::vector<UpstreamTotal>> totals(std::string_view from_day, std::string_view to_day) = 0;
  /// All that was ever settled on attempts with this upstream key.
  virtual Result<PicoUsd> booked(std::string_view upstream_key) = 0;

  /// A copy of the whole as a new file (0600), consistent, while it is in use. Errors: bad_input when the
  /// file is there already, or on PostgreSQL, which has its own tools.
  virtual Result<void> backup(const std::string& path) = 0;
  /// Sums that must agree, and the store's own integrity check: one line for each thing that is wrong.
  /// Errors: bad_input when the ledger has another schema than this program.
  virtual Result<std::vector<std::string>> check() = 0;
};

/// `where`: a file ("/var/lib/gantry/ledger.db"), ":memory:", or "postgres://…". Makes what is missing,
/// brings an older schema forward, and refuses a newer one that says it needs a newer program. `time` is the
/// ledger's clock for SQLite. Errors: bad_input and system, each with what to do; never with a password.
Result<std::unique_ptr<Ledger>> open(const std::string& where, const TimeSource& time);

/// The same beside whoever has it, to be read: nothing is made, brought forward or written. Errors: not_found
/// when there is none.
Result<std::unique_ptr<Ledger>> open_beside(const std::string& where, const TimeSource& time);

struct Restored {
  std::string kept{};                ///< where the file is that was there; "" when there was none
  std::vector<std::string> wrong{};  ///< check() of what is there now
  std::size_t journals = 0;          ///< files beside it, of runs that were killed: the next start reads them
  /// What the file that was there has booked or pending and the backup has not; nullopt when it cannot be
  /// read. What of it is in the journals is booked at the next start.
  std::optional<UsageRow> beyond{};
};
/// Puts a backup in the place of the ledger file `to`, in the state directory whose holders are named `name`
/// and whose lock the caller has. The copy is opened and checked before anything changes; the file that was
/// there stays, as `to` + ".replaced", or with a number behind that. Holders of whom only journals beside it
/// know are made known to it, those of other directories are ended: nobody is behind them. Errors: bad_input
/// when `backup` is no whole ledger, system.
Result<Restored> restore(const std::string& backup, const std::string& to, std::string_view name,
                         const TimeSource& time);

}  // namespace gantry::ledger
