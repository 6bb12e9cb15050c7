#include "spend/rate_limits.hpp"

#include <algorithm>
#include <utility>

namespace gantry::spend {
namespace {

constexpr Duration kMinute = std::chrono::minutes{1};
// An estimate may be absurd; what it costs must not leave the range of time.
constexpr Duration kDearest = std::chrono::hours{24};
// Nobody knows when a call ends.
constexpr Duration kCallEnds = std::chrono::seconds{1};

// The time in which the allowance of `limit` a minute grows by `count`.
Duration cost_of(std::int64_t count, std::int64_t limit) {
  if (count <= 0) return {};
  if (limit <= 0) return kDearest;
  const __int128 cost = static_cast<__int128>(kMinute.count()) * count / limit;
  return Duration{static_cast<Duration::rep>(std::min<__int128>(cost, kDearest.count()))};
}

}  // namespace

std::string_view name(RateLimit limit) {
  switch (limit) {
    case RateLimit::requests:
      return "requests";
    case RateLimit::tokens:
      return "tokens";
    case RateLimit::concurrency:
      break;
  }
  return "concurrency";
}

// ---- Flow

Duration RateState::Flow::wait(Duration cost, MonoTime now) const {
  const MonoTime drained = std::max(MonoTime{Duration{drained_.load(std::memory_order_relaxed)}}, now);
  return drained - now + std::min(cost - kMinute, Duration{});
}

bool RateState::Flow::take(Duration cost, MonoTime now) {
  auto was = drained_.load(std::memory_order_relaxed);
  for (;;) {
    const MonoTime drained = std::max(MonoTime{Duration{was}}, now);
    if (drained - now + std::min(cost - kMinute, Duration{}) > Duration{}) return false;
    if (drained_.compare_exchange_weak(was, (drained + cost).time_since_epoch().count(),
                                       std::memory_order_relaxed))
      return true;
  }
}

// Taking off what was taken leaves what was there before, or the moment of the taking if that is later, which
// is the same to all who come after it.
void RateState::Flow::change(Duration by, MonoTime now) {
  auto was = drained_.load(std::memory_order_relaxed);
  for (;;) {
    const MonoTime from = by > Duration{} ? std::max(MonoTime{Duration{was}}, now) : MonoTime{Duration{was}};
    if (drained_.compare_exchange_weak(was, (from + by).time_since_epoch().count(),
                                       std::memory_order_relaxed))
      return;
  }
}

// ---- RateState

bool RateState::enter(std::int64_t most) {
  auto was = running_.load(std::memory_order_relaxed);
  do {
    if (was >= most) return false;
  } while (!running_.compare_exchange_weak(was, was + 1, std::memory_order_relaxed));
  return true;
}

std::optional<RateRefusal> RateState::ask(const RateLimits& limits, const Costs& costs, MonoTime now) const {
  RateRefusal worst{.retry_after = {}};
  const auto wait_for = [&](RateLimit limit, Duration wait) {
    if (wait > worst.retry_after) worst = {limit, wait};
  };
  const auto rate = [now](const Flow& flow, std::int64_t limit, Duration cost) {
    return limit > 0 ? flow.wait(cost, now) : kMinute;
  };
  if (limits.concurrent && running() >= *limits.concurrent) wait_for(RateLimit::concurrency, kCallEnds);
  if (limits.requests) wait_for(RateLimit::requests, rate(requests_, *limits.requests, costs.request));
  if (limits.tokens) wait_for(RateLimit::tokens, rate(tokens_, *limits.tokens, costs.tokens));
  return worst.retry_after > Duration{} ? std::optional(worst) : std::nullopt;
}

// First all are asked and then all are taken, so that it is rare that something has to be given back because
// another call came in between.
std::expected<Admission, RateRefusal> RateState::admit(const RateLimits& limits, std::int64_t tokens,
                                                       MonoTime now) {
  const Costs costs{.request = limits.requests ? cost_of(1, *limits.requests) : Duration{},
                    .tokens = limits.tokens ? cost_of(tokens, *limits.tokens) : Duration{}};
  if (const auto refusal = ask(limits, costs, now)) return std::unexpected(*refusal);
  const auto late = [now](RateLimit limit, const Flow& flow, Duration cost) {
    return std::unexpected(RateRefusal{limit, std::max(flow.wait(cost, now), Duration{1})});
  };
  if (!enter(limits.concurrent.value_or(std::numeric_limits<std::int64_t>::max())))
    return std::unexpected(RateRefusal{RateLimit::concurrency, kCallEnds});
  Admission admission;
  admission.state_ = this;
  if (limits.requests && !requests_.take(costs.request, now))
    return late(RateLimit::requests, requests_, costs.request);
  if (limits.tokens && !tokens_.take(costs.tokens, now)) {
    if (limits.requests) requests_.change(-costs.request, now);
    return late(RateLimit::tokens, tokens_, costs.tokens);
  }
  admission.token_limit_ = limits.tokens;
  admission.charged_ = costs.tokens;
  return admission;
}

// ---- Admission

Admission::Admission(Admission&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      token_limit_(other.token_limit_),
      charged_(other.charged_) {}

Admission& Admission::operator=(Admission&& other) noexcept {
  if (this == &other) return *this;
  end();
  state_ = std::exchange(other.state_, nullptr);
  token_limit_ = other.token_limit_;
  charged_ = other.charged_;
  return *this;
}

void Admission::correct(std::int64_t tokens, MonoTime now) {
  if (state_ == nullptr || !token_limit_) return;
  const Duration really = cost_of(tokens, *token_limit_);
  state_->tokens_.change(really - charged_, now);
  charged_ = really;
}

void Admission::end() {
  if (RateState* state = std::exchange(state_, nullptr))
    state->running_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace gantry::spend
