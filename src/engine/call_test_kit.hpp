#pragma once
// One shard against a scripted upstream, all on one loop in manual time. For tests only.

#include <optional>

#include "engine/call.hpp"
#include "net/client_test_kit.hpp"
#include "net/http_server.hpp"

namespace gantry::engine {

/// What a client would have been given.
class Taken final : public Delivery {
 public:
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;  ///< a whole answer, or the pieces of a stream
  bool open = false, closed = false;
  int done_with_request = 0;
  std::size_t held = 0;  ///< of the bound, while a whole answer was being delivered
  net::InflightBytes* inflight = nullptr;

  /// The client hangs up.
  void leave() {
    gone_ = true;
    if (const auto action = std::exchange(action_, nullptr)) action(context_);
  }

  Task<Result<void>> whole(int with, std::span<const net::Header> given, std::string_view text) override {
    if (gone_) co_return fail(Fault::closed, "the client is gone");
    status = with, body = text;
    if (inflight) held = inflight->held();
    keep(given);
    co_return Result<void>{};
  }
  Task<Result<void>> open_stream(std::span<const net::Header> given, Flush) override {
    open = true, status = 200;
    keep(given);
    co_return Result<void>{};
  }
  Task<Result<void>> piece(std::string_view bytes) override {
    if (gone_) co_return fail(Fault::closed, "the client is gone");
    body += bytes;
    co_return Result<void>{};
  }
  Task<Result<void>> close_stream() override {
    closed = true;
    co_return Result<void>{};
  }
  void request_done() override { ++done_with_request; }
  [[nodiscard]] bool gone() const override { return gone_; }
  void on_gone(void (*action)(void*), void* context) override { action_ = action, context_ = context; }
  [[nodiscard]] std::size_t bytes_sent() const override { return body.size(); }

 private:
  void keep(std::span<const net::Header> given) {
    for (const auto& header : given) headers[std::string(header.name)] = header.value;
  }

  bool gone_ = false;
  void (*action_)(void*) = nullptr;
  void* context_ = nullptr;
};

/// The route "default": acme/alpha, then acme/beta.
struct CallTest : net::ClientTest {
  observe::Observer observer{time, 1};
  Failover failover{1, time.mono()};
  net::InflightBytes inflight{400'000};
  std::shared_ptr<config::Config> config = std::make_shared<config::Config>();
  std::shared_ptr<const Catalogue> catalogue;  ///< none unless a test gives one
  bool explain = false;                        ///< the client asks what was tried
  std::optional<Shard> shard;
  Taken taken;
  bool ended = false;

  CallTest() {
    config->upstream.base_url = "http://127.0.0.1:" + std::to_string(peer.port()) + "/api/v1";
    config->upstream.keys = {{.secret = Secret("sk-or-v1-0000000000000000")}};
    config::Route& route = config->routes["default"];
    route.name = "default";
    route.models = {"acme/alpha", "acme/beta"};
    taken.inflight = &inflight;
  }
  void TearDown() override {
    if (shard) shard->cut_calls();  // what a failed test left
    run_until([this] { return ended || !shard; });
    shard.reset();
    ClientTest::TearDown();
  }

  /// Starts the call and waits until upstream has its first request.
  void ask(std::string body) {
    shard.emplace(loop, 0, Collaborators{observer, resolver, failover, nullptr, &inflight}, config, 1);
    shard->use(catalogue);
    loop.spawn(run(*shard, std::move(body), explain, taken, ended));
    run_until([&] { return peer.requests() == 1; });
  }
  void say(std::size_t line, std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), 16'384uz))) {
      if (peer.line(line).ended) return;
      peer.say(line, bytes.substr(0, 16'384));
      settle();
    }
  }

 private:
  static Task<void> run(Shard& shard, std::string body, bool explain, Taken& taken, bool& ended) {
    net::HeaderView headers;
    headers.add("x-session-id", "session-7");
    if (explain) headers.add("x-gantry-explain", "1");
    co_await shard.call({.body = body, .headers = &headers}, taken);
    ended = true;
  }
};

}  // namespace gantry::engine
