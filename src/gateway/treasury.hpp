#pragma once
// The money side of the process: the state directory and what lies in it, the thread that writes it, and who
// may call. Nothing of it is on a call's way but the bank and the snapshot of clients.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "access/admin.hpp"
#include "access/key_ring.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "gateway/burn_watch.hpp"
#include "ledger/bank.hpp"
#include "ledger/recorder.hpp"
#include "ledger/state_dir.hpp"
#include "spend/rate_limits.hpp"

namespace gantry::gateway {

/// Who may call, at one moment. Immutable; each shard has its own reference.
struct Clients {
  access::KeyRing ring;
  /// Of each entry of the ring, by its place: what it has used of its rates, and its account.
  struct Seat {
    spend::RateState* rate = nullptr;
    spend::AccountNode* account = nullptr;
  };
  std::vector<Seat> seats;
  spend::AccountNode* keyless = nullptr;  ///< pays for calls without a key

  [[nodiscard]] const Seat& seat(const access::KeyEntry& entry) const {
    return seats[static_cast<std::size_t>(&entry - ring.entries().data())];
  }
};
using ClientsSnapshot = std::shared_ptr<const Clients>;

class Treasury {
 public:
  /// Opens state directory and ledger, and brings into it what an earlier run left. Blocks. With `simulated`
  /// everything is in a directory of its own that goes with the process: simulated money is nobody's. Errors:
  /// each with what to do.
  static Result<std::unique_ptr<Treasury>> open(const config::Config& config, bool simulated,
                                                const TimeSource& time);
  ~Treasury();
  Treasury(const Treasury&) = delete;

  [[nodiscard]] ledger::Bank& bank() { return *bank_; }
  [[nodiscard]] ledger::Recorder& recorder() { return *recorder_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }

  /// Before start(), one a shard.
  Result<ledger::JournalWriter*> add_journal() { return recorder_->add_journal(); }
  /// `publish` gets each snapshot that is news, on the recorder's thread.
  void start(std::function<void(ClientsSnapshot)> publish);
  [[nodiscard]] ClientsSnapshot clients() const;
  /// After the last call: what is left is written down.
  void stop();

  /// Tells commands on this machine where the server is.
  Result<void> announce(const std::string& url);
  /// Whether the text is a token that opens the admin API.
  [[nodiscard]] bool is_admin(std::string_view token) const;
  /// The admin API's answer. What it changed is in force before it comes.
  Task<Result<access::AdminReply>> administer(net::Loop& loop, access::AdminRequest request);

 private:
  Treasury(const TimeSource& time, Secret run_token, Secret own_token);

  Result<void> look_at_directory(ledger::Ledger& ledger);
  ClientsSnapshot seat(const ledger::Directory& directory);
  void tick(ledger::Ledger& ledger);
  void tell_of_budgets(ledger::Ledger& ledger, const std::unordered_set<std::int64_t>& spent);
  void tell_of(ledger::Ledger& ledger, spend::AccountId account, const spend::Limits& limits);
  void tell_of_burn(const BurnWatch::Burn& burn) const;

  const TimeSource& time_;
  const Secret run_token_, own_token_;  // of this run, for commands; the operator's, may be empty
  std::string directory_;
  bool throwaway_ = false;
  std::optional<ledger::StateDirectory> held_;
  std::unique_ptr<ledger::Recorder> recorder_;
  std::unique_ptr<ledger::Bank> bank_;
  std::function<void(ClientsSnapshot)> publish_;

  mutable std::mutex mutex_;
  ClientsSnapshot clients_;

  // On the recorder's thread.
  std::int64_t revision_ = -1;
  std::unordered_map<std::int64_t, std::unique_ptr<spend::RateState>>
      rates_;                             // by key; they outlive its snapshots
  std::unordered_set<std::string> told_;  // events that were given
  BurnWatch burns_{[this](const BurnWatch::Burn& burn) { tell_of_burn(burn); }};
};

}  // namespace gantry::gateway
