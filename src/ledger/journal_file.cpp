#include "ledger/journal_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace gantry::ledger {
namespace {

constexpr std::string_view kPrefix = "journal-";

std::unexpected<Failure> refused(std::string_view what, const std::string& path, int reason) {
  const std::string_view remedy =
      reason == ENOSPC || reason == EDQUOT || reason == EFBIG
          ? "; make room there (df shows how much there is): journals go on by themselves once there is some"
          : "";
  return fail(Fault::system, fmt::format("cannot {} {}: {}{}", what, path, std::strerror(reason), remedy));
}

// Memory for a file that was just made: mapped, and backed by blocks of its own.
Result<char*> map_new(int fd, const std::string& path, std::size_t bytes) {
  if (const int reason = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes)); reason != 0)
    return refused("allocate", path, reason);
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return refused("map", path, errno);
  std::memset(memory, 0, bytes);
  return static_cast<char*>(memory);
}

}  // namespace

std::string segment_name(JournalId journal, std::uint64_t number) {
  return fmt::format("{}{}-{}-{:010}", kPrefix, journal.holder.value, journal.shard, number);
}

std::optional<SegmentName> parse_segment_name(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  SegmentName read;
  const char* at = name.data() + kPrefix.size();
  const char* const end = name.data() + name.size();
  const auto number = [&](auto& value) {
    const auto [behind, error] = std::from_chars(at, end, value);
    at = behind;
    return error == std::errc{};
  };
  const auto dash = [&] { return at != end && *at++ == '-'; };
  const bool whole = number(read.journal.holder.value) && dash() && number(read.journal.shard) && dash() &&
                     number(read.number) && at == end;
  // One file has one name: none with a sign, or with other zeros.
  if (!whole || segment_name(read.journal, read.number) != name) return std::nullopt;
  return read;
}

Result<std::vector<SegmentName>> list_segments(const std::string& directory) {
  DIR* const open = ::opendir(directory.c_str());
  if (!open) return refused("read", directory, errno);
  std::vector<SegmentName> found;
  errno = 0;
  while (const dirent* entry = ::readdir(open))
    if (const auto name = parse_segment_name(entry->d_name)) found.push_back(*name);
  const int reason = errno;
  ::closedir(open);
  if (reason != 0) return refused("read", directory, reason);
  std::ranges::sort(found);
  return found;
}

SegmentFile::SegmentFile(std::string directory, SegmentName name, char* memory, std::size_t bytes)
    : directory_(std::move(directory)), name_(name), memory_(memory), bytes_(bytes) {
  write_head();
}

SegmentFile::~SegmentFile() { ::munmap(memory_, bytes_); }

Result<std::unique_ptr<SegmentFile>> SegmentFile::make(const std::string& directory, SegmentName name,
                                                       std::size_t bytes) {
  const std::string path = directory + '/' + segment_name(name.journal, name.number);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return refused("make", path, errno);
  const auto memory = map_new(fd, path, bytes);
  ::close(fd);  // the mapping stays
  if (!memory) {
    ::unlink(path.c_str());
    return std::unexpected(memory.error());
  }
  return std::unique_ptr<SegmentFile>(new SegmentFile(directory, name, *memory, bytes));
}

Result<void> SegmentFile::become(std::uint64_t number) {
  SegmentName next = name_;
  next.number = number;
  const std::string to = directory_ + '/' + segment_name(next.journal, next.number);
  if (::rename(path().c_str(), to.c_str()) != 0) return refused("rename a segment to", to, errno);
  // A process that dies on the way leaves a file whose head is another's or empty: no segment was begun.
  name_ = next;
  std::memset(memory_, 0, kSegmentHeadBytes);
  std::atomic_signal_fence(std::memory_order_release);
  std::memset(memory_ + kSegmentHeadBytes, 0, bytes_ - kSegmentHeadBytes);
  std::atomic_signal_fence(std::memory_order_release);
  write_head();
  return {};
}

Result<void> SegmentFile::remove() {
  if (::unlink(path().c_str()) != 0 && errno != ENOENT) return refused("delete", path(), errno);
  return {};
}

void SegmentFile::page_out() { ::madvise(memory_, bytes_, MADV_DONTNEED); }  // shared: nothing is dropped

void SegmentFile::write_head() {
  encode(
      SegmentHead{.holder = name_.journal.holder.value, .shard = name_.journal.shard, .number = name_.number},
      memory_);
}

}  // namespace gantry::ledger
