#include "net/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace gantry::net {
namespace {

using Answer = Result<std::vector<std::string>>;

Answer ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code == EAI_NONAME || code == EAI_ADDRFAMILY) {
    // A machine with loopback only has no "configured" family, yet knows its own names.
    hints.ai_flags = 0;
    code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  }
  if (code != 0) return fail(Fault::unresolved, host + ": " + ::gai_strerror(code));
  std::vector<std::string> addresses;
  for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      addresses.emplace_back(text);
  }
  ::freeaddrinfo(found);
  return addresses;
}

bool is_numeric(const std::string& host) {
  in6_addr ignored;
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

// One coroutine that waits. The look-up's thread knows it only through `Impl::waiters`, under the mutex; what
// it posts holds the state alive and finds `handle` empty when the wait has ended otherwise.
struct Waiting : std::enable_shared_from_this<Waiting> {
  explicit Waiting(Loop& owner) : loop(owner) {}
  Loop& loop;
  std::coroutine_handle<> handle{};
  std::optional<Answer> answer{};
  Fault why = Fault::timed_out;  // when there is no answer

  void resume() {
    if (handle) std::exchange(handle, {}).resume();
  }
};
using WaitingPtr = std::shared_ptr<Waiting>;

}  // namespace

std::vector<std::string> interleave_families(const std::vector<std::string>& addresses) {
  const auto is_v6 = [](const std::string& address) { return address.find(':') != std::string::npos; };
  std::vector<std::string> first, second, result;
  for (const auto& address : addresses)
    (is_v6(address) == is_v6(addresses.front()) ? first : second).push_back(address);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) result.push_back(first[i]);
    if (i < second.size()) result.push_back(second[i]);
  }
  return result;
}

struct Resolver::Impl {
  explicit Impl(Lookup function) : lookup(std::move(function)) {}

  struct Entry {
    std::vector<std::string> addresses;  // empty until a look-up has succeeded
    MonoTime asked_at{};                 // of the last look-up
    MonoTime ask_again{};                // from then on they are stale
    bool asking = false;
    std::vector<WaitingPtr> waiters;
  };

  const Lookup lookup;
  std::mutex mutex;
  std::condition_variable work;
  std::map<std::string, Entry> entries;  // hosts come from the configuration: few, never forgotten
  std::deque<std::string> queue;
  bool stopping = false, busy = false;

  static void serve(std::shared_ptr<Impl> self);
  void finish(const std::string& host, Answer answer);
  void forget(const std::string& host, const WaitingPtr& waiting);
  /// What is known, or (then `waiting` is registered and a look-up is under way) nothing.
  std::vector<std::string> known_or_ask(const std::string& host, const WaitingPtr& waiting);
  std::vector<std::string> stale(const std::string& host);

  std::thread thread;
};

void Resolver::Impl::serve(std::shared_ptr<Impl> self) {
  std::unique_lock lock(self->mutex);
  for (;;) {
    self->work.wait(lock, [&] { return self->stopping || !self->queue.empty(); });
    if (self->stopping) return;
    const std::string host = std::move(self->queue.front());
    self->queue.pop_front();
    self->busy = true;
    lock.unlock();
    Answer answer = self->lookup(host);
    lock.lock();
    self->busy = false;
    if (self->stopping) return;
    self->finish(host, std::move(answer));
  }
}

// Under the mutex: a loop whose coroutine is registered exists, and stays until forget() has had the mutex.
void Resolver::Impl::finish(const std::string& host, Answer answer) {
  if (answer && answer->empty()) answer = fail(Fault::unresolved, host + ": the name has no address");
  Entry& entry = entries[host];
  entry.asking = false;
  if (answer) {
    entry.addresses = interleave_families(*answer);
    entry.ask_again = entry.asked_at + kFresh;
  } else {
    entry.ask_again = entry.asked_at + (entry.addresses.empty() ? Duration::zero() : kFailurePause);
  }
  for (const WaitingPtr& waiting : std::exchange(entry.waiters, {})) {
    auto result = entry.addresses.empty() ? answer : Answer(entry.addresses);
    waiting->loop.post([waiting, result = std::move(result)]() mutable {
      if (!waiting->handle) return;
      waiting->answer = std::move(result);
      waiting->resume();
    });
  }
}

void Resolver::Impl::forget(const std::string& host, const WaitingPtr& waiting) {
  const std::lock_guard lock(mutex);
  std::erase(entries[host].waiters, waiting);
}

std::vector<std::string> Resolver::Impl::known_or_ask(const std::string& host, const WaitingPtr& waiting) {
  const std::lock_guard lock(mutex);
  Entry& entry = entries[host];
  const MonoTime now = waiting->loop.now();
  if (!entry.addresses.empty() && now < entry.ask_again) return entry.addresses;
  if (!entry.asking) {
    entry.asking = true;
    entry.asked_at = now;
    queue.push_back(host);
    work.notify_one();
  }
  entry.waiters.push_back(waiting);
  return {};
}

std::vector<std::string> Resolver::Impl::stale(const std::string& host) {
  const std::lock_guard lock(mutex);
  return entries[host].addresses;
}

namespace {

struct Wait {
  Waiting& waiting;
  MonoTime deadline;
  Timer timer{};
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    waiting.handle = handle;
    const auto expire = [](void* self) { static_cast<Waiting*>(self)->resume(); };
    waiting.loop.set_timer(timer, deadline, expire, &waiting);
  }
  void await_resume() const {}
};

std::vector<Endpoint> with_port(const std::vector<std::string>& addresses, unsigned short port) {
  std::vector<Endpoint> endpoints;
  for (const auto& address : addresses)
    endpoints.push_back({.address = address, .port = port, .unix_path = false});
  return endpoints;
}

}  // namespace

Resolver::Resolver() : Resolver(ask_system) {}

Resolver::Resolver(Lookup lookup) : impl_(std::make_shared<Impl>(std::move(lookup))) {
  impl_->thread = std::thread(&Impl::serve, impl_);
}

Resolver::~Resolver() {
  bool hanging = false;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    hanging = impl_->busy;
    impl_->work.notify_one();
  }
  // getaddrinfo cannot be stopped and may take half a minute; its thread shares the state and touches nothing
  // else.
  if (hanging) {
    impl_->thread.detach();
  } else {
    impl_->thread.join();
  }
}

Task<Result<std::vector<Endpoint>>> Resolver::resolve(Loop& loop, std::string host, unsigned short port,
                                                      MonoTime deadline, Canceller* canceller) {
  if (is_numeric(host)) co_return std::vector<Endpoint>{{.address = host, .port = port, .unix_path = false}};
  if (canceller && canceller->cancelled()) co_return fail(Fault::cancelled, "resolving " + host);
  const auto waiting = std::make_shared<Waiting>(loop);
  const auto known = impl_->known_or_ask(host, waiting);
  if (!known.empty()) co_return with_port(known, port);

  // Also when this frame is destroyed while it waits: nothing is posted to a loop that is gone.
  struct Registered {
    Impl& impl;
    const std::string& host;
    const WaitingPtr& waiting;
    ~Registered() {
      waiting->handle = {};
      impl.forget(host, waiting);
    }
  };
  const Registered registered{*impl_, host, waiting};
  const auto give_up = [](void* context) {
    auto& self = *static_cast<Waiting*>(context);
    self.why = Fault::cancelled;
    self.loop.post([alive = self.shared_from_this()] { alive->resume(); });  // never re-enter who cancels
  };
  const Armed armed(canceller, give_up, waiting.get());
  const auto old = impl_->stale(host);
  auto wait = Wait{*waiting, old.empty() ? deadline : std::min(deadline, loop.now() + kStalePatience)};
  co_await wait;
  if (!waiting->answer && waiting->why == Fault::timed_out && !old.empty()) co_return with_port(old, port);
  if (!waiting->answer) co_return fail(waiting->why, "resolving " + host);
  if (!*waiting->answer) co_return std::unexpected(waiting->answer->error());
  co_return with_port(**waiting->answer, port);
}

}  // namespace gantry::net
