// The settings of a route.

#include "config/schema_tables.hpp"

namespace gantry::config {
namespace {

constexpr Field kFields[] = {
    {.section = kRoute,
     .key = "primary",
     .kind = Kind::primary,
     .slot = GANTRY_AT(route.models),
     .sentence =
         "The model that is asked first, as author/slug. Only the default route has one without being told."},
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
