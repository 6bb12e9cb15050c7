#include "observe/observer.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "observe/call_line.hpp"
#include "observe/counters.hpp"
#include "observe/log_queue.hpp"
#include "observe/metrics_text.hpp"

namespace gantry::observe {
namespace {

using route::Outcome;

// One shard's evidence, written by its thread alone. The model's name needs a lock, which is taken only when
// the name changes.
struct EvidenceSlot {
  std::atomic<Duration> last_success{}, last_failure{};  // since the epoch
  std::atomic<Outcome> failure{};
  mutable std::mutex mutex;
  std::string success_model;

  void succeeded(std::string_view model, WallTime now) {
    if (model != success_model) {
      const std::lock_guard lock(mutex);
      success_model = model;
    }
    last_success.store(now.time_since_epoch(), std::memory_order_release);
  }
  void failed(Outcome outcome, WallTime now) {
    failure.store(outcome, std::memory_order_relaxed);
    last_failure.store(now.time_since_epoch(), std::memory_order_release);
  }
};

// A cache line of its own at both ends, so that shards never share one.
struct alignas(64) Shard {
  Numbers<Counter> numbers;
  ModelSlots slots;
  EvidenceSlot seen;
  MonoTime turn{};  // of the loop, and the time on the wall then
  WallTime turn_wall{};

  WallTime wall_at(MonoTime moment, const TimeSource& time) {
    if (moment == MonoTime{} || moment != turn) {
      turn = moment;
      turn_wall = time.wall();
    }
    return turn_wall;
  }
};

enum class Speaks { of_health, of_trouble, of_nothing };

Speaks what_it_says(Outcome outcome) {
  switch (outcome) {
    case Outcome::delivered:
      return Speaks::of_health;
    case Outcome::empty:
    case Outcome::rate_limited:
    case Outcome::overloaded:
    case Outcome::upstream_error:
    case Outcome::unreachable:
    case Outcome::ambiguous:
    case Outcome::silent:
    case Outcome::slow:
    case Outcome::model_missing:
    case Outcome::bad_key:
    case Outcome::out_of_money:
      return Speaks::of_trouble;
    case Outcome::too_long:
    case Outcome::refused_content:
    case Outcome::bad_request:
    case Outcome::cancelled:
      return Speaks::of_nothing;  // the client's doing
  }
  return Speaks::of_nothing;
}

constexpr std::string_view kNoRoute = "-";  // a call that named a plain model id (engine::Admission)

Dialect dialect_of(std::string_view name) {
  if (name == "chat") return Dialect::chat;
  return name == "completions" ? Dialect::completions : Dialect::other;
}

StatusClass class_of(int status) {
  if (status >= 200 && status < 300) return StatusClass::success;
  if (status >= 400 && status < 500) return StatusClass::client_error;
  return status >= 500 && status < 600 ? StatusClass::server_error : StatusClass::other;
}

std::size_t at(auto enumerator) { return static_cast<std::size_t>(enumerator); }
std::uint64_t not_negative(std::int64_t n) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(n, 0));
}

void observe(Buckets<Counter>& buckets, Duration took) {
  const std::uint64_t ns = not_negative(took.count());
  buckets.counts[bucket_of(ns)].add(1);
  buckets.total_ns.add(ns);
}

void count(Numbers<Counter>& n, const CallRecord& call) {
  n.ended.add(1);
  n.calls[at(dialect_of(call.dialect))][at(class_of(call.status))][call.stream ? 1 : 0].add(1);
  n.outcomes[at(call.outcome)].add(1);
  const int fallbacks = std::max(call.fallbacks, 0);
  n.fallbacks.add(static_cast<std::uint64_t>(fallbacks));
  n.retries.add(static_cast<std::uint64_t>(std::max(call.attempts - 1 - fallbacks, 0)));
  observe(n.call_time, call.took);
  if (call.first_token) observe(n.first_token, *call.first_token);
  if (!call.prompt_tokens && !call.completion_tokens) n.unknown_usage.add(1);
  n.prompt_tokens.add(not_negative(call.prompt_tokens.value_or(0)));
  n.completion_tokens.add(not_negative(call.completion_tokens.value_or(0)));
  if (call.cost)
    n.pico_usd.add(not_negative(call.cost->value));
  else
    n.unknown_cost.add(1);
  n.request_bytes.add(call.request_bytes);
  n.reply_bytes.add(call.reply_bytes);
}

// Writes the call's one line where its thread's queue has room for it.
void write_line(const CallRecord& call, WallTime now) {
  const Level level = what_it_says(call.outcome) == Speaks::of_trouble ? Level::warn : Level::info;
  if (!log_enabled(level)) return;
  const auto [queue, format] = this_threads_log();
  if (!queue) return;
  static_assert(LineQueue::kChunkBytes >= kLongestCallLine, "there is always room");
  char* const start = queue->room(longest_call_line(call));
  queue->publish(static_cast<std::size_t>(put_call_line(start, format, now, level, call) - start));
}

void note(EvidenceSlot& slot, const CallRecord& call, WallTime now) {
  const Speaks says = what_it_says(call.outcome);
  // A plain model id is the client's own: one that does not exist must not make the gateway look ill for all.
  const bool made_up = call.outcome == Outcome::model_missing && call.route == kNoRoute;
  if (says == Speaks::of_nothing || made_up || call.ours) return;
  if (says == Speaks::of_health)
    slot.succeeded(call.model_served.empty() ? call.model_asked : call.model_served, now);
  else
    slot.failed(call.outcome, now);
}

void fold(std::uint64_t& into, const Counter& from) { into += from.get(); }
template <class Into, class From, std::size_t N>
void fold(std::array<Into, N>& into, const std::array<From, N>& from) {
  for (std::size_t i = 0; i < N; ++i) fold(into[i], from[i]);
}
void fold(Buckets<std::uint64_t>& into, const Buckets<Counter>& from) {
  fold(into.counts, from.counts);
  fold(into.total_ns, from.total_ns);
}

void fold(Totals& into, const Numbers<Counter>& from) {
  constexpr auto kNumbers = std::make_tuple(  // every single number, in pairs of (total, counter)
      std::pair{&Totals::started, &Numbers<Counter>::started},
      std::pair{&Totals::ended, &Numbers<Counter>::ended},
      std::pair{&Totals::refused_other, &Numbers<Counter>::refused_other},
      std::pair{&Totals::retries, &Numbers<Counter>::retries},
      std::pair{&Totals::fallbacks, &Numbers<Counter>::fallbacks},
      std::pair{&Totals::prompt_tokens, &Numbers<Counter>::prompt_tokens},
      std::pair{&Totals::completion_tokens, &Numbers<Counter>::completion_tokens},
      std::pair{&Totals::unknown_usage, &Numbers<Counter>::unknown_usage},
      std::pair{&Totals::pico_usd, &Numbers<Counter>::pico_usd},
      std::pair{&Totals::unknown_cost, &Numbers<Counter>::unknown_cost},
      std::pair{&Totals::request_bytes, &Numbers<Counter>::request_bytes},
      std::pair{&Totals::reply_bytes, &Numbers<Counter>::reply_bytes});
  std::apply([&](auto... pair) { (fold(into.*pair.first, from.*pair.second), ...); }, kNumbers);
  fold(into.calls, from.calls);
  fold(into.outcomes, from.outcomes);
  fold(into.attempts, from.attempts);
  fold(into.refused, from.refused);
  fold(into.call_time, from.call_time);
  fold(into.first_token, from.first_token);
  fold(into.attempt_time, from.attempt_time);
}

}  // namespace

struct Observer::Impl {
  Impl(const TimeSource& source, std::size_t count) : time(source), started(source.wall()), shards(count) {}

  const TimeSource& time;
  const WallTime started;
  ModelNames models;
  std::vector<Shard> shards;  // never grows: shards are not movable and their addresses are shared
};

Observer::Observer(const TimeSource& time, std::size_t shards)
    : impl_(std::make_unique<Impl>(time, shards)) {}
Observer::~Observer() = default;

void Observer::name_models(std::span<const std::string> models) {
  for (const std::string& model : models) impl_->models.add(model);
}

void Observer::call_started(std::size_t shard) { impl_->shards.at(shard).numbers.started.add(1); }

void Observer::attempt_ended(std::size_t shard, const AttemptRecord& attempt) {
  Shard& own = impl_->shards.at(shard);
  // A client that makes up model ids would otherwise fill the set with them.
  const bool made_up = attempt.outcome == Outcome::model_missing || attempt.outcome == Outcome::bad_request;
  const auto if_new = made_up ? ModelSlots::IfNew::other : ModelSlots::IfNew::add;
  const std::size_t slot = own.slots.slot(impl_->models, attempt.model, if_new);
  own.numbers.attempts[slot][at(attempt.outcome)].add(1);
  observe(own.numbers.attempt_time, attempt.took);
}

void Observer::call_ended(std::size_t shard, const CallRecord& call) {
  Shard& own = impl_->shards.at(shard);
  count(own.numbers, call);
  const WallTime now = own.wall_at(call.ended, impl_->time);
  note(own.seen, call, now);
  write_line(call, now);
}

void Observer::refused(std::size_t shard, int status) {
  auto& numbers = impl_->shards.at(shard).numbers;
  const int index = status - kFirstRefusal;
  (index >= 0 && index < kRefusals ? numbers.refused[static_cast<std::size_t>(index)] : numbers.refused_other)
      .add(1);
}

Evidence Observer::evidence() const {
  Evidence latest;
  for (const Shard& shard : impl_->shards) {
    const EvidenceSlot& seen = shard.seen;
    const WallTime success{seen.last_success.load(std::memory_order_acquire)};
    const WallTime failure{seen.last_failure.load(std::memory_order_acquire)};
    if (success > latest.last_success) {
      const std::lock_guard lock(seen.mutex);
      latest.last_success = success;
      latest.success_model = seen.success_model;
    }
    if (failure > latest.last_failure) {
      latest.last_failure = failure;
      latest.failure = route::name(seen.failure.load(std::memory_order_relaxed));
    }
  }
  return latest;
}

std::uint64_t Observer::calls() const {
  std::uint64_t sum = 0;
  for (const Shard& shard : impl_->shards) sum += shard.numbers.ended.get();
  return sum;
}

std::string Observer::metrics_text(const Gauges& gauges, bool simulated) const {
  auto totals = std::make_unique<Totals>();  // 40 KB: too much for a coroutine's neighbour on the stack
  for (const Shard& shard : impl_->shards) fold(*totals, shard.numbers);
  return observe::metrics_text({.totals = *totals,
                                .models = impl_->models,
                                .gauges = gauges,
                                .started = impl_->started,
                                .simulated = simulated,
                                .dropped_log_lines = observe::dropped_log_lines()});
}

}  // namespace gantry::observe
