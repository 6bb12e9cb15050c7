#include "sim/serve.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "net/http_server.hpp"

namespace gantry::sim {

struct SimServer::Impl {
  // One thread with its loop and listener. The server is built and torn down on that thread's loop.
  struct Shard {
    explicit Shard(const TimeSource& time) : loop(time) {}
    net::Loop loop;
    std::optional<net::HttpServer> server;
    std::thread thread;
  };

  std::unique_ptr<Simulator> simulator;
  net::Endpoint local;
  std::vector<std::unique_ptr<Shard>> shards;  // last: its threads use what stands above

  Result<void> listen(const TimeSource& time, const SimServerOptions& options) {
    const int count = std::max(1, options.threads);
    net::ServerOptions server;
    server.server_name = "gantry-sim";
    server.limits.max_connections = options.max_connections / static_cast<std::size_t>(count) + 1;
    local = {.address = options.address, .port = options.port};
    for (int i = 0; i < count; ++i) {
      auto shard = std::make_unique<Shard>(time);
      const auto share = count > 1 ? net::Acceptor::Share::reuse_port : net::Acceptor::Share::no;
      auto acceptor = net::Acceptor::listen(shard->loop, local, share);
      if (!acceptor) return std::unexpected(acceptor.error());
      local = acceptor->local();  // port 0 is decided by the first; the others share it
      shard->server.emplace(
          shard->loop, server, [sim = simulator.get()](net::Exchange& e) { return sim->handle(e); },
          &Simulator::refusal);
      shard->server->serve(std::move(*acceptor));
      shards.push_back(std::move(shard));
    }
    for (auto& shard : shards) shard->thread = std::thread([loop = &shard->loop] { loop->run(); });
    return {};
  }

  void stop() {
    for (auto& shard : shards) {
      if (!shard->thread.joinable()) continue;
      std::promise<void> closed;
      shard->loop.post([&] {
        shard->server->stop_accepting();
        shard->server->close_all();
        closed.set_value();
      });
      closed.get_future().wait();
      shard->loop.stop();
      shard->thread.join();
      shard->loop.poll();  // what close_all() woke runs to its end
      shard->server.reset();
    }
  }

  ~Impl() { stop(); }
};

SimServer::SimServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SimServer::~SimServer() = default;

Result<std::unique_ptr<SimServer>> SimServer::start(const TimeSource& time, SimServerOptions options) {
  auto simulator = Simulator::create(time, options.sim);
  if (!simulator) return std::unexpected(simulator.error());
  auto impl = std::make_unique<Impl>();
  impl->simulator = std::move(*simulator);
  if (auto listening = impl->listen(time, options); !listening) return std::unexpected(listening.error());
  return std::unique_ptr<SimServer>(new SimServer(std::move(impl)));
}

unsigned short SimServer::port() const { return impl_->local.port; }

std::string SimServer::base_url() const { return fmt::format("http://{}/api/v1", impl_->local.text()); }

Simulator& SimServer::simulator() { return *impl_->simulator; }

void SimServer::stop() { impl_->stop(); }

void SimServer::each_loop(const std::function<void(net::Loop&)>& visit) {
  for (auto& shard : impl_->shards) visit(shard->loop);
}

void SimServer::time_moved() {
  for (auto& shard : impl_->shards) shard->loop.post([loop = &shard->loop] { loop->advance_timers(); });
}

}  // namespace gantry::sim
