#include "ledger/journal.hpp"

namespace gantry::ledger {
namespace {

constexpr std::size_t kGivenUp = kLongestRecord - 8;              // of each segment, at most
constexpr std::size_t kLongestRest = kLongestSeen + kLongestEnd;  // of an attempt that has begun
constexpr std::size_t kLongestAttempt = kLongestBegun + kLongestRest;

}  // namespace

JournalWriter::JournalWriter(journal_parts::Shared& shared, net::Bell& bell, const JournalOptions& options)
    : shared_(shared),
      bell_(bell),
      call_attempts_(options.call_attempts),
      usable_bytes_(options.segment_bytes - kSegmentHeadBytes - kGivenUp) {}

std::size_t JournalWriter::room() const {
  const auto left = static_cast<std::size_t>(end_ - at_);
  const std::uint64_t ready = shared_.prepared.load(std::memory_order_acquire) - taken_;
  return (left > kGivenUp ? left - kGivenUp : 0) + ready * usable_bytes_;
}

bool JournalWriter::has_room_for(std::size_t attempts) const {
  if (room() >= attempts * kLongestAttempt + open_ * kLongestRest) return true;
  bell_.ring_if_asleep();  // nobody else would: without new calls nothing is written
  return false;
}

bool JournalWriter::write(const AttemptBegun& entry) {
  if (!has_room_for(1) || !append(entry, kLongestBegun)) return false;
  shared_.open.store(++open_, std::memory_order_relaxed);
  return true;
}

bool JournalWriter::write(const GenerationSeen& entry) {
  // A second one of the same attempt takes no room from the ends of the others.
  return room() >= kLongestSeen + open_ * kLongestEnd && append(entry, kLongestSeen);
}

template <class Kind>
void JournalWriter::end(const Kind& entry) {
  if (!append(entry, kLongestEnd)) lose();
  if (open_ > 0) shared_.open.store(--open_, std::memory_order_relaxed);
}
template void JournalWriter::end(const AttemptSettled&);
template void JournalWriter::end(const AttemptPending&);

template <class Kind>
bool JournalWriter::append(const Kind& entry, std::size_t longest) {
  if (static_cast<std::size_t>(end_ - at_) < longest && !next_segment()) return false;
  const std::size_t bytes = encode(entry, sequence_ + 1, at_);
  ++sequence_;
  at_ += bytes;
  segment_->committed.store(static_cast<std::size_t>(at_ - segment_->file->memory()),
                            std::memory_order_seq_cst);
  bell_.ring_if_asleep();
  return true;
}

bool JournalWriter::next_segment() {
  journal_parts::Segment* const next = segment_->next.load(std::memory_order_acquire);
  if (!next) return false;
  segment_->closed.store(true, std::memory_order_seq_cst);  // from here on it is the reader's
  begin(*next);
  bell_.ring();
  return true;
}

void JournalWriter::begin(journal_parts::Segment& segment) {
  segment_ = &segment;
  at_ = segment.file->memory() + kSegmentHeadBytes;
  end_ = segment.file->memory() + segment.file->bytes();
  shared_.taken.store(++taken_, std::memory_order_release);
}

void JournalWriter::lose() {
  shared_.lost.store(shared_.lost.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace gantry::ledger
