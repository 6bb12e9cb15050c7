#pragma once
// What both bench tools need from the system: owned descriptors, the clock, loopback sockets, pinning,
// command-line options. Anything that cannot work ends the tool with a sentence on stderr: a bench has
// nothing to recover.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace gantry::bench {

/// Ends the tool: exit code 2 and a sentence.
[[noreturn]] void fail(const std::string& why);

/// Nanoseconds of CLOCK_MONOTONIC, which all processes of a host share.
std::int64_t now_ns();

/// An owned file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  void reset();

 private:
  int release();
  int fd_ = -1;
};

/// A non-blocking listener on 127.0.0.1; port 0 lets the kernel choose (read it with local_port).
Fd listen_on(int port);
int local_port(const Fd& socket);
/// Starts a non-blocking connect to 127.0.0.1:port, Nagle's algorithm off. Closed when it fails at once.
Fd connect_to(int port);
/// The error of a finished or failed non-blocking connect, 0 when there is none.
int socket_error(const Fd& socket);

Fd epoll_create();
/// Watches for input, output and hang-up, edge-triggered, once for the connection's whole life.
void watch(const Fd& epoll, int fd, std::uint64_t tag);

/// Runs on that core only, raises the limit of descriptors, ends with the parent, and makes timers exact.
void settle_in(int core);

/// `--name value` pairs. Every option has to be known, so that a misspelt one is an error.
class Options {
 public:
  /// `defaults` names every option with its default.
  Options(int argc, char** argv, std::map<std::string, std::string> defaults);
  [[nodiscard]] const std::string& text(const std::string& name) const;
  [[nodiscard]] std::int64_t number(const std::string& name) const;
  [[nodiscard]] double real(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

/// The number after `key` in text, or `otherwise` when the key is absent.
double number_after(std::string_view text, std::string_view key, double otherwise);

}  // namespace gantry::bench
