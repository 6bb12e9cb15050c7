#include "ledger/leftovers.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <utility>

namespace gantry::ledger {
namespace {

std::string path_of(const std::string& directory, JournalId id, std::uint64_t number) {
  return directory + '/' + segment_name(id, number);
}

Result<std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::string bytes(in ? static_cast<std::size_t>(in.tellg()) : 0, '\0');
  if (!in.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    return fail(Fault::system, fmt::format("cannot read {}: {}", path, std::strerror(errno ? errno : EIO)));
  return bytes;
}

enum class Use {
  begun,    // its head is its own; entries may follow
  fresh,    // it was being made, from nothing or from one that was released, when the process ended
  damaged,  // neither
  foreign,  // a newer program's
};
Use use_of(std::string_view bytes, JournalId id, std::uint64_t number) {
  const DecodedHead read = decode_head(bytes);
  switch (read.found) {
    case Found::end:
      return Use::fresh;
    case Found::torn:
      return Use::damaged;
    case Found::foreign:
      return Use::foreign;
    case Found::entry:
      break;
  }
  return read.head == SegmentHead{id.holder.value, id.shard, number} ? Use::begun : Use::fresh;
}

}  // namespace

LeftJournal::LeftJournal(std::string directory, JournalId id, std::vector<std::uint64_t> numbers)
    : directory_(std::move(directory)), id_(id), numbers_(std::move(numbers)) {
  std::ranges::sort(numbers_, std::greater{});
}

Result<JournalBatch> LeftJournal::read(std::uint64_t after, std::size_t most) {
  entries_.clear();
  for (;;) {
    if (auto taken = take(after, most); !taken) return std::unexpected(std::move(taken.error()));
    if (!entries_.empty() || torn_ || numbers_.empty()) break;
    if (auto opened = open_next(); !opened) return std::unexpected(std::move(opened.error()));
  }
  return JournalBatch{.first = sequence_ - entries_.size(), .entries = entries_};
}

// From the segment that is open.
Result<void> LeftJournal::take(std::uint64_t after, std::size_t most) {
  while (entries_.size() < most && !torn_) {
    const Decoded decoded = decode(std::string_view(bytes_).substr(offset_), sequence_);
    if (decoded.found == Found::end) break;
    if (decoded.found == Found::foreign) return of_a_newer_program(number_);
    if (decoded.found == Found::torn) {
      end_here();
      break;
    }
    offset_ += decoded.bytes;
    sequence_ = decoded.sequence + 1;
    if (decoded.sequence > after) entries_.push_back(decoded.entry);
  }
  return {};
}

Result<void> LeftJournal::open_next() {
  number_ = numbers_.back();
  numbers_.pop_back();
  auto bytes = read_file(path_of(directory_, id_, number_));
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  bytes_ = std::move(*bytes);
  offset_ = 0;
  switch (use_of(bytes_, id_, number_)) {
    case Use::begun:
      offset_ = kSegmentHeadBytes;
      break;
    case Use::fresh:
      bytes_.clear();
      break;
    case Use::damaged:
      end_here();
      break;
    case Use::foreign:
      return of_a_newer_program(number_);
  }
  return {};
}

void LeftJournal::end_here() {
  torn_ = true;
  torn_bytes_ += used_bytes(std::string_view(bytes_).substr(offset_));
  for (const std::uint64_t number : numbers_) {
    const auto bytes = read_file(path_of(directory_, id_, number));
    if (!bytes) continue;
    const Use use = use_of(*bytes, id_, number);
    if (use == Use::fresh) continue;
    torn_bytes_ += used_bytes(std::string_view(*bytes).substr(use == Use::begun ? kSegmentHeadBytes : 0));
  }
  numbers_.clear();
}

std::unexpected<Failure> LeftJournal::of_a_newer_program(std::uint64_t number) const {
  return fail(
      Fault::malformed,
      fmt::format("{} was written by a newer gantry, and says what calls have cost: start that version once, "
                  "so that it takes what is in there",
                  path_of(directory_, id_, number)));
}

Result<std::vector<LeftJournal>> leftovers(const std::string& directory, HolderId holder) {
  auto segments = list_segments(directory);
  if (!segments) return std::unexpected(std::move(segments.error()));
  std::map<JournalId, std::vector<std::uint64_t>> numbers;
  for (const SegmentName& segment : *segments)
    if (segment.journal.holder == holder) numbers[segment.journal].push_back(segment.number);
  std::vector<LeftJournal> found;
  for (auto& [journal, of_it] : numbers) found.emplace_back(directory, journal, std::move(of_it));
  return found;
}

Result<std::vector<HolderId>> holders_of_journals(const std::string& directory) {
  const auto segments = list_segments(directory);
  if (!segments) return std::unexpected(segments.error());
  std::set<HolderId> holders;
  for (const SegmentName& segment : *segments) holders.insert(segment.journal.holder);
  return std::vector(holders.begin(), holders.end());
}

Result<void> set_journals_aside(const std::string& directory, HolderId holder, std::string_view why) {
  auto segments = list_segments(directory);
  if (!segments) return std::unexpected(std::move(segments.error()));
  for (const SegmentName& segment : *segments) {
    if (segment.journal.holder != holder) continue;
    const std::string from = path_of(directory, segment.journal, segment.number);
    const std::string to =
        fmt::format("{}/{}-{}", directory, why, segment_name(segment.journal, segment.number));
    if (::rename(from.c_str(), to.c_str()) != 0)
      return fail(Fault::system, fmt::format("cannot rename {} to {}: {}", from, to, std::strerror(errno)));
  }
  return {};
}

Result<void> remove_journals(const std::string& directory, HolderId holder) {
  auto segments = list_segments(directory);
  if (!segments) return std::unexpected(std::move(segments.error()));
  for (const SegmentName& segment : *segments) {
    if (segment.journal.holder != holder) continue;
    const std::string path = path_of(directory, segment.journal, segment.number);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return fail(Fault::system, fmt::format("cannot delete {}: {}", path, std::strerror(errno)));
  }
  return {};
}

}  // namespace gantry::ledger
