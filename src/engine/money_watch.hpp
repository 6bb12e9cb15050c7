#pragma once
// Asks OpenRouter now and then what its keys have spent and have left (DESIGN §5, totals; CONTRACT §7.2,
// §7.3), and tells once of what somebody should act on: little or no credit, a key that is refused, usage
// that nobody here can explain. One a process, on one shard's loop, never on the way of a call. What was told
// and compared is in the ledger, so that neither a restart nor another process tells it again.

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "base/time.hpp"
#include "engine/money_board.hpp"
#include "engine/standing.hpp"
#include "engine/upstreams.hpp"
#include "ledger/bank.hpp"
#include "net/loop.hpp"

namespace gantry::engine {

class Shard;
struct Fetched;

class MoneyWatch {
 public:
  /// All outlive it.
  MoneyWatch(Shard& shard, ledger::Recorder& recorder, ledger::Bank& bank, MoneyBoard& board)
      : shard_(shard), recorder_(recorder), bank_(bank), board_(board) {}
  MoneyWatch(const MoneyWatch&) = delete;

  /// On the shard's thread. The first look is some seconds later: neither the start nor the first calls wait
  /// for it.
  void start();

 private:
  /// How a key or the account stands, which is told when it is news to the ledger.
  struct News {
    std::string scope;  ///< "key" or "account"
    std::string name;
    Standing standing = Standing::fine;
    std::optional<PicoUsd> left;
  };
  using Body = std::optional<std::string>;

  void arm();
  Task<void> round();
  void follow_configuration();

  Task<void> look();
  Task<bool> look_at_key(std::size_t place);
  Task<bool> look_at_account();
  [[nodiscard]] Body body_of(std::string_view path, std::string_view key, Result<Fetched> fetched);
  void note_trouble(std::string_view path, std::string_view key, std::string_view why) const;
  void look_again(bool good);
  Task<void> compare(std::size_t place, PicoUsd usage, WallTime asked);

  Task<void> judge();
  Task<void> tell(News news);
  void log_news(const News& news) const;
  [[nodiscard]] PicoUsd low() const;

  Shard& shard_;
  ledger::Recorder& recorder_;
  ledger::Bank& bank_;
  MoneyBoard& board_;

  std::shared_ptr<const Targets> targets_;  // whose keys `told_` has
  MoneyTold told_;
  std::map<std::string, Standing> known_;  // by scope and name: what the ledger knows
  std::optional<Duration> every_;          // as configured when the next look was set
  MonoTime due_ = kNever;                  // the next look
  bool looking_ = false;                   // one is under way: it may take long, and breakers tell meanwhile
  int failures_ = 0;                       // looks in a row that were not whole
  net::Timer timer_;
};

}  // namespace gantry::engine
