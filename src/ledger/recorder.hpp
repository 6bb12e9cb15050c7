#pragma once
// The thread that owns the ledger (docs/decisions/0011). It applies what the shards' journals tell, runs work
// that others have for the ledger, and keeps the holder alive. Nobody else touches the ledger while it runs.
//
// Order. Work that was posted runs after every entry that was written before it was posted: who asks for
// usage is told of the calls that have ended.
//
// The ledger away. Entries stay in the journal and are tried again; the writers go on while the journal has
// room. Work gets the ledger's failure.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "base/time.hpp"
#include "ledger/journal.hpp"
#include "ledger/ledger.hpp"
#include "net/bell.hpp"
#include "net/loop.hpp"

namespace gantry::ledger {

struct RecorderOptions {
  std::string directory;  ///< of the journals; locked by the caller (state_dir.hpp)
  std::string name;  ///< of the holder: the same for each run on this directory, and of no other directory
  Duration lives{};  ///< how long the ledger takes the holder for alive without hearing of it
  JournalOptions journal{};
};

class Recorder {
 public:
  using Work = std::move_only_function<void(Ledger&)>;
  /// What the recorder has to tell of itself, for the log: "ledger_away" and "ledger_back", "journal_full"
  /// and "journal_has_room", without a failure when something is over; "journal_torn" and "journal_unknown";
  /// "holder_ended" when somebody has ended this process's holder.
  using Tell = std::function<void(std::string_view what, const std::optional<Failure>& why)>;
  /// Once a second of the injected time, and after each revision that is news.
  using Tick = std::move_only_function<void(Ledger&)>;

  /// Brings what earlier runs left into the ledger, ends their holders, deletes their journals, and begins as
  /// a new holder. Blocks. Errors: those of the ledger and of the files; then nothing was deleted.
  static Result<std::unique_ptr<Recorder>> open(std::unique_ptr<Ledger> ledger, const TimeSource& time,
                                                RecorderOptions options, Tell tell);
  ~Recorder();
  Recorder(const Recorder&) = delete;

  // ---- before start()
  /// The journal of the next shard. The writer is used by that shard's thread alone.
  Result<JournalWriter*> add_journal();
  void on_tick(Tick tick) { tick_ = std::move(tick); }
  /// Five times a second, for what others wait for.
  void on_glance(Tick glance) { glance_ = std::move(glance); }
  /// For what has to be there before the first call: nobody else has the ledger yet.
  Ledger& ledger() { return *ledger_; }

  void start();
  /// After the last writer: applies what is left and ends the holder in order. What cannot be applied stays
  /// for the next run.
  void stop();

  // ---- any thread
  void post(Work work);
  /// `work` on the recorder's thread; the caller's coroutine goes on on its loop, which outlives the answer.
  template <class T>
  Task<Result<T>> ask(net::Loop& loop, std::move_only_function<Result<T>(Ledger&)> work);
  /// The ledger took the last thing that it was given.
  [[nodiscard]] bool reachable() const { return reachable_.load(std::memory_order_relaxed); }
  /// The holder that leases; on the recorder's thread.
  [[nodiscard]] HolderId holder() const { return holder_; }
  [[nodiscard]] Duration lives() const { return options_.lives; }
  /// A new holder in place of one that an operator has ended; on the recorder's thread. What the journals
  /// tell stays the old one's, so that the new one counts what it spends as leased, too, until the next
  /// start.
  Result<void> begin_anew();

 private:
  Recorder(std::unique_ptr<Ledger> ledger, const TimeSource& time, RecorderOptions options, Tell tell);

  Result<void> recover();
  Result<void> replay(HolderId holder);
  Result<void> replay_forgotten();
  void run();
  [[nodiscard]] bool idle();
  std::vector<Work> take_work();
  void prepare(Journal& journal);
  void apply_all();
  void gather();
  void rest();
  Result<void> apply_some(Journal& journal, std::uint32_t shard, bool& more);
  void note(const Result<void>& result);
  void tick_if_due();
  void run_all(std::vector<Work> work);

  std::unique_ptr<Ledger> ledger_;
  const TimeSource& time_;
  const RecorderOptions options_;
  const Tell tell_;
  Tick tick_, glance_;
  HolderId journals_of_{};  // whose name the journals have
  HolderId holder_{};       // who leases; the same until it was ended from outside
  net::Bell bell_;
  std::vector<std::unique_ptr<Journal>> journals_;
  std::mutex mutex_;
  std::vector<Work> posted_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> reachable_{true};
  bool resting_ = false;
  bool full_ = false;  // a journal could not get another segment
  MonoTime ticked_{}, glanced_{};
  std::thread thread_;  // last: it uses all of the above
};

// ---- details

template <class T>
Task<Result<T>> Recorder::ask(net::Loop& loop, std::move_only_function<Result<T>(Ledger&)> work) {
  struct Asking {
    net::Signal done{};
    Result<T> answer = fail(Fault::cancelled, "the ledger was not asked");
  };
  // Shared, because a shutdown may drop who waits before the answer comes.
  const auto asking = std::make_shared<Asking>();
  post([asking, &loop, work = std::move(work)](Ledger& ledger) mutable {
    auto answer = std::make_shared<Result<T>>(work(ledger));
    loop.post([asking, answer] {
      asking->answer = std::move(*answer);
      asking->done.notify();
    });
  });
  co_await asking->done;
  co_return std::move(asking->answer);
}

}  // namespace gantry::ledger
