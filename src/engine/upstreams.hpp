#pragma once
// Where attempts go: one shard's upstreams, each with its own connections and keys, and the TLS settings that
// all shards share.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/secret.hpp"
#include "config/config.hpp"
#include "net/http_client.hpp"
#include "route/plan.hpp"
#include "route/scope_names.hpp"

namespace gantry::net {
class Loop;
class Resolver;
class TlsContext;
}  // namespace gantry::net

namespace gantry::engine {

/// TLS towards upstreams: a context for each file of authorities. Thread-safe.
class UpstreamTls {
 public:
  /// Makes what `config` needs and is not there yet. Reads files: not on a loop. Errors: bad_input naming the
  /// file.
  Result<void> prepare(const config::Config& config);
  /// The context that trusts `ca_file` ("" = the system's authorities); null when nothing asked for it.
  [[nodiscard]] std::shared_ptr<net::TlsContext> find(const std::string& ca_file) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<net::TlsContext>> contexts_;
};

/// An upstream's key, ready to be sent.
struct TargetKey {
  std::string name;
  std::string books;  ///< what the ledger calls it: its name, behind "upstream:" where it is not OpenRouter's
  Secret authorization;   ///< "Bearer sk-or-…", made once; empty = send none
  bool exclusive = true;  ///< nobody else spends on it
};

/// One upstream as attempts see it.
struct UpstreamTarget {
  net::BaseUrl base;
  std::vector<TargetKey> keys;               ///< at least one, in the configuration's order
  std::vector<std::uint16_t> weights;        ///< of the keys, for choose_key()
  route::ScopeId scope{};                    ///< of its name, as it was before a reload
  std::vector<route::KeyScopes> key_scopes;  ///< the same of the keys
  /// The scopes of its configured models, by where their names stand in the snapshot: a look-up that reads no
  /// text.
  std::unordered_map<const char*, route::ScopeId> models;
  std::shared_ptr<net::HttpClient> client;
};

/// All of them, by the index that config::upstream_at() has. A call keeps those it began with across a
/// reload, and with them their clients: whoever awaits a client or holds a response of one holds these.
using Targets = std::vector<UpstreamTarget>;

/// One key of one upstream, and what it stands in.
struct KeyPlace {
  std::shared_ptr<const Targets> targets;
  std::size_t upstream = 0;
  std::size_t key = 0;
  [[nodiscard]] const UpstreamTarget& target() const { return (*targets)[upstream]; }
};
/// By its scope; nullopt when the configuration has it no more.
std::optional<KeyPlace> find_key(std::shared_ptr<const Targets> targets, route::ScopeId key);

/// Whether the target's key still stands in `now` with the same secret under its name: what an old one causes
/// must not be held against its successor.
bool is_current(const Targets& now, const UpstreamTarget& target, std::size_t key);

/// The keys of upstreams whose names are in both and whose secrets differ: what is remembered of such a name
/// is another key's.
struct KeyName {
  std::string_view upstream, key;
  bool operator==(const KeyName&) const = default;
};
std::vector<KeyName> replaced_keys(const config::Config& before, const config::Config& after);

/// Used on its loop's thread only.
class Upstreams {
 public:
  /// `tls` may be null when every upstream is plain http.
  Upstreams(net::Loop& loop, net::Resolver& resolver, const UpstreamTls* tls);
  ~Upstreams();
  Upstreams(const Upstreams&) = delete;

  /// From now on targets() are the configuration's, their scopes named in `names`. An upstream whose way
  /// there (proxy, bounds, authorities) is what it was keeps its connections; another's close when the last
  /// call that began with them has ended.
  void configure(const config::Config& config, route::ScopeNames& names);
  [[nodiscard]] const std::shared_ptr<const Targets>& targets() const { return targets_; }

  /// Of all clients together, but for those that only calls from before a reload still use.
  [[nodiscard]] net::ClientStats stats() const;
  void free_spare();
  /// Closes idle connections and refuses new work; what is under way goes on.
  void shut_down();

 private:
  struct Client;
  std::shared_ptr<Client> client_for(const config::Upstream& upstream);

  net::Loop& loop_;
  net::Resolver& resolver_;
  const UpstreamTls* tls_;
  std::vector<std::shared_ptr<Client>> clients_;
  std::vector<std::weak_ptr<Client>> former_;
  std::shared_ptr<const Targets> targets_;
};

}  // namespace gantry::engine
