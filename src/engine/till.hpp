#pragma once
// A shard's dealings with money: the bank that all shards share, and the journal that this one writes. Who
// pays for a call, and one attempt's money from the hold to the bill (DESIGN §5).

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "base/random.hpp"
#include "base/task.hpp"
#include "ledger/bank.hpp"
#include "ledger/journal.hpp"
#include "spend/account.hpp"
#include "spend/accounts.hpp"

namespace gantry::engine {

/// Whom a call is charged to. Without an account nobody keeps books.
struct Payer {
  spend::AccountNode* account = nullptr;
  spend::Path path{};
};

/// Who pays for what no client key asked for.
Payer keyless(ledger::Bank& bank);

struct Till {
  ledger::Bank& bank;
  ledger::JournalWriter& journal;
};

/// What the journal is told of an attempt before it leaves. Views of the caller's.
struct AttemptLabels {
  std::uint64_t call = 0;
  std::string_view model, route, upstream, upstream_key;
};

/// How it ended.
struct AttemptBill {
  PicoUsd cost{}, upstream_cost{};
  spend::CostSource source = spend::CostSource::told;
  spend::Waste waste = spend::Waste::none;
  bool delivered = false;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::string_view generation{};  ///< "" when upstream did not name it
  std::string_view served_model, provider, outcome;
};

/// One attempt's money. Begun once, it ends once: settled or pending. An attempt that is dropped in between
/// stays open in the journal, and the recorder makes it pending.
class AttemptMoney {
 public:
  AttemptMoney() = default;
  AttemptMoney(AttemptMoney&&) noexcept = default;
  AttemptMoney& operator=(AttemptMoney&&) noexcept = default;

  /// The request is about to leave. False when the journal has no room: then it must not.
  [[nodiscard]] bool begin(Till& till, const Payer& payer, spend::Hold hold, PicoUsd estimate,
                           const AttemptLabels& labels, Random& random);
  [[nodiscard]] bool open() const { return till_ != nullptr; }
  /// Upstream named the generation, and the end is not near. Once an attempt.
  void seen(std::string_view generation);
  /// Sets more aside for it. On failure the hold is as it was. It stays where it is until then.
  Task<std::expected<void, ledger::NoHold>> extend(net::Loop& loop, PicoUsd by);
  /// Its cost is known. Returns what it exceeded the hold by.
  PicoUsd settle(const AttemptBill& bill);
  /// It is not: the estimate counts until somebody tells.
  void leave_pending(const AttemptBill& bill);

 private:
  Till* till_ = nullptr;
  ledger::AttemptId attempt_{};
  spend::Hold hold_;
  PicoUsd estimate_{};
  bool seen_ = false;

  [[nodiscard]] std::string_view unless_seen(std::string_view generation) const {
    return seen_ ? std::string_view{} : generation;
  }
};

}  // namespace gantry::engine
