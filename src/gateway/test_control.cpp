#include "gateway/test_control.hpp"

#include <fmt/format.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "observe/escape.hpp"

namespace gantry::gateway {
namespace {

/// Time that one thread moves and all threads read.
class ControlledTime final : public TimeSource {
 public:
  void set(std::int64_t wall_ns, std::int64_t mono_ns) {
    wall_ns_ = wall_ns;
    mono_ns_ = mono_ns;
  }
  void advance(std::int64_t ns) {
    wall_ns_ += ns;
    mono_ns_ += ns;
  }
  void step(std::int64_t ns) { wall_ns_ += ns; }
  MonoTime mono() const override { return MonoTime{Duration{mono_ns_.load()}}; }
  WallTime wall() const override { return WallTime{Duration{wall_ns_.load()}}; }

 private:
  std::atomic<std::int64_t> wall_ns_{0}, mono_ns_{0};
};

/// Which loops there are, and which have yet to run their timers. Shared with the work posted to the loops,
/// which may outlive the control.
class Loops {
 public:
  void add(net::Loop& loop) {
    const std::lock_guard lock(mutex_);
    all_.insert(&loop);
  }
  void forget(net::Loop& loop) {
    const std::lock_guard lock(mutex_);
    all_.erase(&loop);
    waited_for_.erase(&loop);
    changed_.notify_all();
  }
  void give_up() {
    const std::lock_guard lock(mutex_);
    all_.clear();
    waited_for_.clear();
    changed_.notify_all();
  }

  /// Returns when every loop has run its due timers.
  static void run_timers(const std::shared_ptr<Loops>& self) {
    std::unique_lock lock(self->mutex_);
    self->waited_for_ = self->all_;
    // Posted under the lock: a loop in the set has not been forgotten, so it lives.
    for (net::Loop* loop : self->waited_for_)
      loop->post([self, loop] {
        loop->advance_timers();
        self->ran(loop);
      });
    self->changed_.wait(lock, [&] { return self->waited_for_.empty(); });
  }

 private:
  void ran(net::Loop* loop) {
    const std::lock_guard lock(mutex_);
    waited_for_.erase(loop);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<net::Loop*> all_, waited_for_;
};

/// Lines over a stream socket: one thread reads, any thread writes.
class Lines {
 public:
  explicit Lines(int descriptor) : descriptor_(descriptor) {}
  ~Lines() { ::close(descriptor_); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// The next line without its end; nothing when the peer has gone.
  std::optional<std::string> read() {
    for (;;) {
      if (const auto end = received_.find('\n'); end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        return line;
      }
      char piece[4096];
      const ssize_t n = ::recv(descriptor_, piece, sizeof piece, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return std::nullopt;
      received_.append(piece, static_cast<std::size_t>(n));
    }
  }

  void write(std::string line) {
    line += '\n';
    const std::lock_guard lock(writing_);
    for (std::string_view left = line; !left.empty();) {
      const ssize_t n = ::send(descriptor_, left.data(), left.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;  // the harness has gone; reading says so, too
      left.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  /// Ends a read that is waiting.
  void shut() { ::shutdown(descriptor_, SHUT_RDWR); }

 private:
  const int descriptor_;
  std::string received_;
  std::mutex writing_;
};

struct Advance {
  std::int64_t ns;
  std::int64_t id;
};

// The wall clock alone, also backwards, as when somebody sets it.
std::optional<Advance> parse_step(simdjson::dom::parser& parser, const std::string& line) {
  Advance step{};
  simdjson::dom::element root;
  if (parser.parse(line).get(root) || root["step_ns"].get(step.ns) || root["id"].get(step.id))
    return std::nullopt;
  return step;
}

std::optional<Advance> parse_advance(simdjson::dom::parser& parser, const std::string& line) {
  Advance advance{};
  simdjson::dom::element root;
  if (parser.parse(line).get(root) || root["advance_ns"].get(advance.ns) || root["id"].get(advance.id))
    return std::nullopt;
  if (advance.ns < 0) return std::nullopt;  // monotonic time does not go back
  return advance;
}

}  // namespace

struct TestControl::Impl {
  explicit Impl(int descriptor) : lines(descriptor) {
    lines.write(fmt::format(R"({{"hello":"gantry","pid":{}}})", ::getpid()));
    read_time();
    reader = std::jthread([this] { obey(); });
  }
  ~Impl() {
    lines.shut();
    loops->give_up();
  }

  void read_time() {
    const auto line = lines.read();
    simdjson::dom::element root;
    std::int64_t wall = 0, mono = 0;
    if (!line || parser.parse(*line).get(root) || root.at_pointer("/time/wall_ns").get(wall) ||
        root.at_pointer("/time/mono_ns").get(mono))
      throw std::runtime_error(
          "test control: the harness's first line must be {\"time\":{\"wall_ns\":N,\"mono_ns\":N}}");
    time.set(wall, mono);
  }

  void obey() {
    while (const auto line = lines.read()) {
      if (const auto step = parse_step(parser, *line)) {
        time.step(step->ns);
        lines.write(fmt::format(R"({{"done":{}}})", step->id));
        continue;
      }
      const auto advance = parse_advance(parser, *line);
      if (!advance) {
        std::string answer = R"({"error":)";
        observe::append_json_string(answer, "not understood: " + *line);
        lines.write(answer + "}");
        continue;
      }
      time.advance(advance->ns);
      Loops::run_timers(loops);
      lines.write(fmt::format(R"({{"done":{}}})", advance->id));
    }
  }

  ControlledTime time;
  Lines lines;
  std::shared_ptr<Loops> loops = std::make_shared<Loops>();  // shared with posted work, see Loops
  simdjson::dom::parser parser;
  std::jthread reader;  // last: it uses all the others
};

TestControl::TestControl(int descriptor) : impl_(std::make_unique<Impl>(descriptor)) {}
TestControl::~TestControl() = default;

const TimeSource& TestControl::time() const { return impl_->time; }
void TestControl::register_loop(net::Loop& loop) { impl_->loops->add(loop); }
void TestControl::forget_loop(net::Loop& loop) { impl_->loops->forget(loop); }

void TestControl::event(std::string_view name) {
  std::string line = R"({"event":)";
  observe::append_json_string(line, name);
  impl_->lines.write(line + "}");
}

std::unique_ptr<TestControl> connect_test_control() {
  const char* const path = std::getenv("GANTRY_TEST_CONTROL");
  if (!path || !*path) return nullptr;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path)
    throw std::runtime_error(
        fmt::format("test control: the path is longer than {} bytes: {}", sizeof address.sun_path - 1, path));
  std::strcpy(address.sun_path, path);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 ||
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (descriptor >= 0) ::close(descriptor);
    throw std::runtime_error(
        fmt::format("test control: nobody listens at {}: {}", path, std::strerror(error)));
  }
  return std::make_unique<TestControl>(descriptor);
}

}  // namespace gantry::gateway
