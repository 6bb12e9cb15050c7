#pragma once
// The configuration as one immutable snapshot: parsed once, validated as a whole, shared by pointer (DESIGN
// §2). Every field's name, bounds and sentence for the operator stand once, in schema.cpp, its default once,
// here; the reference page, `gantry config show` and the restart list are generated from there.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

namespace gantry::config {

/// The checklist's defaults, alive in the catalogue, of four different authors.
extern const std::vector<std::string> kDefaultChain;

struct Attribution {
  std::string referer;                  ///< HTTP-Referer
  std::string title;                    ///< X-OpenRouter-Title
  std::vector<std::string> categories;  ///< X-OpenRouter-Categories, at most 2
  bool force = false;                   ///< replace what the client sent (default: the client's wins)
  bool operator==(const Attribution&) const = default;
};

/// All per route (DESIGN §4, Time).
struct Timeouts {
  Duration connect = std::chrono::seconds{5};
  Duration silence = std::chrono::seconds{60};
  Duration first_token = std::chrono::seconds{60};
  Duration stall = std::chrono::seconds{30};
  Duration call = std::chrono::seconds{600};
  bool operator==(const Timeouts&) const = default;
};

/// Who goes on to the next model of a chain (docs/decisions/0009).
enum class Fallback : std::uint8_t { gantry, openrouter, both };
/// How a stream reaches its client: as it comes, or after it was taken whole with full failover.
enum class DeliveryMode : std::uint8_t { stream, assured };
enum class DataCollection : std::uint8_t { allow, deny };
/// What becomes of a call whose max_tokens cannot be paid for.
enum class TightBudget : std::uint8_t { refuse, clamp };

/// What a route demands of the providers behind its models. A client may tighten it, never loosen it
/// (wire/provider.hpp).
struct ProviderRules {
  bool zdr = false;
  DataCollection data_collection = DataCollection::allow;
  std::vector<std::string> only;     ///< slugs; empty = all
  std::vector<std::string> ignore;   ///< slugs
  std::string max_price_prompt;      ///< USD per million tokens, a decimal; empty = no limit
  std::string max_price_completion;  ///< the same
  bool operator==(const ProviderRules&) const = default;
};

/// What a model costs, as the operator states it.
struct ModelPrice {
  PicoUsd prompt;      ///< for a million tokens
  PicoUsd completion;  ///< the same
  // The same; left out, such a token costs what others of its side do.
  std::optional<PicoUsd> input_cache_read{}, input_cache_write{}, internal_reasoning{};
  std::optional<PicoUsd> request{}, image{}, web_search{};  ///< for one; left out, nothing
  bool operator==(const ModelPrice&) const = default;
};
/// The prices that may be left out, by their names.
struct OptionalPrice {
  std::string_view name;
  std::optional<PicoUsd> ModelPrice::* price;
};
inline constexpr std::array kOptionalPrices{
    OptionalPrice{"input_cache_read", &ModelPrice::input_cache_read},
    OptionalPrice{"input_cache_write", &ModelPrice::input_cache_write},
    OptionalPrice{"internal_reasoning", &ModelPrice::internal_reasoning},
    OptionalPrice{"request", &ModelPrice::request},
    OptionalPrice{"image", &ModelPrice::image},
    OptionalPrice{"web_search", &ModelPrice::web_search}};
/// By a model's name.
using Prices = std::map<std::string, ModelPrice, std::less<>>;

/// What `hold` says instead of an amount when it is learned (spend/calibrated.hpp).
inline constexpr std::string_view kCalibrated = "calibrated";

struct Route {
  std::string name;
  std::vector<std::string> models;      ///< the chain, primary first; at least one
  std::int64_t max_tokens = 4096;       ///< set when the client gives none
  std::int64_t max_tokens_ceiling = 0;  ///< clamped to this; 0 = no ceiling
  std::optional<double> temperature;    ///< set when the client gives none; unset by default
  std::size_t max_prompt = 100'000;     ///< code points of text; 0 = "context": left to the model
  int retries = 3;
  Duration patience =
      std::chrono::seconds{10};  ///< how long stream headers are held back before comments begin
  std::string region;            ///< asks only upstreams that are declared to be there; "" = any
  Fallback fallback = Fallback::gantry;
  bool fallback_on_policy = false;  ///< what a provider's policy refuses is asked of the next model too
  DeliveryMode delivery = DeliveryMode::stream;
  TightBudget on_tight_budget = TightBudget::refuse;
  /// USD set aside for a call whose cost has no bound; empty: such a call is refused. Or kCalibrated.
  std::string hold;
  Prices prices;        ///< by the names that a chain has; they win over what the upstream lists
  double min_rate = 0;  ///< tokens per second; a stream that is slower over `stall` is slow; 0 = none
  Timeouts timeouts;
  ProviderRules provider;
  Attribution attribution;
  bool operator==(const Route&) const = default;
};

/// Where a secret comes from; the configuration holds references, never the secret.
struct SecretReference {
  enum class From { env, file, command };
  From from = From::env;
  std::vector<std::string> words = {
      "OPENROUTER_API_KEY"};  ///< a variable, a path, or a program with its arguments
  bool operator==(const SecretReference&) const = default;
};
/// "env OPENROUTER_API_KEY", "file /run/secrets/key", "command pass": for people (arguments are left out).
std::string to_string(const SecretReference& reference);

/// A key of an upstream. The name is a label for logs, metrics and what is remembered across a reload.
struct UpstreamKey {
  std::string name = "key-1";  ///< "key-N" by its place, unless the file names it
  int weight = 1;              ///< its share of the attempts, among the keys in use
  bool exclusive = true;       ///< nobody but this gateway's ledger spends on it: its totals can be compared
  SecretReference reference{};
  Secret secret;  ///< resolved at load; empty when the variable of a lone key is not set
  bool operator==(const UpstreamKey& other) const;  ///< secrets are compared in constant time
};
inline constexpr std::size_t kMostKeys = 64;  ///< of one upstream

struct Upstream {
  std::string name = "openrouter";
  std::string base_url = "https://openrouter.ai/api/v1";
  std::vector<UpstreamKey> keys = {UpstreamKey{}};  ///< none where the upstream asks for none
  /// OpenRouter's. Only a reference: what serves calls reads this key for Watch::credits alone.
  SecretReference management_key{.words = {"OPENROUTER_MANAGEMENT_KEY"}};
  std::string ca_file;
  bool allow_plain_http = false;  ///< http beyond loopback must be asked for
  std::string proxy;              ///< from HTTPS_PROXY unless set
  std::string no_proxy;
  std::size_t max_connections = 0;  ///< 0 = from the file-descriptor limit
  std::size_t max_idle = 256;
  std::string region;  ///< where it processes, in the operator's words; "" = not declared
  // What the operator declares of an upstream that is not OpenRouter.
  bool zdr = false;                                        ///< keeps nothing of a request
  DataCollection data_collection = DataCollection::allow;  ///< deny: collects nothing
  Prices prices;                                           ///< by the model's name there

  /// The first key, empty where there is none.
  [[nodiscard]] const Secret& key() const;
  bool operator==(const Upstream&) const = default;
};

struct Server {
  std::string listen_address = "127.0.0.1";
  unsigned short listen_port = 8700;
  /// Calls without a client key, also where keys would be needed: whoever reaches the port spends the
  /// upstream key.
  bool allow_unauthenticated = false;
  std::string tls_certificate;  ///< both or neither
  std::string tls_key;
  int threads = 0;  ///< 0 = the cgroup's CPU quota, rounded up
  std::size_t max_body = 64ull * 1024 * 1024;
  std::size_t max_head = 64 * 1024;
  std::size_t max_inflight = 512ull * 1024 * 1024;
  std::size_t max_connections = 0;  ///< 0 = from the file-descriptor limit
  std::size_t max_per_address = 0;  ///< 0 = no limit
  Duration head_time = std::chrono::seconds{30};
  Duration body_time = std::chrono::seconds{120};
  Duration idle_time = std::chrono::seconds{75};
  Duration write_stall = std::chrono::seconds{30};
  Duration drain_delay = std::chrono::seconds{5};
  Duration drain_limit = std::chrono::seconds{30};
  bool operator==(const Server&) const = default;
};

struct Health {
  Duration window = std::chrono::seconds{60};  ///< evidence older than this does not count
  bool probe = false;                          ///< ask the model when there was no traffic (costs money)
  Duration probe_time = std::chrono::seconds{5};
  bool operator==(const Health&) const = default;
};

struct Log {
  std::string level = "info";   ///< trace, debug, info, warn, error
  std::string format = "text";  ///< text or json
  bool operator==(const Log&) const = default;
};

/// Where the shared ledger is. A URL with a password is a reference, as every secret.
struct LedgerAddress {
  std::string plain;  ///< postgres://…, without a password; "" = none, or `reference`
  std::optional<SecretReference> reference{};  ///< at most one of the two
  Secret secret;                               ///< what the reference gives, resolved at load
  [[nodiscard]] bool embedded() const { return plain.empty() && !reference; }
  /// The URL; "" for the embedded one.
  [[nodiscard]] std::string_view reveal() const {
    return reference ? secret.reveal() : std::string_view(plain);
  }
  bool operator==(const LedgerAddress& other) const;
};

struct Ledger {
  std::string state;  ///< the state directory; as loaded, never empty where there is a place for one
  LedgerAddress url;
  Duration pending_for = std::chrono::hours{1};  ///< how long a cost may be unknown
  /// For ledger::open(): the URL, or a file in the state directory.
  [[nodiscard]] std::string place() const {
    return url.embedded() ? state + "/ledger.db" : std::string(url.reveal());
  }
  bool operator==(const Ledger&) const = default;
};

/// What is asked of OpenRouter about money, now and then.
struct Watch {
  Duration every = std::chrono::seconds{60};  ///< between two looks; zero: none
  std::string low_credit_usd = "10";          ///< less than this left is told
  std::string unexplained_usd = "0.1";        ///< more than this in a day, either way, is told
  bool credits = false;                       ///< looks at the whole account, with the management key
  Secret management_key;                      ///< resolved at load, with `credits` only
  bool operator==(const Watch& other) const;
};

struct Verify {
  std::string min_credit_usd = "10";  ///< strictly more than this must be left
  bool operator==(const Verify&) const = default;
};

struct Config {
  Server server;
  Upstream upstream;                    ///< OpenRouter
  std::vector<Upstream> upstreams;      ///< the others, in order of their names
  std::map<std::string, Route> routes;  ///< by name; "default" always exists
  bool fallback_for_plain_ids =
      true;  ///< a plain model id gets the default route's other models as fallbacks
  Health health;
  Log log;
  Verify verify;
  Watch watch;
  Ledger ledger;
  std::string source;  ///< the file's path, or "" when there is none
  /// Where each value came from, by its dotted name ("server.listen" -> "gantry.toml:7"); absent = default.
  std::map<std::string, std::string> origins;
  /// Same effect; where the values came from does not matter.
  bool operator==(const Config& other) const;
};
using Snapshot = std::shared_ptr<const Config>;

/// Upstreams by index: 0 is OpenRouter, then the others.
inline std::size_t upstream_count(const Config& config) { return 1 + config.upstreams.size(); }
inline const Upstream& upstream_at(const Config& config, std::size_t index) {
  return index == 0 ? config.upstream : config.upstreams[index - 1];
}

/// A model of a chain: "author/slug" is OpenRouter's, "upstream:model" another's. A colon behind a slash
/// belongs to the model ("author/slug:free").
struct ChainName {
  std::string_view upstream;  ///< "" = OpenRouter
  std::string_view model;     ///< as its upstream calls it
};
ChainName split_chain_name(std::string_view name);
struct ModelPlace {
  std::size_t upstream = 0;  ///< for upstream_at()
  std::string_view model;
};
/// Where a model of a chain is asked for. What names no upstream that there is, is taken for OpenRouter's.
ModelPlace locate(const Config& config, std::string_view name);

/// One thing wrong, where, and what to do.
struct Problem {
  std::string where;  ///< "gantry.toml:12", "--listen", "OPENROUTER_BASE_URL"
  std::string message;
  std::string remedy;
};

/// "gantry.toml:12: what is wrong" and an indented line with the remedy, for each.
std::string to_text(const std::vector<Problem>& problems);

/// What the command line and the environment add. --listen and --base-url beat OPENROUTER_BASE_URL, which
/// beats the file, which beats HTTPS_PROXY and NO_PROXY, which beat defaults. OPENROUTER_API_KEY is only the
/// default *reference*: a key that the file names is never replaced by a variable that happens to be set.
struct Inputs {
  std::string file;  ///< --config; empty = GANTRY_CONFIG, ./gantry.toml or /etc/gantry/gantry.toml, the first
                     ///< there is
  std::string listen;    ///< --listen HOST:PORT
  std::string base_url;  ///< --base-url
  std::map<std::string, std::string> environment;
};
/// This process's whole environment, because `key = { env = "…" }` may name any variable.
std::map<std::string, std::string> process_environment();

/// Loads, resolves secrets and validates; all problems at once. Blocks (files, and up to 10 s for a `command`
/// secret): call it off the loops.
std::expected<Snapshot, std::vector<Problem>> load(const Inputs& inputs);

/// Every value with its origin ("default", "gantry.toml:7", "OPENROUTER_BASE_URL", "--listen") in a comment,
/// secrets as references. Output is TOML that load() accepts again and that means the same.
std::string show(const Config& config);
/// The reference page of all settings (docs/configuration.md), in Markdown.
std::string reference();
/// What differs and needs a restart (listeners, threads): one line each; empty when a reload does it
/// all.
std::vector<std::string> needs_restart(const Config& running, const Config& next);

/// True when text holds what looks like an OpenRouter key (`sk-or-` and more): such text is refused in files
/// and on the command line.
bool holds_key(std::string_view text);
/// The text with everything that looks like a key replaced, as `sk-or-***` or `sk-***`.
std::string without_keys(std::string_view text);

}  // namespace gantry::config
