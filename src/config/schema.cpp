#include "config/schema.hpp"

#include <algorithm>
#include <array>

#include "config/schema_tables.hpp"

namespace gantry::config {

const std::vector<std::string> kDefaultChain{"anthropic/claude-sonnet-4.5", "openai/gpt-4.1",
                                             "google/gemini-2.5-flash", "meta-llama/llama-3.3-70b-instruct"};

namespace {

constexpr std::int64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB, kTiB = 1024 * kGiB;

constexpr Field kFields[] = {
    {.section = "",
     .key = "fallback_for_plain_ids",
     .kind = Kind::flag,
     .slot = GANTRY_AT(config.fallback_for_plain_ids),
     .sentence =
         "A call for a plain model id gets the default route's other models as fallbacks; the request header "
         "`x-gantry-fallback: none` turns that off for one call."},

    {.section = "server",
     .key = "listen",
     .kind = Kind::listen,
     .slot = GANTRY_AT(config.server),
     .change = Change::restart,
     .sentence = "Where clients connect, as HOST:PORT; port 0 takes a free one."},
    {.section = "server",
     .key = "allow_unauthenticated",
     .kind = Kind::flag,
     .slot = GANTRY_AT(config.server.allow_unauthenticated),
     .change = Change::restart,
     .sentence = "Answers calls without a client key, also beyond this machine and where there are keys. "
                 "Danger: everyone "
                 "who can reach the port spends your OpenRouter credit. Without it calls need a key as soon "
                 "as there is one "
                 "(gantry keys create), and beyond loopback always."},
    {.section = "server",
     .key = "tls_certificate",
     .kind = Kind::path,
     .slot = GANTRY_AT(config.server.tls_certificate),
     .sentence =
         "PEM file with the certificate chain, leaf first; with tls_key it makes the listener speak TLS. "
         "SIGHUP reads both files again, for new connections; turning TLS on or off needs a restart."},
    {.section = "server",
     .key = "tls_key",
     .kind = Kind::path,
     .slot = GANTRY_AT(config.server.tls_key),
     .sentence = "PEM file with the certificate's private key; others must not be able to read it."},
    {.section = "server",
     .key = "threads",
     .kind = Kind::integer,
     .slot = GANTRY_AT(config.server.threads),
     .max = 256,
     .change = Change::restart,
     .sentence = "Threads that serve calls; 0 takes the CPU quota, rounded up."},
    {.section = "server",
     .key = "max_body",
     .kind = Kind::size,
     .slot = GANTRY_AT(config.server.max_body),
     .min = kKiB,
     .max = kGiB,
     .change = Change::restart,
     .sentence = "The largest request body; a larger one gets 413."},
    {.section = "server",
     .key = "max_head",
     .kind = Kind::size,
     .slot = GANTRY_AT(config.server.max_head),
     .min = kKiB,
     .max = kMiB,
     .change = Change::restart,
     .sentence = "The largest request line and headers together; more gets 431."},
    {.section = "server",
     .key = "max_inflight_bytes",
     .kind = Kind::size,
     .slot = GANTRY_AT(config.server.max_inflight),
     .min = kKiB,
     .max = kTiB,
     .change = Change::restart,
     .sentence =
         "What all request bodies and plain replies held at one time may come to; beyond it calls get 503."},
    {.section = "server",
     .key = "max_connections",
     .kind = Kind::integer,
     .slot = GANTRY_AT(config.server.max_connections),
     .max = 1'000'000,
     .change = Change::restart,
     .sentence =
         "Client connections in all; more get 503 with Retry-After. 0 takes it from the descriptor limit."},
    {.section = "server",
     .key = "max_per_address",
     .kind = Kind::integer,
     .slot = GANTRY_AT(config.server.max_per_address),
     .max = 1'000'000,
     .change = Change::restart,
     .sentence = "Client connections from one address; more get 503 with Retry-After. 0 is no limit."},
    {.section = "server",
     .key = "head_time",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.server.head_time),
     .min = kSecond,
     .max = kHour,
     .change = Change::restart,
     .sentence = "From the first byte of a request's head to its end; later is 408."},
    {.section = "server",
     .key = "body_time",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.server.body_time),
     .min = kSecond,
     .max = kHour,
     .change = Change::restart,
     .sentence = "For a whole request body; later is 408."},
    {.section = "server",
     .key = "idle_time",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.server.idle_time),
     .min = kSecond,
     .max = kHour,
     .change = Change::restart,
     .sentence =
         "How long a connection without a request is kept; longer than the load balancer in front keeps it."},
    {.section = "server",
     .key = "write_stall",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.server.write_stall),
     .min = kSecond,
     .max = kHour,
     .change = Change::restart,
     .sentence = "A client that takes nothing of its reply for this long is cut off."},
    {.section = "server",
     .key = "drain_delay",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.server.drain_delay),
     .max = kHour,
     .sentence =
         "After SIGTERM, how long /ready says 503 before the listener closes, so that balancers notice."},
    {.section = "server",
     .key = "drain_limit",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.server.drain_limit),
     .max = kHour,
     .sentence = "How long open calls may finish after that, before their streams are ended."},

    {.section = "health",
     .key = "window",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.health.window),
     .min = kSecond,
     .max = kDay,
     .sentence = "How long a call counts as evidence for /health/openrouter."},
    {.section = "health",
     .key = "probe",
     .kind = Kind::flag,
     .slot = GANTRY_AT(config.health.probe),
     .sentence = "Asks the default route's first model of OpenRouter, at most once a window, when "
                 "/health/openrouter has no evidence; that "
                 "costs money."},
    {.section = "health",
     .key = "probe_time",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.health.probe_time),
     .min = 1,
     .max = kHour,
     .sentence = "How long that probe may take."},

    {.section = "log",
     .key = "level",
     .kind = Kind::choice,
     .slot = GANTRY_AT(config.log.level),
     .choices = "trace|debug|info|warn|error",
     .sentence = "The least important lines that are written."},
    {.section = "log",
     .key = "format",
     .kind = Kind::choice,
     .slot = GANTRY_AT(config.log.format),
     .change = Change::restart,
     .choices = "text|json",
     .sentence = "Lines for people, or one JSON object a line."},

    {.section = "ledger",
     .key = "state",
     .kind = Kind::directory,
     .slot = GANTRY_AT(config.ledger.state),
     .change = Change::restart,
     .sentence = "The state directory, of this process alone: the embedded ledger, the journals, and how "
                 "commands find the "
                 "server. Empty takes the first of $STATE_DIRECTORY (systemd sets it), /var/lib/gantry where "
                 "it is root's "
                 "and can be written, $XDG_STATE_HOME/gantry and ~/.local/state/gantry."},
    {.section = "ledger",
     .key = "pending_for",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.ledger.pending_for),
     .min = kSecond,
     .max = kDay,
     .sentence = "How long an attempt's cost may be unknown: so long OpenRouter is asked for it, then the "
                 "estimate is booked, marked as assumed."},
    {.section = "ledger",
     .key = "url",
     .kind = Kind::database,
     .slot = GANTRY_AT(config.ledger.url),
     .change = Change::restart,
     .sentence = "The PostgreSQL that several gateways share; empty keeps the ledger in the state directory "
                 "(SQLite). "
                 "A URL with a password is a reference: `{ file = \"/run/secrets/ledger\" }`."},

    {.section = "watch",
     .key = "every",
     .kind = Kind::duration,
     .slot = GANTRY_AT(config.watch.every),
     .max = kDay,
     .sentence =
         "How often OpenRouter is asked what its keys have spent and have left (GET /key, which costs "
         "nothing); at least \"1s\", and \"0s\" turns it off. After failures it is asked more rarely."},
    {.section = "watch",
     .key = "low_credit",
     .kind = Kind::money,
     .slot = GANTRY_AT(config.watch.low_credit_usd),
     .sentence = "Less than this left on a key, or on the account, is told in the log, once until there is "
                 "more again."},
    {.section = "watch",
     .key = "unexplained",
     .kind = Kind::money,
     .slot = GANTRY_AT(config.watch.unexplained_usd),
     .sentence =
         "A key whose usage of one day (UTC) differs by more than this from what was booked for it is "
         "told in the log, once a day; `gantry usage --unexplained` lists all."},
    {.section = "watch",
     .key = "credits",
     .kind = Kind::flag,
     .slot = GANTRY_AT(config.watch.credits),
     .sentence =
         "Asks for the credit of the whole account, too (GET /credits), with `upstream.management_key`, "
         "which the gateway reads for nothing else and not without this; GET /api/v1/credits then "
         "answers who has the admin token."},

    {.section = "verify",
     .key = "min_credit",
     .kind = Kind::money,
     .slot = GANTRY_AT(config.verify.min_credit_usd),
     .sentence = "`gantry verify` passes only with strictly more than this left on the key."},
};

constexpr std::array kSections{
    Section{"", "Above the first section."},
    Section{"server", "The side that clients connect to."},
    Section{"upstream", "The side that answers: OpenRouter."},
    Section{
        kUpstream,
        "Another endpoint that speaks OpenAI's API, as a last resort behind OpenRouter: an empty account or "
        "an "
        "outage of OpenRouter fails all of its models at once. Chains name its models as `NAME:model`. A "
        "call "
        "that demands privacy or a region skips it unless it is declared here to give that; one that allows "
        "only some of OpenRouter's providers always does.",
        "upstream"},
    Section{
        kRoute,
        "A named model chain with its policy; clients ask for it by NAME instead of a model id. `default` "
        "always exists."},
    Section{kRouteTimeouts, "A route's limits of time; none may be longer than `call`."},
    Section{kRouteAttribution, "How a route's calls are attributed to your application."},
    Section{"attribution", "The same settings as defaults for all routes."},
    Section{kRouteProvider,
            "What a route demands of the providers behind its models, in the request's `provider` object. A "
            "client may demand more, never less."},
    Section{"provider", "The same settings as defaults for all routes."},
    Section{"health", "What /health/openrouter answers."},
    Section{"log", "Log lines on standard error."},
    Section{"ledger", "What survives a restart: client keys, budgets, what was spent."},
    Section{"watch",
            "What OpenRouter is asked about money while calls are served, and when somebody is told."},
    Section{"verify", "The launch checks of `gantry verify`."},
};

}  // namespace

std::span<const Field> fields() {
  static const std::vector<Field> all = [] {
    std::vector<Field> joined(std::begin(kFields), std::end(kFields));
    for (const auto more : {upstream_fields(), route_fields()})
      joined.insert(joined.end(), more.begin(), more.end());
    return joined;
  }();
  return all;
}
std::span<const Section> sections() { return kSections; }

std::string_view declaring(std::string_view section) {
  for (const auto& common : kCommonSections)
    if (section == common.name) return common.of_route;
  return section;
}

std::vector<const Field*> fields_of(std::string_view section) {
  section = declaring(section);
  std::vector<const Field*> out;
  for (const auto& field : fields())
    if (field.section == section) out.push_back(&field);
  const auto at = std::ranges::find(kSections, section, &Section::name);
  if (at == kSections.end() || at->like.empty()) return out;
  const auto own = out;
  for (const auto& field : fields())
    if (field.section == at->like && field.handed_on &&
        std::ranges::find(own, field.key, &Field::key) == own.end())
      out.push_back(&field);
  return out;
}

const Field* find_field(std::string_view section, std::string_view key) {
  for (const auto* field : fields_of(section))
    if (field->key == key) return field;
  return nullptr;
}

bool is_named(std::string_view section) { return section.ends_with(".NAME"); }

std::vector<Subsection> subsections(std::string_view section) {
  std::vector<Subsection> out;
  for (const auto& other : kSections) {
    auto key = other.name;
    if (key.empty() || !key.starts_with(section)) continue;
    key.remove_prefix(section.size());
    if (!section.empty() && !key.starts_with('.')) continue;
    if (!section.empty()) key.remove_prefix(1);
    if (is_named(key)) key.remove_suffix(std::string_view(".NAME").size());
    if (!key.empty() && !key.contains('.')) out.push_back({key, other.name});
  }
  return out;
}

}  // namespace gantry::config
