#include "ledger/recorder.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "ledger/leftovers.hpp"

namespace gantry::ledger {
namespace {

constexpr std::size_t kBatch = 8192;
constexpr Duration kTickEvery = std::chrono::seconds{1};
constexpr Duration kGlanceEvery = std::chrono::milliseconds{200};
// Entries gather for so long before they are applied together, or until so many segments are full: a
// transaction costs much more than what is in it, and nobody waits for it.
constexpr Duration kGather = std::chrono::milliseconds{100};
constexpr int kGatheredSegments = 4;
// Between two tries while the ledger is away, and the longest time between two looks at the clock.
constexpr Duration kRest = std::chrono::milliseconds{200};

}  // namespace

Recorder::Recorder(std::unique_ptr<Ledger> ledger, const TimeSource& time, RecorderOptions options, Tell tell)
    : ledger_(std::move(ledger)), time_(time), options_(std::move(options)), tell_(std::move(tell)) {}

Recorder::~Recorder() { stop(); }

Result<std::unique_ptr<Recorder>> Recorder::open(std::unique_ptr<Ledger> ledger, const TimeSource& time,
                                                 RecorderOptions options, Tell tell) {
  auto recorder =
      std::unique_ptr<Recorder>(new Recorder(std::move(ledger), time, std::move(options), std::move(tell)));
  if (auto recovered = recorder->recover(); !recovered) return std::unexpected(recovered.error());
  return recorder;
}

// ---- what earlier runs left

Result<void> Recorder::recover() {
  const auto left = ledger_->left_behind(options_.name);
  if (!left) return std::unexpected(left.error());
  for (const HolderId holder : *left)
    if (auto replayed = replay(holder); !replayed) return replayed;
  if (auto replayed = replay_forgotten(); !replayed) return replayed;
  const auto begun = ledger_->begin_holder(options_.name, options_.lives);
  if (!begun) return std::unexpected(begun.error());
  holder_ = journals_of_ = *begun;
  return {};
}

// Journals that are still there although their holder has ended: the process went between the two. What they
// tell is booked already, up to their positions. Of those that nobody knows it is not said whose books they
// belong in.
Result<void> Recorder::replay_forgotten() {
  const auto holders = holders_of_journals(options_.directory);
  if (!holders) return std::unexpected(holders.error());
  for (const HolderId holder : *holders) {
    const auto ours = ledger_->began(holder, options_.name);
    if (!ours) return std::unexpected(ours.error());
    if (*ours) {
      if (auto replayed = replay(holder); !replayed) return replayed;
      continue;
    }
    if (auto aside = set_journals_aside(options_.directory, holder, "unknown"); !aside) return aside;
    tell_("journal_unknown",
          Failure{Fault::not_found,
                  fmt::format("the ledger does not know whose journals journal-{0}-* in {1} are, as after an "
                              "older copy was put in its place: what they tell is not booked. They are kept "
                              "there as unknown-journal-{0}-*",
                              holder.value, options_.directory)});
  }
  return {};
}

Result<void> Recorder::replay(HolderId holder) {
  auto journals = leftovers(options_.directory, holder);
  if (!journals) return std::unexpected(journals.error());
  const auto positions = ledger_->positions(holder);
  if (!positions) return std::unexpected(positions.error());
  std::uint64_t torn = 0;
  for (auto& journal : *journals) {
    const auto known = std::ranges::find(*positions, journal.shard(), &JournalPosition::shard);
    std::uint64_t after = known == positions->end() ? 0 : known->sequence;
    for (;;) {
      const auto batch = journal.read(after, kBatch);
      if (!batch) return std::unexpected(batch.error());
      if (batch->entries.empty()) break;
      if (auto done = ledger_->apply(holder, journal.shard(), batch->first, batch->entries); !done)
        return done;
      after = batch->first + batch->entries.size() - 1;
    }
    torn += journal.torn_bytes();
  }
  // Only now: an attempt without an end becomes pending, and what was not spent comes back.
  if (auto ended = ledger_->end_holder(holder); !ended) return ended;
  if (torn == 0) return remove_journals(options_.directory, holder);
  tell_("journal_torn",
        Failure{
            Fault::malformed,
            fmt::format("{} bytes of the journal in {} could not be read, behind the last whole entry: costs "
                        "that were told only there are not booked. The files are kept there as "
                        "torn-journal-{}-*; delete them when nobody needs them",
                        torn, options_.directory, holder.value)});
  return set_journals_aside(options_.directory, holder, "torn");
}

// ---- around the thread

Result<JournalWriter*> Recorder::add_journal() {
  const auto shard = static_cast<std::uint32_t>(journals_.size());
  auto journal =
      Journal::open(options_.directory, {.holder = journals_of_, .shard = shard}, bell_, options_.journal);
  if (!journal) return std::unexpected(journal.error());
  return &journals_.emplace_back(std::move(*journal))->writer();
}

void Recorder::start() {
  ticked_ = glanced_ = time_.mono();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "gantry-recorder");
    run();
  });
}

void Recorder::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  bell_.ring();
  thread_.join();
}

void Recorder::post(Work work) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  bell_.ring();
}

Result<void> Recorder::begin_anew() {
  const auto begun = ledger_->begin_holder(options_.name, options_.lives);
  if (!begun) return std::unexpected(begun.error());
  tell_("holder_ended",
        Failure{
            Fault::not_found,
            fmt::format("holder {} of this gateway was ended while it was not heard of; it goes on as holder "
                        "{}. Restart it when that suits: until then budgets count what it spends twice",
                        holder_.value, begun->value)});
  holder_ = *begun;
  return {};
}

// ---- the thread

bool Recorder::idle() {
  const std::lock_guard lock(mutex_);
  return posted_.empty() && !stopping_ &&
         std::ranges::all_of(journals_, [](const auto& journal) { return journal->reader().idle(); });
}

std::vector<Recorder::Work> Recorder::take_work() {
  const std::lock_guard lock(mutex_);
  return std::exchange(posted_, {});
}

void Recorder::run() {
  while (!stopping_) {
    auto work = take_work();  // first, so that the entries written before it are applied before it
    const bool urgent = !work.empty();
    apply_all();
    run_all(std::move(work));
    tick_if_due();
    if (urgent || stopping_) continue;
    idle() ? rest() : gather();
  }
  run_all(take_work());
  apply_all();
  const bool told_all = reachable() && std::ranges::all_of(journals_, [](const auto& journal) {
                          return journal->reader().idle();
                        });
  if (!told_all) return;  // the next run finds the rest in the journals
  bool ended = true;
  for (const HolderId each : {journals_of_, holder_}) ended = ended && ledger_->end_holder(each).has_value();
  if (!ended) return;
  const auto removed = remove_journals(options_.directory, journals_of_);
  (void)removed;  // what stays is read again, and is booked already
}

// The bell rings for each segment that is full, so that another one is made in time.
void Recorder::gather() {
  resting_ = false;
  for (int full = 0; full < kGatheredSegments && bell_.rest(reachable() ? kGather : kRest); ++full) {
    {
      const std::lock_guard lock(mutex_);
      if (!posted_.empty() || stopping_) return;
    }
    for (const auto& journal : journals_) prepare(*journal);
  }
}

void Recorder::rest() {
  const bool rung = bell_.rest(kRest);
  if (rung || std::exchange(resting_, true)) return;
  for (const auto& journal : journals_) journal->reader().rest();
}

void Recorder::run_all(std::vector<Work> work) {
  for (auto& each : work) each(*ledger_);
}

void Recorder::prepare(Journal& journal) {
  const auto ready = journal.reader().prepare();
  if (!ready && !std::exchange(full_, true)) tell_("journal_full", ready.error());
  if (ready && std::exchange(full_, false)) tell_("journal_has_room", {});
}

void Recorder::apply_all() {
  for (std::uint32_t shard = 0; shard < journals_.size(); ++shard) {
    Journal& journal = *journals_[shard];
    prepare(journal);
    bool more = true;
    while (more) {
      const auto applied = apply_some(journal, shard, more);
      note(applied);
      if (!applied) break;
    }
  }
}

Result<void> Recorder::apply_some(Journal& journal, std::uint32_t shard, bool& more) {
  more = false;
  const auto batch = journal.reader().read(kBatch);
  if (!batch) return std::unexpected(batch.error());
  if (batch->entries.empty()) return {};
  if (auto applied = ledger_->apply(journals_of_, shard, batch->first, batch->entries); !applied)
    return applied;
  more = batch->entries.size() == kBatch;
  journal.reader().release(batch->first + batch->entries.size() - 1);
  return {};
}

// Told once when it begins and once when it is over.
void Recorder::note(const Result<void>& result) {
  if (result.has_value() == reachable()) return;
  reachable_ = result.has_value();
  if (result) {
    tell_("ledger_back", {});
  } else {
    tell_("ledger_away", result.error());
  }
}

void Recorder::tick_if_due() {
  const MonoTime now = time_.mono();
  if (now - ticked_ >= kTickEvery) {
    ticked_ = now;
    if (tick_) tick_(*ledger_);
  }
  if (now - glanced_ >= kGlanceEvery) {
    glanced_ = now;
    if (glance_) glance_(*ledger_);
  }
}

}  // namespace gantry::ledger
