#pragma once
// One loop's part of the engine: its upstream pool, scanners and configuration snapshot. A call walks through
// it from plan to record (DESIGN §2). Everything here is used on its loop's thread only.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "access/key_ring.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "config/config.hpp"
#include "engine/catalogue.hpp"
#include "engine/delivery.hpp"
#include "engine/failover.hpp"
#include "engine/key_watch.hpp"
#include "engine/till.hpp"
#include "engine/upstreams.hpp"
#include "net/headers.hpp"
#include "net/http_client.hpp"
#include "net/loop.hpp"
#include "observe/observer.hpp"
#include "route/plan.hpp"
#include "spend/calibrated.hpp"
#include "wire/dialect.hpp"

namespace gantry::net {
class InflightBytes;
class Resolver;
}  // namespace gantry::net

namespace gantry::engine {

/// What the engine is handed; all of it outlives the shards.
struct Collaborators {
  observe::Observer& observer;
  net::Resolver& resolver;
  Failover& failover;
  const UpstreamTls* tls = nullptr;        ///< null when every upstream is plain http
  net::InflightBytes* inflight = nullptr;  ///< bounds plain replies of all shards; null = no bound
};

/// One client request as the engine sees it. Views outlive the call.
struct CallRequest {
  const wire::Dialect* dialect = &wire::kChat;
  std::string_view body;
  const net::HeaderView* headers = nullptr;  ///< the client's; passed on by allow-list (DESIGN §6)
  route::Client client{};                    ///< whom the call's failures are counted for
  Payer payer{};                             ///< whom its cost is charged to
  const access::KeyEntry* key = nullptr;     ///< what it may do; null = everything
  std::int64_t* tokens = nullptr;            ///< set at its end to what its answer took
};

/// A small upstream GET, for the catalogue, key and generation endpoints.
struct Fetched {
  int status = 0;
  std::string body;
  std::string content_type;
};

class Shard {
 public:
  Shard(net::Loop& loop, std::size_t index, Collaborators with, config::Snapshot config, std::uint64_t seed);
  ~Shard();
  Shard(const Shard&) = delete;

  /// One call, to its end: the answer or an error has been delivered and the call recorded when it returns.
  Task<void> call(CallRequest request, Delivery& delivery);
  /// GET `path` (with query) of OpenRouter, with its first key that is not left alone; bounded to 16 MiB and
  /// the default route's silence time.
  Task<Result<Fetched>> fetch(std::string path);
  /// The same with this key of this upstream.
  Task<Result<Fetched>> fetch(std::string path, KeyPlace with);
  /// The same of OpenRouter with an authorization that is none of its keys' ("Bearer …").
  Task<Result<Fetched>> fetch(std::string path, Secret authorization);
  /// Something casts doubt on a key: it is asked about, and set aside when it is no good.
  void doubt(route::ScopeId key) { key_watch_.doubt(key); }
  /// A small request outside of any call (the health probe): no fallback, no record. `method` outlives it.
  Task<Result<Fetched>> ask(std::string_view method, std::string path, std::string body, MonoTime deadline);

  /// New calls use the new snapshot; calls under way keep theirs. On the loop's thread.
  void configure(config::Snapshot config);
  [[nodiscard]] const config::Snapshot& config() const { return config_; }
  /// From now on calls are paid for. Before the first one; both outlive the shard.
  void keep_books(ledger::Bank& bank, ledger::JournalWriter& journal) { till_.emplace(Till{bank, journal}); }
  /// Null when nobody pays.
  [[nodiscard]] Till* till() { return till_ ? &*till_ : nullptr; }
  /// What calls look at from now on. On the loop's thread.
  void use(std::shared_ptr<const Catalogue> catalogue) { catalogue_ = std::move(catalogue); }
  /// Null until there is one. Good until this thread does something else: not across a co_await.
  [[nodiscard]] const Catalogue* catalogue() const { return catalogue_.get(); }
  /// Opens upstream connections ahead of the first call.
  Task<void> warm();
  /// Ends every stream with an in-band error, and every waiting call with 503: the last step of a drain.
  void cut_calls();

  [[nodiscard]] std::size_t active_calls() const { return active_.load(std::memory_order_relaxed); }
  [[nodiscard]] net::ClientStats upstream_stats() const { return upstreams_.stats(); }
  [[nodiscard]] net::Loop& loop() { return loop_; }
  /// For the launch checks, which talk to upstream outside of any call. To be held while a client is used.
  [[nodiscard]] const std::shared_ptr<const Targets>& upstreams() const { return upstreams_.targets(); }
  /// Closes idle upstream connections and refuses new ones; what is under way goes on.
  void shut_down() { upstreams_.shut_down(); }
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] Failover& failover() { return with_.failover; }
  [[nodiscard]] Random& random() { return random_; }

 private:
  friend class Call;

  [[nodiscard]] KeyPlace usable_key() const;
  [[nodiscard]] MonoTime fetch_deadline() const;
  Task<Result<Fetched>> exchange(KeyPlace with, Secret authorization, std::string_view method,
                                 std::string path, std::string body, MonoTime deadline);
  void call_begins();
  void call_ends();
  /// Plain attempts whose client has left, read to their end for their cost (DESIGN §4, Hang-ups).
  static constexpr std::size_t kMostAbandoned = 256;
  std::size_t abandoned_ = 0;
  void look_for_rest();
  /// A cost is counted as nothing because nobody knows it: said once for each model.
  void tell_unpriced(std::string_view model);
  std::set<std::string, std::less<>> unpriced_;  // that were told of
  [[nodiscard]] route::ScopeId model_scope(const UpstreamTarget& target, std::string_view model) const;
  /// Clients may name any model: one is tracked once it has failed, while there is room.
  route::ScopeId track(const UpstreamTarget& target, std::string_view model);

  net::Loop& loop_;
  std::size_t index_;
  Collaborators with_;
  config::Snapshot config_;
  Random random_;
  Upstreams upstreams_;
  std::optional<Till> till_;                    // without it nobody pays
  spend::Calibrated calibrated_;                // what calls cost, where the route learns that
  std::shared_ptr<const Catalogue> catalogue_;  // shared with the other shards
  // Room for what a request is made of, until the client has copied it.
  std::vector<net::Header> headers_room_;
  std::string path_room_;
  wire::RequestScanner request_scanner_;
  wire::ReplyScanner reply_scanner_;
  std::atomic<std::size_t> active_{0};
  class Call* calls_ = nullptr;  // intrusive list of calls under way
  // After a rush memory goes back to the system: once, when a whole interval had a fraction of its calls.
  std::size_t rush_ = 0;      // the most calls at once since then
  std::size_t most_now_ = 0;  // the most in this interval
  KeyWatch key_watch_{*this};
  bool looking_ = false;  // the timer is set; it rests with the shard
  net::Timer rest_timer_;
};

}  // namespace gantry::engine
