// What one completion costs and what is remembered of it.

#include <fmt/format.h>
#include <algorithm>

#include "sim/job.hpp"

namespace gantry::sim {
namespace {

constexpr std::int64_t kCacheSeconds = 300, kLongCacheSeconds = 3600;

}  // namespace

// A tier that the model has no endpoint of is the usual one.
void Job::use_tier(const Request& request) {
  const auto* tier = model->tier(request.tier);
  pricing = tier ? &tier->pricing : &model->pricing;
  identity.service_tier = tier ? tier->name : "";
}

// What stands before the last breakpoint is read when this key has sent it to this model within the time to
// live, which each call begins anew; else it is written, where writing has a price.
void Job::look_in_prompt_cache(const Request& request) {
  const auto priced = [&](std::string_view component) {
    return pricing->unit(component, 0, created).units > 0;
  };
  if (request.cacheable_tokens == 0 || !(priced("input_cache_read") || priced("input_cache_write"))) return;
  prefix_key = fmt::format("{} {} {:x}", key, model->id, request.cacheable_hash);
  prefix_for_hour_ = request.cache_for_hour;
  prefix_cached_ = world.prompts.find(prefix_key, began).has_value();
  if (prefix_cached_ || priced("input_cache_write")) prefix_tokens_ = request.cacheable_tokens;
}

// The finish_reason that the reply would give.
std::string_view Job::finish_told() const {
  for (const auto kind : {FaultKind::body_error, FaultKind::html, FaultKind::choice_error})
    if (faults.has(kind)) return "error";
  if (refused || (stream && (faults.has(FaultKind::mid_error) || faults.has(FaultKind::bare_error))))
    return "error";
  if (faults.has(FaultKind::empty)) return "";
  return faults.text(FaultKind::finish, answer.finish);
}

// CONTRACT §5.4: whether generation goes on, and is billed, when the client has left.
bool Job::runs_on() const {
  if (!stream) return true;
  const auto* forced = faults.get(FaultKind::after_cancel);
  return forced ? forced->text == "full" : provider && provider->bills_after_cancel;
}

// Zero-completion insurance (CONTRACT §10.1): no tokens are charged when the answer ended in an error, or had
// neither tokens nor a finish_reason.
Bill Job::bill_for(const Usage& used, std::string_view finish) const {
  const bool lost = finish == "error" || (finish.empty() && used.completion_tokens == 0);
  const bool free = lost && !faults.has(FaultKind::billed_failure);
  return distorted(price(free ? insured(used) : used, *pricing, created).value_or(Bill{}), faults);
}

void Job::bill_answer() {
  auto& used = answer.usage;
  if (used.prompt_tokens > 0) {
    (prefix_cached_ ? used.cached_tokens : used.cache_write_tokens) = prefix_tokens_;
    used.cached_for_hour = prefix_for_hour_;
  }
  append_usage(usage_json, used, bill_for(used, finish_told()), faults);
}

std::optional<PicoUsd> Job::settle(std::int64_t tokens, bool cancelled) {
  if (!model) return std::nullopt;
  auto used = answer.usage;
  std::string finish(finish_told());
  const bool whole = refused || (cancelled && runs_on()) || tokens >= used.completion_tokens;
  if (!whole) {
    used.completion_tokens = tokens;
    used.reasoning_tokens = std::min(used.reasoning_tokens, tokens);
  }
  const bool stopped = cancelled && !refused && !runs_on();
  if (stopped || (!whole && finish != "error")) finish.clear();
  const auto bill = bill_for(used, finish);
  world.accounts.charge(key, bill.total, bill.upstream, created);
  const auto now = world.time.mono();
  if (!cache_key.empty() && !cancelled && whole && finish != "error")
    world.cache.put(cache_key, identity.id, now, cache_ttl);
  if (!prefix_key.empty() && finish != "error")
    world.prompts.put(prefix_key, identity.id, now, prefix_for_hour_ ? kLongCacheSeconds : kCacheSeconds);
  remember(used, bill, std::move(finish), cancelled);
  return bill.total.value != 0 ? std::optional(bill.total) : std::nullopt;
}

void Job::remember(const Usage& used, const Bill& bill, std::string finish, bool cancelled) {
  const auto now = world.time.mono();
  const auto hidden = faults.number(FaultKind::generation_after_calls, 0);
  const auto usual = cancelled ? world.options.cancelled_generation_delay : world.options.generation_delay;
  const auto* forced = faults.get(FaultKind::generation_after);
  const auto delay = forced       ? Duration{std::chrono::milliseconds{forced->number}}
                     : hidden > 0 ? Duration{0}
                                  : usual;
  const bool ended = finish == answer.finish;
  world.generations.put({.id = identity.id,
                         .key = key,
                         .model = identity.model,
                         .provider = identity.provider,
                         .service_tier = identity.service_tier,
                         .finish = std::move(finish),
                         .native = std::string(ended ? answer.native : ""),
                         .user_agent = user_agent,
                         .referer = referer,
                         .streamed = stream,
                         .cancelled = cancelled,
                         .usage = used,
                         .bill = bill,
                         .created = created,
                         .latency = now - began,
                         .generation_time = now - began,
                         .visible_from = now + delay,
                         .hidden_asks = hidden});
}

}  // namespace gantry::sim
