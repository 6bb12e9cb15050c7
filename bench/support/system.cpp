#include "support/system.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

namespace gantry::bench {

void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

int Fd::release() { return std::exchange(fd_, -1); }

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Fd listen_on(int port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  set_no_delay(socket.get());  // accepted sockets inherit it
  const sockaddr_in address = loopback(port);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(socket.get(), 4096) != 0)
    fail("cannot listen on port " + std::to_string(port) + ": " + std::strerror(errno));
  return socket;
}

int local_port(const Fd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

Fd connect_to(int port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.open()) fail(std::string("cannot open a socket: ") + std::strerror(errno));
  set_no_delay(socket.get());
  const sockaddr_in address = loopback(port);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    socket.reset();
  return socket;
}

int socket_error(const Fd& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

Fd epoll_create() {
  Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.open()) fail(std::string("cannot make an epoll: ") + std::strerror(errno));
  return epoll;
}

void watch(const Fd& epoll, int fd, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = tag;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    fail(std::string("cannot watch a descriptor: ") + std::strerror(errno));
}

void settle_in(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(core), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) fail("cannot run on core " + std::to_string(core));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  prctl(PR_SET_TIMERSLACK, 1);
  std::signal(SIGPIPE, SIG_IGN);
}

Options::Options(int argc, char** argv, std::map<std::string, std::string> defaults)
    : values_(std::move(defaults)) {
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    const auto found = name.starts_with("--") ? values_.find(name.substr(2)) : values_.end();
    if (found == values_.end()) fail("unknown option " + name);
    if (i + 1 == argc) fail("option " + name + " needs a value");
    found->second = argv[i + 1];
  }
}

const std::string& Options::text(const std::string& name) const { return values_.at(name); }

double Options::real(const std::string& name) const {
  const std::string& value = text(name);
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0') fail("option --" + name + " needs a number, got '" + value + "'");
  return number;
}

std::int64_t Options::number(const std::string& name) const { return static_cast<std::int64_t>(real(name)); }

double number_after(std::string_view text, std::string_view key, double otherwise) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) return otherwise;
  const std::string digits(text.substr(at + key.size(), 20));
  return std::strtod(digits.c_str(), nullptr);
}

}  // namespace gantry::bench
