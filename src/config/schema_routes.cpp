// The settings of a route.

#include "config/schema_tables.hpp"

namespace gantry::config {
namespace {

constexpr Field kFields[] = {
    {.section = kRoute,
     .key = "primary",
     .kind = Kind::primary,
     .slot = GANTRY_AT(route.models),
     .sentence = "The model that is asked first. Only the default route has one without being told."},
    {.section = kRoute,
     .key = "fallbacks",
     .kind = Kind::fallbacks,
     .slot = GANTRY_AT(route.models),
     .sentence =
         "The models asked next, in order. Left out, they are the default route's models other than the "
         "primary; `[]` is none."},
    {.section = kRoute,
     .key = "max_tokens",
     .kind = Kind::integer,
     .slot = GANTRY_AT(route.max_tokens),
     .min = 1,
     .max = 10'000'000,
     .sentence = "The answer's limit for calls that set neither max_tokens nor "
                 "max_completion_tokens."},
    {.section = kRoute,
     .key = "max_tokens_ceiling",
     .kind = Kind::integer,
     .slot = GANTRY_AT(route.max_tokens_ceiling),
     .max = 10'000'000,
     .sentence = "Larger limits are lowered to this. 0 is no ceiling."},
    {.section = kRoute,
     .key = "temperature",
     .kind = Kind::number,
     .slot = GANTRY_AT(route.temperature),
     .max = 2,
     .sentence = "For calls that set none. Left out, the model's own default applies."},
    {.section = kRoute,
     .key = "max_prompt",
     .kind = Kind::prompt_limit,
     .slot = GANTRY_AT(route.max_prompt),
     .min = 1,
     .max = 1'000'000'000,
     .sentence =
         "The longest prompt in characters (code points of its text parts); `\"context\"` leaves it to the "
         "model."},
    {.section = kRoute,
     .key = "retries",
     .kind = Kind::integer,
     .slot = GANTRY_AT(route.retries),
     .max = 10,
     .sentence = "Attempts after the first one."},
    {.section = kRoute,
     .key = "patience",
     .kind = Kind::duration,
     .slot = GANTRY_AT(route.patience),
     .max = kHour,
     .sentence =
         "How long a stream's headers are held back for a clean failover before comments keep it alive."},
    {.section = kRoute,
     .key = "fallback",
     .kind = Kind::choice,
     .slot = GANTRY_AT(route.fallback),
     .choices = "gantry|openrouter|both",
     .sentence =
         "Who goes on to the next model. `gantry` asks each model itself, also those of a client's own "
         "`models`. `openrouter` sends the rest of the chain as `models` and asks once. `both` sends "
         "it with the first attempt, and asks each model itself when that fails."},
    {.section = kRoute,
     .key = "fallback_on_policy",
     .kind = Kind::flag,
     .slot = GANTRY_AT(route.fallback_on_policy),
     .sentence =
         "Asks the next model also when a provider refused the content (moderation, content policy)."},
    {.section = kRoute,
     .key = "delivery",
     .kind = Kind::choice,
     .slot = GANTRY_AT(route.delivery),
     .choices = "stream|assured",
     .sentence =
         "`stream` passes tokens on as they come. `assured` takes a streamed answer whole first, with "
         "full failover, and comments keep the client waiting."},
    {.section = kRoute,
     .key = "on_tight_budget",
     .kind = Kind::choice,
     .slot = GANTRY_AT(route.on_tight_budget),
     .choices = "refuse|clamp",
     .sentence = "A call whose max_tokens cannot be paid for is refused, or its limit is lowered to what can "
                 "(`clamp`), and the answer's header x-gantry-max-tokens says to what."},
    {.section = kRoute,
     .key = "hold",
     .kind = Kind::hold,
     .slot = GANTRY_AT(route.hold),
     .sentence =
         "What is set aside for a call under a budget whose cost has no bound (server tools, plugins, "
         "presets, media by URL). Left out, such calls are refused. `\"calibrated\"` makes all budgets of "
         "the "
         "route's calls soft: set aside is what 99 of 100 calls of the same client key on the same model "
         "cost, once 99 are known, and never more than the bound. Streams get more while they go on, and are "
         "cut at their budget when there is no more; plain calls cannot, and each may exceed its hold by "
         "what "
         "is left up to its bound."},
    {.section = kRoute,
     .key = "prices",
     .kind = Kind::prices,
     .slot = GANTRY_AT(route.prices),
     .sentence =
         "What models cost by your own word, by their names in chains and calls, for bounds and computed "
         "costs: `\"openai/gpt-4.1\" = { prompt = \"$2\", completion = \"$8\" }`. They win over the "
         "upstream's "
         "list; what the upstream tells of a call is still the truth. For a million tokens prompt and "
         "completion, and if you like input_cache_read, input_cache_write and internal_reasoning; for one "
         "each request, image and web_search."},
    {.section = kRoute,
     .key = "min_rate",
     .kind = Kind::number,
     .slot = GANTRY_AT(route.min_rate),
     .max = 100'000,
     .sentence =
         "Tokens per second: a stream that is slower over the time of `timeouts.stall` counts as slow. "
         "0 is no floor."},

    {.section = kRoute,
     .key = "region",
     .kind = Kind::region,
     .slot = GANTRY_AT(route.region),
     .sentence = "Asks only upstreams that are declared to be in this region. Empty is any."},

    {.section = kRouteTimeouts,
     .key = "connect",
     .kind = Kind::duration,
     .slot = GANTRY_AT(route.timeouts.connect),
     .min = 1,
     .max = kHour,
     .sentence = "For a connection to the upstream."},
    {.section = kRouteTimeouts,
     .key = "silence",
     .kind = Kind::duration,
     .slot = GANTRY_AT(route.timeouts.silence),
     .min = 1,
     .max = kDay,
     .sentence = "An attempt that sends no byte for this long is given up."},
    {.section = kRouteTimeouts,
     .key = "first_token",
     .kind = Kind::duration,
     .slot = GANTRY_AT(route.timeouts.first_token),
     .min = 1,
     .max = kDay,
     .sentence = "For the first token of a stream."},
    {.section = kRouteTimeouts,
     .key = "stall",
     .kind = Kind::duration,
     .slot = GANTRY_AT(route.timeouts.stall),
     .min = 1,
     .max = kDay,
     .sentence = "Between two tokens of a stream."},
    {.section = kRouteTimeouts,
     .key = "call",
     .kind = Kind::duration,
     .slot = GANTRY_AT(route.timeouts.call),
     .min = 1,
     .max = kDay,
     .sentence = "For a whole call with all its attempts."},

    {.section = kRouteProvider,
     .key = "zdr",
     .kind = Kind::flag,
     .slot = GANTRY_AT(route.provider.zdr),
     .sentence = "Only endpoints with zero data retention."},
    {.section = kRouteProvider,
     .key = "data_collection",
     .kind = Kind::choice,
     .slot = GANTRY_AT(route.provider.data_collection),
     .choices = "allow|deny",
     .sentence = "`deny` keeps to providers that do not collect prompts; `allow` leaves it to the client."},
    {.section = kRouteProvider,
     .key = "only",
     .kind = Kind::providers,
     .slot = GANTRY_AT(route.provider.only),
     .max = 64,
     .sentence = "Only these providers; a client's own list is cut to them. Empty is all."},
    {.section = kRouteProvider,
     .key = "ignore",
     .kind = Kind::providers,
     .slot = GANTRY_AT(route.provider.ignore),
     .max = 64,
     .sentence = "Never these providers."},
    {.section = kRouteProvider,
     .key = "max_price_prompt",
     .kind = Kind::money,
     .slot = GANTRY_AT(route.provider.max_price_prompt),
     .sentence = "The most that a million prompt tokens may cost; dearer endpoints are not used."},
    {.section = kRouteProvider,
     .key = "max_price_completion",
     .kind = Kind::money,
     .slot = GANTRY_AT(route.provider.max_price_completion),
     .sentence = "The most that a million completion tokens may cost."},

    {.section = kRouteAttribution,
     .key = "referer",
     .kind = Kind::text,
     .slot = GANTRY_AT(route.attribution.referer),
     .sentence = "Your application's URL, sent as HTTP-Referer."},
    {.section = kRouteAttribution,
     .key = "title",
     .kind = Kind::text,
     .slot = GANTRY_AT(route.attribution.title),
     .sentence = "Your application's name, sent as X-OpenRouter-Title."},
    {.section = kRouteAttribution,
     .key = "categories",
     .kind = Kind::words,
     .slot = GANTRY_AT(route.attribution.categories),
     .max = 2,
     .sentence = "Sent as X-OpenRouter-Categories: at most two, lower case with hyphens, at most 30 "
                 "characters each."},
    {.section = kRouteAttribution,
     .key = "force",
     .kind = Kind::flag,
     .slot = GANTRY_AT(route.attribution.force),
     .sentence = "Replaces what the client sent; otherwise the client's own attribution wins."},
};

}  // namespace

std::span<const Field> route_fields() { return kFields; }

}  // namespace gantry::config
