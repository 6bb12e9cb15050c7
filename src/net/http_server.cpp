#include "net/http_server.hpp"

#include <atomic>
#include <list>
#include <vector>

#include "net/http_connection.hpp"

namespace gantry::net {
namespace {

constexpr Duration kAcceptPause = std::chrono::milliseconds{100};
constexpr std::size_t kMaxRefusing = 256;  // connections that are told 503; beyond them they are just closed

}  // namespace

struct InflightBytes::Shared {
  explicit Shared(std::size_t bytes) : limit(bytes) {}
  const std::size_t limit;
  std::atomic<std::size_t> held{0};
};

InflightBytes::InflightBytes(std::size_t limit) : shared_(std::make_shared<Shared>(limit)) {}

bool InflightBytes::take(std::size_t bytes) {
  std::size_t held = shared_->held.load(std::memory_order_relaxed);
  do {
    if (bytes > shared_->limit || held > shared_->limit - bytes) return false;
  } while (!shared_->held.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
  return true;
}

void InflightBytes::give_back(std::size_t bytes) {
  shared_->held.fetch_sub(bytes, std::memory_order_relaxed);
}

std::size_t InflightBytes::held() const { return shared_->held.load(std::memory_order_relaxed); }

struct HttpServer::Impl {
  Impl(Loop& loop, ServerOptions options, Handler handler, RefusalBody refusal)
      : core(std::make_shared<ServerCore>(loop, std::move(options), std::move(handler), std::move(refusal))) {
  }

  std::shared_ptr<ServerCore> core;
  std::list<std::weak_ptr<Acceptor>> acceptors;  // their accept loops own them

  static void adopt(const std::shared_ptr<ServerCore>& core, Socket socket);
  static Task<void> accept_all(std::shared_ptr<ServerCore> core, std::shared_ptr<Acceptor> acceptor);
};

void HttpServer::Impl::adopt(const std::shared_ptr<ServerCore>& core, Socket socket) {
  const ServerLimits& limits = core->options.limits;
  bool full = core->serving >= limits.max_connections;
  if (!full && limits.max_per_address > 0) {
    const auto entry = core->per_address.find(socket.peer().address);
    full = entry != core->per_address.end() && entry->second >= limits.max_per_address;
  }
  if (full && core->refusing >= kMaxRefusing) return;  // its destructor closes it
  const auto mode = full ? Connection::Mode::refuse : Connection::Mode::serve;
  core->loop.spawn(Connection::run(std::make_unique<Connection>(core, std::move(socket), mode)));
}

Task<void> HttpServer::Impl::accept_all(std::shared_ptr<ServerCore> core,
                                        std::shared_ptr<Acceptor> acceptor) {
  while (true) {
    auto accepted = co_await acceptor->accept();
    if (accepted) {
      adopt(core, std::move(*accepted));
    } else if (accepted.error().fault == Fault::cancelled) {
      co_return;
    } else if (accepted.error().fault != Fault::reset) {
      // Out of descriptors or memory: the next one would fail as well, until some call has ended.
      co_await core->loop.sleep_for(kAcceptPause);
    }
  }
}

HttpServer::HttpServer(Loop& loop, ServerOptions options, Handler handler, RefusalBody refusal)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handler), std::move(refusal))) {}

HttpServer::~HttpServer() {
  stop_accepting();
  close_all();
}

void HttpServer::serve(Acceptor acceptor) {
  auto shared = std::make_shared<Acceptor>(std::move(acceptor));
  std::erase_if(impl_->acceptors, [](const auto& weak) { return weak.expired(); });
  impl_->acceptors.push_back(shared);
  impl_->core->loop.spawn(Impl::accept_all(impl_->core, std::move(shared)));
}

void HttpServer::adopt(Socket socket) { Impl::adopt(impl_->core, std::move(socket)); }

void HttpServer::use_tls(std::shared_ptr<TlsContext> tls) { impl_->core->options.tls = std::move(tls); }

void HttpServer::close_after_replies() {
  impl_->core->draining = true;
  for (Connection* connection : impl_->core->connections) {
    if (connection->idle()) connection->close_idle();
  }
}

void HttpServer::stop_accepting() {
  for (const auto& weak : impl_->acceptors) {
    if (const auto acceptor = weak.lock()) acceptor->close();
  }
  impl_->acceptors.clear();
}

void HttpServer::close_all() {
  // A hang-up action may end its connection, and others with it.
  const auto& open = impl_->core->connections;
  const std::vector<Connection*> all(open.begin(), open.end());
  for (Connection* connection : all) {
    if (open.contains(connection)) connection->cut();
  }
}

std::size_t HttpServer::connections() const { return impl_->core->connections.size(); }
std::size_t HttpServer::active_requests() const { return impl_->core->active; }

}  // namespace gantry::net
