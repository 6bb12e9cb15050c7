#include "config/secret_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gantry::config {
namespace {

// Closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Failure> system_failure(std::string_view what) {
  return fail(Fault::system, fmt::format("{}: {}", what, std::strerror(errno)));
}

// What is wrong with who owns the file and who may use it; empty = nothing.
std::string access_problem(const struct stat& info, FileUse use) {
  if (!S_ISREG(info.st_mode)) return "is not a regular file";
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) return "belongs to another user";
  if (info.st_mode & (S_IWGRP | S_IWOTH)) return "can be written by others (chmod go-w)";
  if (use == FileUse::secret && (info.st_mode & S_IROTH)) return "can be read by everyone (chmod o-r)";
  return {};
}

// Keys travel in a header: one word of graphic ASCII.
Result<Secret> as_secret(std::string text, std::string_view origin) {
  const auto first = text.find_first_not_of(" \t\r\n");
  const auto last = text.find_last_not_of(" \t\r\n");
  const bool blank = first == std::string::npos;
  Secret secret(blank ? std::string{} : text.substr(first, last - first + 1));
  explicit_bzero(text.data(), text.size());
  if (blank) return fail(Fault::bad_input, fmt::format("{} is empty", origin));
  const bool one_word = std::ranges::all_of(secret.reveal(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!one_word)
    return fail(Fault::bad_input, fmt::format("{} holds more than one word of plain characters", origin));
  return secret;
}

// A child in a process group of its own. Destroying it kills the group and collects the child.
class Child {
 public:
  static Result<Child> start(const std::vector<std::string>& words, int output);
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);
    wait();
  }
  [[nodiscard]] Descriptor watch() const {
    return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

Result<Child> Child::start(const std::vector<std::string>& words, int output) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  // What a failing program says may quote the secret: it is not shown.
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, restored;
  sigemptyset(&none);
  sigemptyset(&restored);
  sigaddset(&restored, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &restored);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments.front(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    return fail(Fault::system, fmt::format("{} cannot be run: {}", words.front(), std::strerror(error)));
  return Child(pid);
}

int milliseconds_until(std::chrono::steady_clock::time_point end) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

// Everything the child writes until it closes its output.
Result<std::string> drain(int from, std::size_t limit, std::chrono::steady_clock::time_point end) {
  std::string text;
  for (;;) {
    pollfd waiting{from, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, milliseconds_until(end));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(Fault::timed_out, "did not finish in time");
    char bytes[4096];
    const auto got = ::read(from, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("its output cannot be read");
    if (got == 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
    explicit_bzero(bytes, static_cast<std::size_t>(got));
    if (text.size() > limit) return fail(Fault::too_large, fmt::format("printed more than {} bytes", limit));
  }
}

Result<std::string> run(const std::vector<std::string>& words, CommandLimits limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_failure("no pipe");
  const Descriptor output(ends[0]);
  const auto end = std::chrono::steady_clock::now() + limits.time;
  auto child = [&] {
    const Descriptor input(ends[1]);
    return Child::start(words, input.get());
  }();
  if (!child) return std::unexpected(child.error());
  auto text = drain(output.get(), limits.output, end);
  if (!text) return text;
  const auto exit = child->watch();
  pollfd waiting{exit.get(), POLLIN, 0};
  if (::poll(&waiting, 1, milliseconds_until(end)) <= 0)
    return fail(Fault::timed_out, "did not finish in time");
  const int status = child->wait();
  if (!WIFEXITED(status)) return fail(Fault::bad_input, "was ended by a signal");
  if (WEXITSTATUS(status) != 0)
    return fail(Fault::bad_input, fmt::format("failed with exit code {}", WEXITSTATUS(status)));
  return text;
}

}  // namespace

Result<std::string> read_guarded(const std::string& path, FileUse use, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0)
    return fail(errno == ENOENT ? Fault::not_found : Fault::system,
                fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return system_failure(path);
  if (const auto wrong = access_problem(info, use); !wrong.empty())
    return fail(Fault::bad_input, fmt::format("{} {}", path, wrong));
  std::string text;
  char bytes[4096];
  for (;;) {
    const auto got = ::read(file.get(), bytes, sizeof bytes);
    if (got < 0) return system_failure(path);
    if (got == 0) break;
    text.append(bytes, static_cast<std::size_t>(got));
    if (text.size() > limit)
      return fail(Fault::too_large, fmt::format("{} is longer than {} bytes", path, limit));
  }
  explicit_bzero(bytes, sizeof bytes);
  return text;
}

Result<Secret> resolve(const SecretReference& reference,
                       const std::map<std::string, std::string>& environment, CommandLimits limits) {
  const auto& word = reference.words.front();
  if (reference.from == SecretReference::From::env) {
    const auto found = environment.find(word);
    if (found == environment.end() || found->second.empty()) return Secret{};
    return as_secret(found->second, "the variable " + word);
  }
  if (reference.from == SecretReference::From::file) {
    auto text = read_guarded(word, FileUse::secret, 64 * 1024);
    if (!text) return std::unexpected(text.error());
    return as_secret(std::move(*text), word);
  }
  auto text = run(reference.words, limits);
  if (!text) return fail(text.error().fault, fmt::format("the command {} {}", word, text.error().detail));
  return as_secret(std::move(*text), "what the command " + word + " printed");
}

}  // namespace gantry::config
