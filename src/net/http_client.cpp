#include "net/http_client.hpp"

#include <algorithm>

#include "net/response_impl.hpp"

namespace gantry::net {
namespace {

constexpr Duration kWarmTime = std::chrono::seconds{5};  // to open a connection that nobody waits for yet

}  // namespace

struct HttpClient::Impl {
  Impl(Loop& on, ClientOptions with, Resolver& names, TlsContext* secure)
      : loop(on), options(std::move(with)), resolver(names), tls(secure) {
    if (!options.proxy.empty()) proxy = parse_proxy(options.proxy);
  }

  Loop& loop;
  const ClientOptions options;
  Resolver& resolver;
  TlsContext* tls;
  std::optional<Result<Proxy>> proxy;
  ClientStats counted;
  bool shut = false;
  std::vector<std::unique_ptr<ClientResponse::Impl>> spare;
  std::vector<std::unique_ptr<Pool>> pools;  // one an origin; origins come from the configuration: few

  /// Errors: bad_input when the proxy's URL is wrong.
  Result<Pool*> pool_for(const Origin& origin);
  std::unique_ptr<ClientResponse::Impl> take_exchange();
};

Result<Pool*> HttpClient::Impl::pool_for(const Origin& origin) {
  for (const auto& pool : pools) {
    if (pool->origin() == origin) return pool.get();
  }
  const Proxy* through = nullptr;
  if (proxy && !bypasses_proxy(options.no_proxy, origin)) {
    if (!*proxy) return std::unexpected(proxy->error());
    through = &**proxy;
  }
  const PoolContext context{loop, options, resolver, tls, counted};
  pools.push_back(std::make_unique<Pool>(context, origin, through));
  if (shut) pools.back()->shut_down();
  return pools.back().get();
}

std::unique_ptr<ClientResponse::Impl> HttpClient::Impl::take_exchange() {
  if (spare.empty()) {
    auto made = std::make_unique<ClientResponse::Impl>();
    made->parser = ResponseParser(HeadLimits{.bytes = options.max_head_bytes});
    made->max_head_bytes = options.max_head_bytes;
    made->home = &spare;
    return made;
  }
  auto taken = std::move(spare.back());
  spare.pop_back();
  return taken;
}

HttpClient::HttpClient(Loop& loop, ClientOptions options, Resolver& resolver, TlsContext* tls)
    : impl_(std::make_unique<Impl>(loop, std::move(options), resolver, tls)) {}
HttpClient::~HttpClient() = default;

Task<std::expected<ClientResponse, ClientFailure>> HttpClient::send(const Origin& origin,
                                                                    const ClientRequest& request,
                                                                    ClientDeadlines deadlines,
                                                                    Canceller* canceller) {
  const auto give_up = [](Failure why) {
    return std::unexpected(ClientFailure{std::move(why), Reached::nothing_sent});
  };
  const auto pool = impl_->pool_for(origin);
  if (!pool) co_return give_up(pool.error());
  // Its response owns the storage from the start, so that every way out gives it back.
  auto exchange = impl_->take_exchange();
  ClientResponse::Impl& it = *exchange;
  auto response = ClientResponse(std::move(exchange));
  const auto built = it.build(**pool, request);
  if (!built) co_return give_up(built.error());
  it.canceller = canceller;

  for (bool first = true;; first = false) {
    const bool unwanted = canceller && canceller->cancelled();
    if (first && !unwanted) it.connection = (*pool)->take_idle();
    if (!it.connection) {
      auto acquired =
          co_await (*pool)->acquire(deadlines.connect, canceller, first ? Pool::Fresh::no : Pool::Fresh::yes);
      if (!acquired) co_return give_up(acquired.error());
      it.connection = std::move(*acquired);
    }
    const bool reused = it.connection->reused;
    if (request.on_its_way) *request.on_its_way = true;
    auto failure = co_await it.run(deadlines.head);
    if (!failure) co_return response;
    it.restart();
    const bool gone = failure->failure.fault == Fault::reset || failure->failure.fault == Fault::closed;
    if (!first || !reused || !gone || failure->reached != Reached::nothing_sent)
      co_return std::unexpected(*failure);
    ++impl_->counted.replaced_stale;
  }
}

namespace {

// Shared by the tasks that warm up in parallel.
struct WarmUp {
  std::size_t running = 0;
  Signal ended;
};

Task<void> warm_one(Pool* pool, MonoTime deadline, std::shared_ptr<WarmUp> all) {
  auto connection = co_await pool->acquire(deadline, nullptr, Pool::Fresh::yes);
  if (connection) pool->give_back(std::move(*connection));
  if (--all->running == 0) all->ended.notify();
}

}  // namespace

Task<void> HttpClient::warm(Origin origin, std::size_t connections) {
  const auto pool = impl_->pool_for(origin);
  const std::size_t wanted = std::min(connections, impl_->options.max_idle);
  if (!pool || (*pool)->open() >= wanted) co_return;
  const auto all = std::make_shared<WarmUp>();
  all->running = wanted - (*pool)->open();
  const MonoTime deadline = impl_->loop.now() + kWarmTime;
  for (std::size_t left = all->running; left > 0; --left) impl_->loop.spawn(warm_one(*pool, deadline, all));
  co_await all->ended;
}

ClientStats HttpClient::stats() const {
  ClientStats stats = impl_->counted;
  stats.spare = impl_->spare.size();
  for (const auto& pool : impl_->pools) {
    stats.open += pool->open();
    stats.idle += pool->idle();
    stats.waiting += pool->waiting();
  }
  return stats;
}

void HttpClient::free_spare() { impl_->spare.clear(); }

void HttpClient::shut_down() {
  impl_->shut = true;
  for (const auto& pool : impl_->pools) pool->shut_down();
}

}  // namespace gantry::net
