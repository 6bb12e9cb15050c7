// The settings of upstreams: OpenRouter's, and those that the others have besides.

#include "config/schema_tables.hpp"

namespace gantry::config {
namespace {

constexpr Field kFields[] = {
    {.section = "upstream",
     .key = "base_url",
     .kind = Kind::url,
     .slot = GANTRY_AT(upstream.base_url),
     .sentence = "The API that answers the calls. OPENROUTER_BASE_URL and --base-url come before it."},
    {.section = "upstream",
     .key = "key",
     .kind = Kind::secret,
     .slot = GANTRY_AT(upstream.keys),
     .sentence =
         "Where the upstream key comes from: `{ env = \"NAME\" }`, `{ file = \"/path\" }` or `{ command = "
         "[\"program\", \"argument\"] }` (no shell, 10 s, 64 KiB). The key itself never stands here."},
    {.section = "upstream",
     .key = "keys",
     .kind = Kind::keys,
     .slot = GANTRY_AT(upstream.keys),
     .max = kMostKeys,
     .sentence = "Several keys instead of `key`: references as there, each with a `weight` from 1 to 1000 "
                 "(its share of the attempts), a `name` for logs and metrics (else key-1, key-2, … by its "
                 "place), and `exclusive = false` where others spend on the key, too: then what it spent is "
                 "not compared with what was booked. What is known of a key stays with its name across a "
                 "reload."},
    {.section = "upstream",
     .key = "management_key",
     .kind = Kind::reference,
     .slot = GANTRY_AT(upstream.management_key),
     .handed_on = false,
     .sentence = "Where the management key comes from that `gantry upstream-keys` uses, as in `key`. The "
                 "gateway reads it only with `watch.credits`."},
    {.section = "upstream",
     .key = "ca_file",
     .kind = Kind::path,
     .slot = GANTRY_AT(upstream.ca_file),
     .sentence = "PEM file of the authorities to trust; empty takes the system's. It is read at the start, "
                 "and when a reload "
                 "names another."},
    {.section = "upstream",
     .key = "allow_plain_http",
     .kind = Kind::flag,
     .slot = GANTRY_AT(upstream.allow_plain_http),
     .sentence =
         "Lets base_url be http:// beyond loopback, where the key and every prompt can be read on the way."},
    {.section = "upstream",
     .key = "proxy",
     .kind = Kind::url,
     .slot = GANTRY_AT(upstream.proxy),
     .sentence = "HTTP proxy for https upstreams, as http://HOST:PORT; empty takes HTTPS_PROXY."},
    {.section = "upstream",
     .key = "no_proxy",
     .kind = Kind::text,
     .slot = GANTRY_AT(upstream.no_proxy),
     .sentence = "Hosts that are reached without the proxy, separated by commas; empty takes NO_PROXY."},
    {.section = "upstream",
     .key = "max_connections",
     .kind = Kind::integer,
     .slot = GANTRY_AT(upstream.max_connections),
     .max = 1'000'000,
     .sentence = "Connections to the upstream in all. 0 takes it from the descriptor limit."},
    {.section = "upstream",
     .key = "max_idle",
     .kind = Kind::integer,
     .slot = GANTRY_AT(upstream.max_idle),
     .max = 100'000,
     .sentence = "Idle connections kept for the next call."},
    {.section = "upstream",
     .key = "region",
     .kind = Kind::region,
     .slot = GANTRY_AT(upstream.region),
     .sentence = "Declares where requests are processed, such as `eu`, for routes that demand a region. The "
                 "in-region "
                 "addresses of OpenRouter declare theirs."},

    {.section = kUpstream,
     .key = "base_url",
     .kind = Kind::url,
     .slot = GANTRY_AT(upstream.base_url),
     .sentence = "The API, up to what stands before /chat/completions."},
    {.section = kUpstream,
     .key = "key",
     .kind = Kind::secret,
     .slot = GANTRY_AT(upstream.keys),
     .sentence = "Where its key comes from, as in [upstream]. Left out, requests carry none."},
    {.section = kUpstream,
     .key = "zdr",
     .kind = Kind::flag,
     .slot = GANTRY_AT(upstream.zdr),
     .sentence = "Declares that it keeps nothing of a request (zero data retention)."},
    {.section = kUpstream,
     .key = "data_collection",
     .kind = Kind::choice,
     .slot = GANTRY_AT(upstream.data_collection),
     .choices = "allow|deny",
     .sentence = "`deny` declares that it does not collect prompts."},
    {.section = kUpstream,
     .key = "prices",
     .kind = Kind::prices,
     .slot = GANTRY_AT(upstream.prices),
     .sentence =
         "What its models cost per million tokens, by their names there: `\"llama3.1:8b\" = { prompt = "
         "\"$0.05\", completion = \"$0.08\" }` in a table or a section of its own."},
};

}  // namespace

std::span<const Field> upstream_fields() { return kFields; }

}  // namespace gantry::config
