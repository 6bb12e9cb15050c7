#include "sim/job.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>

#include "net/http_server.hpp"
#include "sim/json_text.hpp"
#include "sim/texts.hpp"

namespace gantry::sim {
namespace {

constexpr std::string_view kFaultHeader = "x-sim-fault";

std::int64_t cache_ttl_of(const net::HeaderView& headers) {
  std::int64_t ttl = 300;
  if (const auto text = headers.get("x-openrouter-cache-ttl"))
    std::from_chars(text->data(), text->data() + text->size(), ttl);  // leading digits count
  return std::clamp<std::int64_t>(ttl, 1, 86'400);
}

ErrorCase bad_request(std::string message) { return simple_error(400, std::move(message)); }

}  // namespace

void Job::refuse(ErrorCase error) { refused = shape_error(std::move(error), faults); }

void Job::decide(const net::RequestHead& head, std::string_view body, const Digest& digest) {
  began = world.time.mono();
  created = world.time.wall();
  const auto seed = world.options.seed ^ digest.head;
  random = Random(seed);
  FaultSet asked;
  if (const auto text = head.headers.get(kFaultHeader)) {
    auto parsed = parse_faults(*text);
    if (!parsed) return refuse(bad_request(fmt::format("{}: {}", kFaultHeader, parsed.error().detail)));
    asked = std::move(*parsed);
  }
  auto request = parse_request(body, api, seed);
  if (!request) return refuse(bad_request(request.error().detail));
  stream = request->stream;
  requested = request->models.front();
  user_agent = head.headers.get("user-agent").value_or("");
  ignored = request->provider.ignore;
  referer = head.headers.get("http-referer").value_or("");
  identity.id = world.generation_id();
  headers.emplace_back("X-Generation-Id", identity.id);
  if (!choose(*request, asked) && !model) return;
  if (stream && faults.has(FaultKind::choice_error) && !faults.has(FaultKind::mid_error))
    faults.put({FaultKind::mid_error, std::string(faults.text(FaultKind::choice_error))});
  look_in_cache(head, digest);
  identity.created = unix_seconds(created);
  identity.model = model->id;
  identity.provider = provider->name;
  look_in_prompt_cache(*request);
  answer = make_answer(std::move(*request), *model, faults, seed);
  bill_answer();
}

// The first model of the list that would answer; the last one's error when none would (CONTRACT §3.1).
bool Job::choose(const Request& request, const FaultSet& asked) {
  std::optional<ErrorCase> error;
  for (const auto& id : request.models) {
    error = consider(request, id, asked);
    if (!error) return true;
  }
  if (!faults.has(FaultKind::billed_failure) || !provider) model = nullptr;
  refuse(std::move(*error));
  return false;
}

// Where the request leaves a choice it is drawn, since all cost the same here (CONTRACT §3.3).
const Provider* Job::choose_provider(const Preferences& wanted) const {
  const auto named = [](const std::vector<std::string>& slugs, const Provider& provider) {
    return std::ranges::find(slugs, provider.slug) != slugs.end();
  };
  std::vector<const Provider*> left;
  for (const auto* each : providers_of(model->id)) {
    const bool allowed = wanted.only.empty() || named(wanted.only, *each);
    const bool listed = wanted.allow_fallbacks || wanted.order.empty() || named(wanted.order, *each);
    if (allowed && listed && !named(wanted.ignore, *each)) left.push_back(each);
  }
  for (const auto& slug : wanted.order)
    for (const auto* each : left)
      if (each->slug == slug) return each;
  if (left.empty()) return nullptr;
  return left[Random(world.options.seed ^ world.answers.load(std::memory_order_relaxed)).below(left.size())];
}

std::optional<ErrorCase> Job::consider(const Request& request, const std::string& id, const FaultSet& asked) {
  model = world.catalogue.resolve(id);
  faults = world.script_faults(api == Api::chat ? "/chat/completions" : "/completions", true, id);
  if (!model && id.starts_with("sim/")) {  // sim/name=arg;… : any faults as a model id
    auto own = parse_faults(std::string_view(id).substr(4));
    if (!own) return bad_request(own.error().detail);
    own_ = *world.catalogue.find("sim/plain");
    own_.id = own_.canonical_slug = id;
    model = &own_;
    faults.merge(*own);
  } else if (model && !model->faults.empty()) {
    faults.merge(parse_faults(model->faults).value_or(FaultSet{}));
  }
  faults.merge(asked);
  provider = model ? choose_provider(request.provider) : nullptr;
  if (model && !provider) return no_provider_left(id);
  if (const auto* struck = faults.get(FaultKind::provider)) {
    if (provider && (struck->text == provider->name || struck->text == provider->slug)) {
      faults.put({FaultKind::provider, std::string(provider->name)});
    } else {
      faults = {};
    }
  }
  if (model) use_tier(request);
  if (faults.refuses()) return fault_error(faults, id, world.catalogue, created);
  if (!model) return missing(id);
  if (auto error = unfit(request)) return error;
  if (auto error = unaffordable(request)) return error;
  if (model->id.ends_with(":free") && !world.free_calls.take(created))
    return free_limit_error(FreeWindow::minute, world.free_calls.calls_a_minute(), created);
  return std::nullopt;
}

std::optional<ErrorCase> Job::missing(const std::string& id) const {
  if (const auto* successors = retired(id))
    return availability_error("model_deprecated", fmt::format("{} has been retired", id), id, *successors);
  return availability_error("model_not_found", fmt::format("{} is not a valid model ID", id), id,
                            world.catalogue.relatives(id));
}

std::optional<ErrorCase> Job::unfit(const Request& request) const {
  const auto none = [&](std::string message) {
    return availability_error("no_endpoints", std::move(message), model->id, {});
  };
  if (request.image_count > 0 && !model->takes("image"))
    return none("No endpoints found that support image input");
  if (request.audio_tokens > 0 && !model->takes("audio"))
    return none("No endpoints found that support audio input");
  if (request.max_tokens >= 0 && request.max_tokens < model->min_max_tokens)
    return bad_request(fmt::format("max_tokens: {} is below this provider's minimum of {}",
                                   request.max_tokens, model->min_max_tokens));
  if (request.reasoning_off && model->reasoning_mandatory)
    return bad_request("Reasoning is mandatory for this endpoint and cannot be disabled");
  const auto prompt = prompt_tokens(request);
  const auto context = model->context_length;
  const auto wanted = prompt + std::max<std::int64_t>(request.max_tokens, 0);
  if (context > 0 && wanted > context)
    return simple_error(
        400,
        fmt::format("This model's context length is {} tokens, but {} were requested ({} in the prompt)",
                    context, wanted, prompt),
        "context_length_exceeded");
  return std::nullopt;
}

// CONTRACT §6.3, 402: what the call could cost at most must be affordable; without a limit of its own, the
// model's.
std::optional<ErrorCase> Job::unaffordable(const Request& request) const {
  const auto most = request.max_tokens > 0             ? request.max_tokens
                    : model->max_completion_tokens > 0 ? model->max_completion_tokens
                                                       : std::int64_t{4096};
  const auto told = [&](std::int64_t affordable) {
    return simple_error(
        402, fmt::format("This request needs more credits or fewer max_tokens: {} tokens were asked for, "
                         "and {} can be afforded",
                         most, affordable));
  };
  if (const auto* afford = faults.get(FaultKind::afford); afford && most > afford->number)
    return told(afford->number);
  const auto remaining = world.usage(key, created).remaining;
  if (!remaining) return std::nullopt;
  const Usage bound{
      .prompt_tokens = prompt_tokens(request), .completion_tokens = most, .searches = request.searches};
  const auto worst = price(bound, *pricing, created);
  if (!worst || (worst->total <= *remaining && remaining->value >= 0)) return std::nullopt;
  const auto left = remaining->value - worst->prompt.value;
  const auto each = worst->completion.value / most;
  return told(left > 0 && each > 0 ? left / each : 0);
}

void Job::look_in_cache(const net::RequestHead& head, const Digest& digest) {
  if (const auto* forced = faults.get(FaultKind::cache)) {
    headers.emplace_back("X-OpenRouter-Cache-Status", forced->text == "hit" ? "HIT" : "MISS");
    headers.emplace_back("X-OpenRouter-Cache-TTL", "300");
    if (forced->text != "hit") return;
    headers.emplace_back("X-OpenRouter-Cache-Age", "1");
    headers.emplace_back("X-OpenRouter-Cache-Source-Id", "gen-1790000000-Simulated");
    return;
  }
  if (!net::same_name(head.headers.get("x-openrouter-cache").value_or(""), "true")) return;
  const auto ttl = cache_ttl_of(head.headers);
  const auto name = fmt::format("{} {} {} {}", key, head.path, stream, digest.hex);
  if (net::same_name(head.headers.get("x-openrouter-cache-clear").value_or(""), "true"))
    world.cache.erase(name);
  const auto hit = world.cache.find(name, began);
  headers.emplace_back("X-OpenRouter-Cache-Status", hit ? "HIT" : "MISS");
  headers.emplace_back("X-OpenRouter-Cache-TTL", std::to_string(hit ? hit->ttl_seconds : ttl));
  if (!hit) {
    cache_key = name;
    cache_ttl = ttl;
    return;
  }
  headers.emplace_back("X-OpenRouter-Cache-Age", std::to_string(hit->age_seconds));
  headers.emplace_back("X-OpenRouter-Cache-Source-Id", hit->source_id);
  faults.put({FaultKind::bill_zero, ""});
}

Duration Job::jittered(double nanoseconds) {
  const auto* forced = faults.get(FaultKind::jitter);
  const double share = forced ? forced->real : world.options.jitter;
  if (share > 0) nanoseconds *= 1 + share * (2 * random.unit() - 1);
  return Duration{static_cast<std::int64_t>(nanoseconds)};
}

Duration Job::first_token_delay() {
  const auto* forced = faults.get(FaultKind::ttft);
  const auto delay = forced ? Duration{std::chrono::milliseconds{forced->number}} : world.options.first_token;
  return delay.count() > 0 ? jittered(static_cast<double>(delay.count())) : Duration{0};
}

Duration Job::token_delay() {
  const auto* forced = faults.get(FaultKind::tps);
  const double rate = forced ? forced->real : world.options.tokens_per_second;
  return rate > 0 ? jittered(1e9 / rate) : Duration{0};
}

}  // namespace gantry::sim
