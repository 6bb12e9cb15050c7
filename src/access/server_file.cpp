#include "access/server_file.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "access/json_out.hpp"
#include "wire/json_index.hpp"

namespace gantry::access {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string path_in(const std::string& directory) { return directory + "/" + kServerFile; }

std::unexpected<Failure> refused(const std::string& path, const char* what) {
  return fail(Fault::system, path + " cannot be " + what + ": " + ::strerror(errno));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

std::string text_of(const ServerFile& file) {
  std::string out;
  {
    JsonOut json(out);
    json.text("url", file.url);
    json.text("admin_token", file.admin_token.reveal());
    json.number("pid", file.pid);
  }
  return out + "\n";
}

// Whoever can write it can take the commands' requests; whoever can read it has the token.
bool is_own(const struct stat& info) {
  return S_ISREG(info.st_mode) && (info.st_uid == ::geteuid() || info.st_uid == 0) &&
         (info.st_mode & 077) == 0;
}

std::optional<ServerFile> parse(std::string_view text) {
  wire::JsonIndex index;
  if (index.parse(text)) return std::nullopt;
  const auto url = index.root().find("url"), token = index.root().find("admin_token"),
             pid = index.root().find("pid");
  if (!url || !url->is_string() || !token || !token->is_string()) return std::nullopt;
  ServerFile out{.url = *url->string(), .admin_token = Secret(*token->string()), .pid = 0};
  out.pid = pid ? pid->integer().value_or(0) : 0;
  return out;
}

Result<std::string> read_all(int fd, const std::string& path) {
  constexpr std::size_t kLongest = 16 * 1024;
  std::string text;
  std::array<char, 4096> bytes{};
  for (;;) {
    const auto got = ::read(fd, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(path, "read");
    if (got == 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(got));
    if (text.size() > kLongest) return fail(Fault::too_large, path + " is no file of a server's");
  }
}

}  // namespace

Result<void> write_server_file(const std::string& state_directory, const ServerFile& file) {
  const auto path = path_in(state_directory), draft = path + ".new";
  ::unlink(draft.c_str());
  {
    const Descriptor to(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (to.get() < 0 || ::fchmod(to.get(), 0600) != 0) return refused(draft, "made");
    if (!write_all(to.get(), text_of(file))) return refused(draft, "written");
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return refused(path, "put in place");
  return {};
}

Result<std::optional<ServerFile>> read_server_file(const std::string& state_directory) {
  const auto path = path_in(state_directory);
  const Descriptor from(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (from.get() < 0 && errno == ENOENT) return std::nullopt;
  if (from.get() < 0) return refused(path, "read");
  struct stat info{};
  if (::fstat(from.get(), &info) != 0) return refused(path, "looked at");
  if (!is_own(info))
    return fail(Fault::bad_input, path + " must belong to this user and be closed to all others (chmod 600)");
  const auto text = read_all(from.get(), path);
  if (!text) return std::unexpected(text.error());
  auto file = parse(*text);
  if (!file) return fail(Fault::bad_input, path + " is damaged; restarting the server writes it anew");
  return file;
}

void remove_server_file(const std::string& state_directory) { ::unlink(path_in(state_directory).c_str()); }

}  // namespace gantry::access
