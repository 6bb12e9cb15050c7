#include "gateway/runtime.hpp"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <utility>

#include "gateway/limits.hpp"
#include "observe/log.hpp"

namespace gantry::gateway {

struct Runtime::Worker {
  explicit Worker(const TimeSource& time) : loop(time) {}
  net::Loop loop;
  std::unique_ptr<engine::Shard> shard;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<net::HttpServer> server;
  std::thread thread;

  /// On its loop's thread.
  [[nodiscard]] observe::Gauges gauges() const {
    const auto upstream = shard->upstream_stats();
    observe::Gauges out{.client_connections = server->connections(),
                        .active_requests = server->active_requests(),
                        .active_calls = shard->active_calls(),
                        .upstream_open = upstream.open,
                        .upstream_idle = upstream.idle};
    if (const auto* catalogue = shard->catalogue()) {
      out.catalogue_models = catalogue->models.all().size();
      out.catalogue_age = loop.now() - catalogue->fetched;
    }
    return out;
  }
};

namespace {

constexpr Duration kBusyLook =
    std::chrono::milliseconds{20};                        // how often a drain looks whether calls are left
constexpr Duration kLastWords = std::chrono::seconds{2};  // for the in-band errors of streams that are cut

bool serves_tls(const config::Config& config) { return !config.server.tls_certificate.empty(); }

// Null for plain HTTP. Shared, because after a reload each loop lets go of the old one in its own time.
Result<std::shared_ptr<net::TlsContext>> listener_tls(const config::Server& server) {
  if (server.tls_certificate.empty()) return nullptr;
  auto tls = net::TlsContext::server({server.tls_certificate, server.tls_key});
  if (!tls) return std::unexpected(tls.error());
  return std::make_shared<net::TlsContext>(std::move(*tls));
}

net::ServerLimits server_limits(const config::Server& server, std::size_t connections) {
  return {.max_head_bytes = server.max_head,
          .max_body_bytes = server.max_body,
          .head_time = server.head_time,
          .body_time = server.body_time,
          .idle_time = server.idle_time,
          .write_stall = server.write_stall,
          .max_connections = connections,
          .max_per_address = server.max_per_address};
}

}  // namespace

Runtime::Runtime(bool simulated, const TimeSource& time, TestControl* control, std::size_t shards)
    : time_(time),
      control_(control),
      observer_(time, shards),
      resolver_(),
      failover_(shards, time.mono()),
      shared_(observer_, time, simulated) {}

Runtime::~Runtime() { stop(); }

Result<std::unique_ptr<Runtime>> Runtime::create(config::Snapshot config, bool simulated,
                                                 const TimeSource& time, TestControl* control) {
  const int wanted = config->server.threads > 0 ? config->server.threads : usable_processors();
  const auto shards = static_cast<std::size_t>(wanted);
  auto runtime = std::unique_ptr<Runtime>(new Runtime(simulated, time, control, shards));
  runtime->config_ = config;
  runtime->name_models(*config);
  runtime->inflight_ = std::make_unique<net::InflightBytes>(config->server.max_inflight);
  if (auto ready = runtime->upstream_tls_.prepare(*config); !ready) return std::unexpected(ready.error());
  auto treasury = Treasury::open(*config, simulated, time);
  if (!treasury) return std::unexpected(treasury.error());
  runtime->treasury_ = std::move(*treasury);
  runtime->shared_.treasury = runtime->treasury_.get();
  if (auto listening = runtime->listen(*config, shards); !listening)
    return std::unexpected(listening.error());
  runtime->keep_catalogue();
  return runtime;
}

// Before the threads run.
void Runtime::keep_catalogue() {
  price_memory_.emplace(treasury_->recorder(), treasury_->bank());
  if (const auto kept = price_memory_->recall(config_->upstream.base_url, time_.mono()))
    for (auto& worker : workers_) worker->shard->use(kept);
  keeper_.emplace(
      *workers_.front()->shard,
      [this](const std::shared_ptr<const engine::Catalogue>& next) {
        for (auto& worker : workers_)
          worker->loop.post([shard = worker->shard.get(), next] { shard->use(next); });
      },
      [this](std::string base_url, std::string models) {
        price_memory_->remember(std::move(base_url), std::move(models));
      });
}

// Every shard has its own listener on the same port; the kernel spreads connections over them.
Result<void> Runtime::listen(const config::Config& config, std::size_t shards) {
  const auto tls = listener_tls(config.server);
  if (!tls) return std::unexpected(tls.error());
  const auto limits = connection_limits(config.server, raise_descriptor_limit());
  max_clients_ = limits.clients;
  const auto limited = for_one_shard(config, limits, shards);
  local_ = {.address = config.server.listen_address, .port = config.server.listen_port};
  const auto share = shards > 1 ? net::Acceptor::Share::reuse_port : net::Acceptor::Share::no;
  for (std::size_t i = 0; i < shards; ++i) {
    auto worker = std::make_unique<Worker>(time_);
    auto acceptor = net::Acceptor::listen(worker->loop, local_, share);
    if (!acceptor) return std::unexpected(acceptor.error());
    local_ = acceptor->local();  // port 0: the others take the one that was given
    worker->shard = std::make_unique<engine::Shard>(
        worker->loop, i,
        engine::Collaborators{observer_, resolver_, failover_, &upstream_tls_, inflight_.get()}, limited,
        system_seed());
    auto journal = treasury_->add_journal();
    if (!journal) return std::unexpected(journal.error());
    worker->shard->keep_books(treasury_->bank(), **journal);
    worker->gateway = std::make_unique<Gateway>(*worker->shard, shared_);
    worker->gateway->use(treasury_->clients());
    auto* const gateway = worker->gateway.get();
    worker->server = std::make_unique<net::HttpServer>(
        worker->loop,
        net::ServerOptions{
            .limits = server_limits(config.server, std::max<std::size_t>(1, limits.clients / shards)),
            .server_name = "gantry",
            .tls = *tls,
            .inflight = inflight_.get()},
        [gateway](net::Exchange& exchange) { return gateway->handle(exchange); }, &Gateway::refusal_body);
    worker->server->serve(std::move(*acceptor));
    workers_.push_back(std::move(worker));
  }
  shared_.gauges = [this](net::Loop& asking) { return survey(asking); };
  return {};
}

void Runtime::start() {
  for (auto& worker : workers_) {
    if (control_) control_->register_loop(worker->loop);
    worker->thread = std::thread([&loop = worker->loop] {
      pthread_setname_np(pthread_self(), "gantry-shard");
      loop.run();
    });
    worker->loop.post([shard = worker->shard.get()] { shard->loop().spawn(shard->warm()); });
  }
  workers_.front()->loop.post([this] { keeper_->start(); });
  start_money();
}

void Runtime::start_money() {
  treasury_->start([this](const ClientsSnapshot& next) {
    for (auto& worker : workers_)
      worker->loop.post([gateway = worker->gateway.get(), next] { gateway->use(next); });
  });
  reconciler_.emplace(*workers_.front()->shard, treasury_->recorder(), treasury_->bank());
  money_watch_.emplace(*workers_.front()->shard, treasury_->recorder(), treasury_->bank(), shared_.money);
  workers_.front()->loop.post([this] {
    reconciler_->start();
    money_watch_->start();
  });
}

void Runtime::name_models(const config::Config& config) {
  for (const auto& [name, route] : config.routes) observer_.name_models(route.models);
}

// What is known of a key stays with its name; another secret under that name is another key.
void Runtime::forget_replaced_keys(const config::Config& before, const config::Config& after) {
  using route::Scope;
  auto& scopes = failover_.scopes;
  for (const auto& [upstream, key] : engine::replaced_keys(before, after)) {
    const auto above = scopes.names().find(Scope::upstream, route::kUntracked, upstream);
    const auto id = scopes.names().find(Scope::key, above, key);
    for (const auto each : {id, scopes.names().find(Scope::free_allowance, id, "free")})
      if (each.tracked()) scopes.reset(each, time_.mono());
  }
}

Result<void> Runtime::configure(config::Snapshot next) {
  if (serves_tls(*next) != serves_tls(*config_))
    return fail(Fault::bad_input, "server.tls_certificate turns TLS on or off, which needs another listener");
  const auto tls = listener_tls(next->server);
  if (!tls) return std::unexpected(tls.error());
  if (auto ready = upstream_tls_.prepare(*next); !ready) return ready;
  const auto before = std::exchange(config_, next);
  name_models(*next);
  const auto limits = connection_limits(next->server, raise_descriptor_limit());
  const auto snapshot = for_one_shard(*next, limits, workers_.size());
  const auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (auto& worker : workers_)
    worker->loop.post([this, w = worker.get(), before, snapshot, left, tls = *tls] {
      w->shard->configure(snapshot);
      if (tls) w->server->use_tls(tls);
      // Not before the last one: who still has an old key may find it refused.
      if (left->fetch_sub(1) == 1) forget_replaced_keys(*before, *snapshot);
    });
  if (before->upstream != config_->upstream) workers_.front()->loop.post([this] { keeper_->refresh(); });
  return {};
}

namespace {

// Shared by who asks and the loops that answer, because a shutdown may come in between.
struct Counting {
  std::size_t loops_left;  // this and `sum` are the asking loop's
  observe::Gauges sum{};
  net::Signal done{};

  void add(const observe::Gauges& part) {
    sum.client_connections += part.client_connections;
    sum.active_requests += part.active_requests;
    sum.active_calls += part.active_calls;
    sum.upstream_open += part.upstream_open;
    sum.upstream_idle += part.upstream_idle;
    // All have the same one; a shard that was handed it just now is ahead of the others.
    sum.catalogue_models = std::max(sum.catalogue_models, part.catalogue_models);
    if (part.catalogue_age)
      sum.catalogue_age = std::min(sum.catalogue_age.value_or(Duration::max()), *part.catalogue_age);
    if (--loops_left == 0) done.notify();
  }
};

}  // namespace

// Each loop is asked on its own thread: nobody else may look at its connections and pools.
Task<observe::Gauges> Runtime::survey(net::Loop& asking) {
  const auto counting = std::make_shared<Counting>(workers_.size());
  for (const auto& worker : workers_) {
    worker->loop.post([counting, w = worker.get(), &asking] {
      asking.post([counting, part = w->gauges()] { counting->add(part); });
    });
  }
  co_await counting->done;
  observe::Gauges sum = counting->sum;
  sum.inflight_bytes = inflight_->held();
  co_return sum;
}

void Runtime::drain(std::move_only_function<void()> on_done) {
  shared_.draining = true;
  auto& first = workers_.front()->loop;
  const DrainTimes times{config_->server.drain_delay, config_->server.drain_limit};
  first.post([this, &first, times, done = std::move(on_done)]() mutable {
    first.spawn(drain_all(times, std::move(done)));
  });
}

Task<void> Runtime::drain_all(DrainTimes times, std::move_only_function<void()> on_done) {
  const auto everywhere = [this](auto action) {
    for (auto& worker : workers_) worker->loop.post([action, w = worker.get()] { action(*w); });
  };
  net::Loop& loop = workers_.front()->loop;
  everywhere([](Worker& worker) { worker.server->close_after_replies(); });
  co_await loop.sleep_for(times.delay);  // load balancers see /ready and stop sending
  everywhere([](Worker& worker) { worker.server->stop_accepting(); });
  const MonoTime limit = loop.now() + times.limit;
  observe::Gauges now = co_await survey(loop);
  while (now.active_requests > 0 && loop.now() < limit) {
    co_await loop.sleep_for(kBusyLook);
    now = co_await survey(loop);
  }
  if (now.active_requests > 0) {
    observe::log(observe::Level::warn, "drain_limit",
                 {{"calls_cut", static_cast<std::int64_t>(now.active_requests)}});
    everywhere([](Worker& worker) { worker.shard->cut_calls(); });
    const MonoTime last = loop.now() + kLastWords;
    while (now.active_requests > 0 && loop.now() < last) {
      co_await loop.sleep_for(kBusyLook);
      now = co_await survey(loop);
    }
  }
  on_done();
}

void Runtime::run_on_first(std::move_only_function<Task<void>(engine::Shard&)> work) {
  auto* const shard = workers_.front()->shard.get();
  shard->loop().post([shard, work = std::move(work)]() mutable { shard->loop().spawn(work(*shard)); });
}

// Cuts what is left and lets every coroutine run to its end while all that it refers to still lives.
void Runtime::stop() {
  for (auto& worker : workers_) {
    if (!worker->thread.joinable()) {
      worker->loop.drop_tasks();  // never started: only its listener waits there
      continue;
    }
    if (control_) control_->forget_loop(worker->loop);
    worker->loop.post([w = worker.get()] {
      w->server->stop_accepting();
      w->shard->cut_calls();
      w->server->close_all();
      w->shard->shut_down();  // who waits for a connection must not be dropped from under its pool
      w->loop.stop();
    });
    worker->thread.join();
    constexpr int kTurns = 100;
    for (int i = 0; i < kTurns && worker->loop.running_tasks() > 0; ++i) worker->loop.poll();
    worker->loop.drop_tasks();
  }
  if (treasury_) treasury_->stop();  // no shard writes any more
}

}  // namespace gantry::gateway
