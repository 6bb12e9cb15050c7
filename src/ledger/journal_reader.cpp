#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "ledger/journal.hpp"

namespace gantry::ledger {

using journal_parts::Segment;

JournalReader::JournalReader(journal_parts::Shared& shared, std::string directory, JournalId id,
                             JournalOptions options)
    : shared_(shared), directory_(std::move(directory)), id_(id), options_(std::move(options)) {}

std::size_t JournalReader::ready() const { return prepared_ - shared_.taken.load(std::memory_order_acquire); }

std::size_t JournalReader::owed() const {
  const std::size_t bytes = shared_.open.load(std::memory_order_relaxed) * (kLongestSeen + kLongestEnd);
  return bytes / (options_.segment_bytes - kLongestRecord);
}

std::size_t JournalReader::needed() const { return options_.ready + owed(); }

std::size_t JournalReader::wanted() const {
  const std::size_t most = std::max(options_.ready, options_.most_ready);
  return std::clamp(2 * pace_, options_.ready, most) + owed();
}

Result<void> JournalReader::prepare() {
  pace_ = std::max<std::size_t>(pace_, shared_.taken.load(std::memory_order_acquire) - taken_);
  while (ready() < wanted()) {
    auto added = add_segment();
    if (!added) return ready() < needed() ? added : Result<void>{};  // the pace can wait
  }
  return {};
}

Result<void> JournalReader::add_segment() {
  const std::uint64_t number = prepared_ + 1;
  Segment* const last = segments_.empty() ? nullptr : &segments_.back();
  if (!spare_.empty()) {
    Segment& again = spare_.front();
    if (auto renamed = again.file->become(number); !renamed) return renamed;
    again.committed.store(kSegmentHeadBytes, std::memory_order_relaxed);
    again.closed.store(false, std::memory_order_relaxed);
    again.next.store(nullptr, std::memory_order_relaxed);
    segments_.splice(segments_.end(), spare_, spare_.begin());
  } else {
    if ((segments_.size() + 1) * options_.segment_bytes > options_.disk_bytes)
      return fail(
          Fault::overloaded,
          fmt::format("the journal of shard {} has taken its {} bytes in {}, because the ledger does not "
                      "take what is in it: see what the log says of the ledger; until then new calls are "
                      "refused",
                      id_.shard, options_.disk_bytes, directory_));
    auto file = options_.make(directory_, {id_, number}, options_.segment_bytes);
    if (!file) return std::unexpected(std::move(file.error()));
    segments_.emplace_back(std::move(*file));
  }
  if (last) last->next.store(&segments_.back(), std::memory_order_release);
  if (!cursor_.segment) cursor_.segment = &segments_.back();
  prepared_ = number;
  shared_.prepared.store(number, std::memory_order_release);
  return {};
}

bool JournalReader::at_entry(Cursor& cursor) {
  for (;;) {
    // In this order: once it is closed its length does not grow, and another segment follows.
    const bool closed = cursor.segment->closed.load(std::memory_order_seq_cst);
    if (cursor.offset < cursor.segment->committed.load(std::memory_order_seq_cst)) return true;
    if (!closed) return false;
    cursor.segment = cursor.segment->next.load(std::memory_order_relaxed);
    cursor.offset = kSegmentHeadBytes;
  }
}

bool JournalReader::idle() const {
  Cursor cursor = cursor_;
  return !at_entry(cursor);
}

Result<JournalBatch> JournalReader::read(std::size_t most) {
  entries_.clear();
  behind_.clear();
  for (Cursor cursor = cursor_; entries_.size() < most && at_entry(cursor);) {
    const std::size_t committed = cursor.segment->committed.load(std::memory_order_acquire);
    const std::string_view left(cursor.segment->file->memory() + cursor.offset, committed - cursor.offset);
    const Decoded decoded = decode(left, cursor.sequence);
    if (decoded.found != Found::entry)
      return fail(
          Fault::internal,
          fmt::format("{} was changed by another program at byte {}: nobody but gantry may write to it. "
                      "Restart gantry, which takes what is whole; attempts behind it count with their "
                      "estimates",
                      cursor.segment->file->path(), cursor.offset));
    entries_.push_back(decoded.entry);
    cursor.offset += decoded.bytes;
    ++cursor.sequence;
    behind_.push_back(cursor);
  }
  return JournalBatch{.first = cursor_.sequence, .entries = entries_};
}

void JournalReader::release(std::uint64_t sequence) {
  if (behind_.empty() || sequence < cursor_.sequence) return;
  cursor_ = behind_[std::min<std::size_t>(sequence - cursor_.sequence, behind_.size() - 1)];
  entries_.clear();
  behind_.clear();
  reclaim();
}

void JournalReader::rest() {
  pace_ = 0;
  while (spare_.size() > options_.ready && spare_.back().file->remove()) spare_.pop_back();
  for (auto* const list : {&segments_, &spare_})
    for (Segment& segment : *list) segment.file->page_out();
  entries_.shrink_to_fit(), behind_.shrink_to_fit();
}

void JournalReader::reclaim() {
  const std::uint64_t taken = shared_.taken.load(std::memory_order_acquire);
  pace_ = std::max<std::size_t>(taken - std::exchange(taken_, taken), pace_ / 2);
  at_entry(cursor_);
  while (&segments_.front() != cursor_.segment) {
    const bool keep = spare_.size() < wanted() || !segments_.front().file->remove();
    if (keep)
      spare_.splice(spare_.end(), segments_, segments_.begin());
    else
      segments_.pop_front();
  }
}

// ---- both ends

Journal::Journal(const std::string& directory, JournalId id, net::Bell& bell, const JournalOptions& options)
    : writer_(shared_, bell, options), reader_(shared_, directory, id, options) {}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& directory, JournalId id, net::Bell& bell,
                                               const JournalOptions& options) {
  if (options.segment_bytes == 0 || options.segment_bytes % 4096 != 0 || options.ready == 0)
    return fail(Fault::internal, "a journal's segments are pages, and one at least is ready");
  std::unique_ptr<Journal> journal(new Journal(directory, id, bell, options));
  if (auto prepared = journal->reader_.prepare(); !prepared) {
    // That there was no room is what to tell, whatever becomes of these.
    for (Segment& segment : journal->reader_.segments_) std::ignore = segment.file->remove();
    return std::unexpected(std::move(prepared.error()));
  }
  journal->writer_.begin(journal->reader_.segments_.front());
  return journal;
}

}  // namespace gantry::ledger
