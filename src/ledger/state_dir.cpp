#include "ledger/state_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gantry::ledger {
namespace {

// Names and numbers as in <linux/magic.h> and statfs(2).
struct Objection {
  unsigned long type;
  std::string_view why;
};
constexpr std::string_view kNfs =
    "is NFS, where mapped memory is not the file's until it was written back, and a server that is away "
    "stops "
    "the process";
constexpr std::string_view kSmb = "is SMB (CIFS), where locks and mapped files are not those of a local disk";
constexpr std::string_view kFuse =
    "is FUSE (sshfs, object stores, folders of a virtual machine's host), which may neither lock nor map "
    "files "
    "as a disk does";
constexpr std::string_view kCluster =
    "is a cluster's file system, where another machine may hold the same directory";
constexpr std::string_view kHost =
    "is a folder of the virtual machine's host, whose locks and mapped files are not kept together";
constexpr std::array kObjections{
    Objection{0x6969, kNfs},         Objection{0x517B, kSmb},  // smb
    Objection{0xFF534D42, kSmb},                               // cifs
    Objection{0xFE534D42, kSmb},                               // smb2, smb3
    Objection{0x65735546, kFuse},                              // fuse, virtiofs
    Objection{0x5346414F, kCluster},                           // afs
    Objection{0x6B414653, kCluster},                           // kafs
    Objection{0x73757245, kCluster},                           // coda
    Objection{0x00C36400, kCluster},                           // ceph
    Objection{0x0BD00BD0, kCluster},                           // lustre
    Objection{0x01161970, kCluster},                           // gfs2
    Objection{0x7461636F, kCluster},                           // ocfs2
    Objection{0x47504653, kCluster},                           // gpfs
    Objection{0x01021997, kHost},                              // 9p
    Objection{0x786F4256, kHost},                              // vboxsf
    Objection{0xBACBACBC, kHost},                              // vmhgfs
};

constexpr std::string_view kRemedy = "name a directory on a disk of this machine as the state directory";

std::unexpected<Failure> refused_by_system(std::string_view what, const std::string& path) {
  return fail(Fault::system, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

Result<unsigned long> type_by_statfs(const std::string& directory) {
  struct statfs info{};
  if (::statfs(directory.c_str(), &info) != 0) return refused_by_system("look at", directory);
  return static_cast<unsigned long>(info.f_type) & 0xFFFFFFFFUL;
}

// The directory and those above it, as far as they are missing.
Result<void> make_directories(const std::string& path) {
  for (std::size_t at = 0; at != std::string::npos;) {
    at = path.find('/', at + 1);
    const std::string up_to = path.substr(0, at);
    if (::mkdir(up_to.c_str(), 0700) == 0 || errno == EEXIST) continue;
    return refused_by_system("make the state directory", up_to);
  }
  return {};
}

Result<void> check_directory(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return refused_by_system("look at", path);
  const auto unusable = [&](std::string_view what) {
    return fail(Fault::bad_input, fmt::format("the state directory {} {}", path, what));
  };
  if (!S_ISDIR(info.st_mode)) return unusable("is not a directory: remove it, or name another");
  if (info.st_uid != ::geteuid())
    return unusable(fmt::format("belongs to user {}, and gantry runs as user {}: chown it, or name another",
                                info.st_uid, ::geteuid()));
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return unusable("can be written by others, who could change what was spent: chmod 700 it");
  return {};
}

Result<void> check_file_system(const std::string& path, const StateDirectoryOptions& options) {
  const auto type = options.file_system ? options.file_system(path) : type_by_statfs(path);
  if (!type) return std::unexpected(type.error());
  const std::string_view why = objection_to_file_system(*type);
  if (why.empty()) return {};
  return fail(Fault::bad_input,
              fmt::format("the file system of the state directory {} {}: {}", path, why, kRemedy));
}

// ---- its name

constexpr std::size_t kIdentityBytes = 16;
constexpr std::string_view kDigits = "0123456789abcdef";

struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  const int number;
};

// "" when there is none yet.
Result<std::string> read_identity(const std::string& file) {
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (in.number < 0 && errno == ENOENT) return std::string();
  if (in.number < 0) return refused_by_system("open", file);
  std::string text(2 * kIdentityBytes, '\0');
  const ssize_t bytes = ::read(in.number, text.data(), text.size());
  if (bytes < 0) return refused_by_system("read", file);
  if (static_cast<std::size_t>(bytes) != text.size() || text.find_first_not_of(kDigits) != std::string::npos)
    return fail(
        Fault::bad_input,
        fmt::format("{} is not what gantry wrote there, so nobody knows whose journals these are: put "
                    "it back from a copy, or name another directory",
                    file));
  return text;
}

// On the disk before anything is written under that name.
Result<void> write_identity(const std::string& file, const std::string& text) {
  const std::string fresh = file + ".new";
  const Descriptor out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (out.number < 0) return refused_by_system("make", fresh);
  const ssize_t bytes = ::write(out.number, text.data(), text.size());
  if (bytes >= 0 && static_cast<std::size_t>(bytes) != text.size()) errno = ENOSPC;
  if (bytes != static_cast<ssize_t>(text.size()) || ::fsync(out.number) != 0)
    return refused_by_system("write", fresh);
  if (::rename(fresh.c_str(), file.c_str()) != 0) return refused_by_system("make", file);
  return {};
}

std::string holder_in(int lock) {
  std::array<char, 32> text{};
  const ssize_t bytes = ::pread(lock, text.data(), text.size(), 0);
  std::string pid(text.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  pid.resize(std::min(pid.size(), pid.find_first_not_of("0123456789")));
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

std::string_view objection_to_file_system(unsigned long type) {
  for (const Objection& objection : kObjections)
    if (objection.type == type) return objection.why;
  return "";
}

Result<StateDirectory> StateDirectory::open(const std::string& path, const StateDirectoryOptions& options) {
  if (path.empty())
    return fail(Fault::bad_input, fmt::format("the state directory has no name: {}", kRemedy));
  if (auto made = make_directories(path); !made) return std::unexpected(made.error());
  if (auto good = check_directory(path); !good) return std::unexpected(good.error());
  if (auto good = check_file_system(path, options); !good) return std::unexpected(good.error());
  const std::string file = path + "/lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return refused_by_system("open", file);
  StateDirectory directory(path, fd);
  // The lock goes with the open file: with the process, however it ends. Children get no descriptor.
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused_by_system("lock", file);
    return fail(
        Fault::refused,
        fmt::format(
            "{} is locked by {}: a state directory serves one gantry at a time. Stop that one, or name "
            "another directory",
            file, holder_in(fd)));
  }
  // Who holds it, for the message above. A full disk keeps nobody from holding it.
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, pid.data(), pid.size(), 0);
  return directory;
}

Result<std::string> StateDirectory::identity() const {
  const std::string file = path_ + "/id";
  auto known = read_identity(file);
  if (!known || !known->empty()) return known;
  std::array<unsigned char, kIdentityBytes> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    return refused_by_system("get random bytes for", file);
  std::string text;
  for (const unsigned char byte : random) text += {kDigits[byte >> 4U], kDigits[byte & 15U]};
  if (auto written = write_identity(file, text); !written) return std::unexpected(written.error());
  return text;
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDirectory& StateDirectory::operator=(StateDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

StateDirectory::~StateDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace gantry::ledger
