#include "route/plan.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "route/plan_trouble.hpp"

namespace gantry::route {
namespace {

constexpr Duration kLeastWait = std::chrono::seconds{1};
// When every way is held (keys without credit), nobody knows when.
constexpr Duration kUnknownWait = std::chrono::seconds{60};

bool is_closed(const Shared& shared, ScopeId id) {
  return shared.scopes.breaker(id).state() == Breaker::State::closed;
}

// When the breaker may let a call pass: now, if only a probe is in the way, since that may end any moment.
MonoTime opening(const Shared& shared, ScopeId id, MonoTime now) {
  const Breaker breaker = shared.scopes.breaker(id);
  const bool blocked =
      breaker.state() != Breaker::State::probing && breaker.gate(shared.client, now) == Gate::open;
  return blocked ? breaker.time(now) : now;
}

// When the first of the source's keys may be used.
MonoTime opening_of_keys(const Shared& shared, const Source& source, bool is_free, MonoTime now) {
  MonoTime first = source.keys.empty() ? now : kNever;
  for (const KeyScopes& scopes : source.keys) {
    const bool broke = shared.scopes.breaker(scopes.key).reason() == OpenReason::out_of_money;
    MonoTime at = is_free && broke ? now : opening(shared, scopes.key, now);
    if (is_free) at = std::max(at, opening(shared, scopes.free_allowance, now));
    first = std::min(first, at);
  }
  return first;
}

// Takes the probes of all scopes on the way that are due, or none of them.
bool take_probes(const Shared& shared, Way& way, MonoTime now, MonoTime at) {
  struct Stage {
    ScopeId id;
    Probe& probe;
  };
  std::array<Stage, 4> stages{{{way.upstream, way.probes.upstream},
                               {way.key, way.probes.key},
                               {way.free_allowance, way.probes.free_allowance},
                               {way.model, way.probes.model}}};
  for (auto& stage : stages) {
    if (shared.scopes.breaker(stage.id).gate(shared.client, now) != Gate::due) continue;
    if (const auto taken = shared.scopes.take_probe(stage.id, shared.client, at)) {
      stage.probe = *taken;
      continue;
    }
    for (auto& done : stages)
      if (done.probe) shared.scopes.give_back(done.id, std::exchange(done.probe, {}), now);
    return false;
  }
  return true;
}

void give_back(const Shared& shared, const Way& way, MonoTime now) {
  const Probes& probes = way.probes;
  if (probes.upstream) shared.scopes.give_back(way.upstream, probes.upstream, now);
  if (probes.key) shared.scopes.give_back(way.key, probes.key, now);
  if (probes.free_allowance) shared.scopes.give_back(way.free_allowance, probes.free_allowance, now);
  if (probes.model) shared.scopes.give_back(way.model, probes.model, now);
}

}  // namespace

Plan::Plan(const Chain& chain, PlanLimits limits, MonoTime deadline)
    : chain_(chain), limits_(limits), deadline_(deadline) {}
Plan::Plan(Plan&&) noexcept = default;
Plan::~Plan() = default;

Step Plan::first(MonoTime now, const Shared& shared) {
  const auto models = static_cast<std::int64_t>(chain_.candidates.size());
  const Duration left = deadline_ - now;
  share_ = limits_.share * models <= left ? limits_.share : left / models;
  if (now < deadline_ && first_is_clear(shared)) {
    const auto able = std::ranges::count(chain_.candidates, false, &Candidate::cannot);
    const Source& source = chain_.sources[chain_.candidates[0].source];
    return begin(0, source.first_key, now, before(able - 1), Because::first);
  }
  return choose(now, shared, nullptr);
}

// The healthy call ends here: everything on the primary's way is closed.
bool Plan::first_is_clear(const Shared& shared) const {
  const Candidate& primary = chain_.candidates[0];
  const Source& source = chain_.sources[primary.source];
  if (primary.cannot || !is_closed(shared, source.scope) || !is_closed(shared, primary.model)) return false;
  if (source.keys.empty()) return true;
  const KeyScopes& key = source.keys[source.first_key];
  return is_closed(shared, key.key) && (!primary.is_free || is_closed(shared, key.free_allowance));
}

Step Plan::next(const Report& report, MonoTime now, const Shared& shared, Random& random) {
  Trouble& trouble = this->trouble();
  const std::size_t last = last_candidate_;
  if (const auto halt = trouble.learn(last, last_key_, report, now, limits_)) return stop(*halt, now, shared);
  const bool mended = report.mended && !std::exchange(trouble.mended, true);
  if (attempts_ >= allowance()) return stop(Halt::tries, now, shared);
  if (now >= deadline_) return stop(Halt::time, now, shared);
  if (mended) {
    const int fresh = trouble.fresh();
    const Passage passage = trouble.pass(last, now, shared);
    const bool same_way = passage.gate == Gate::closed && passage.key == last_key_;
    if (allowance() - attempts_ > fresh && same_way && now < before(fresh))
      return begin(last, last_key_, now, before(fresh), Because::mended);
  }
  return choose(now, shared, &random);
}

Step Plan::choose(MonoTime now, const Shared& shared, Random* random) {
  Trouble& trouble = this->trouble();
  const double draw = random ? random->unit() : 0;
  const auto drawn = [draw](Duration ceiling) {
    return Duration{static_cast<std::int64_t>(draw * static_cast<double>(ceiling.count()))};
  };
  const auto doubled = limits_.base_delay * (std::int64_t{1} << std::min(trouble.repetitions, 10));
  const Pauses pauses{.repeat = drawn(std::min(limits_.max_delay, doubled)),
                      .fresh = drawn(limits_.base_delay)};
  trouble.may_repeat = true;
  for (;;) {
    const Left left{.attempts = allowance() - attempts_, .end = deadline_, .share = share_};
    const auto best = trouble.best(now, left, shared, pauses);
    if (!best) return stop(trouble.nothing_left(), now, shared);
    const bool other_key = best->candidate == last_candidate_ && !best->repeat;
    const Because because = attempts_ == 0 ? Because::first
                            : best->repeat ? Because::same_model
                            : other_key    ? Because::next_key
                                           : Because::next_model;
    Try attempt{.candidate = best->candidate, .key = best->passage.key};
    Way way = this->way(attempt);
    const bool probes = best->passage.gate == Gate::due;
    if (probes && !take_probes(shared, way, now, best->ready)) continue;  // another call was faster
    if (best->repeat && !shared.retries.take(now)) {
      give_back(shared, way, now);
      trouble.may_repeat = false;
      continue;
    }
    trouble.probed |= probes;
    trouble.repetitions += best->repeat;
    attempt = begin(best->candidate, best->passage.key, best->ready, best->until, because);
    attempt.probes = way.probes;
    return attempt;
  }
}

Try Plan::begin(std::size_t candidate, std::size_t key, MonoTime at, MonoTime until, Because because) {
  ++attempts_;
  last_candidate_ = static_cast<std::uint32_t>(candidate);
  last_key_ = static_cast<std::uint32_t>(key);
  if (trouble_) trouble_->asked(candidate, key);
  return {.candidate = candidate, .key = key, .at = at, .until = until, .because = because};
}

// Where the shares of `others` begin, which were not asked yet.
MonoTime Plan::before(std::int64_t others) const {
  return deadline_ == kNever ? kNever : deadline_ - share_ * others;
}

Stop Plan::stop(Halt why, MonoTime now, const Shared& shared) const {
  MonoTime first = kNever;
  for (std::size_t i = 0; i < chain_.candidates.size(); ++i) {
    const Candidate& model = chain_.candidates[i];
    if (model.cannot) continue;
    const Source& source = chain_.sources[model.source];
    MonoTime at = std::max(opening(shared, source.scope, now), opening(shared, model.model, now));
    at = std::max(at, opening_of_keys(shared, source, model.is_free, now));
    if (trouble_) at = std::max(at, trouble_->not_before(i));
    first = std::min(first, at);
  }
  const Duration wait = first == kNever ? kUnknownWait : first - now;
  return {.why = why, .retry_after = std::max(wait, kLeastWait)};
}

// Made with the first trouble: until then there was at most one attempt, on the primary.
Plan::Trouble& Plan::trouble() {
  if (!trouble_) {
    trouble_ = std::make_unique<Trouble>(chain_);
    if (attempts_ > 0) trouble_->asked(last_candidate_, last_key_);
  }
  return *trouble_;
}

Way Plan::way(const Try& attempt) const {
  const Candidate& model = chain_.candidates[attempt.candidate];
  const Source& source = chain_.sources[model.source];
  Way way{.upstream = source.scope, .model = model.model, .probes = attempt.probes};
  if (!source.keys.empty()) {
    way.key = source.keys[attempt.key].key;
    if (model.is_free) way.free_allowance = source.keys[attempt.key].free_allowance;
  }
  return way;
}

int Plan::allowance() const {
  const auto able = std::ranges::count(chain_.candidates, false, &Candidate::cannot);
  // What was mended had been refused before anything ran: it takes the place of what was refused.
  const int mended = trouble_ && trouble_->mended ? 1 : 0;
  return std::max(1 + limits_.retries, static_cast<int>(able)) + mended;
}

Skip Plan::skipped(std::size_t candidate) const { return trouble_ ? trouble_->skip(candidate) : Skip::none; }

std::string_view text(Because because) {
  static constexpr std::array<std::string_view, 5> kTexts = {
      "the first of the chain", "another model of the chain", "the same model with the next key",
      "the same model again, after a pause", "the same model again, with the request mended"};
  return kTexts[static_cast<std::size_t>(because)];
}

std::string_view text(Halt halt) {
  static constexpr std::array<std::string_view, 8> kTexts = {
      "another try cannot change this answer",
      "part of the answer has reached the client",
      "the call's tries are used up",
      "the call's time does not allow another try",
      "what is left of the chain is inside open breakers",
      "no upstream key is left that can be used",
      "every model of the chain has been asked",
      "this process repeats no more for now"};
  return kTexts[static_cast<std::size_t>(halt)];
}

std::string_view text(Skip skip) {
  static constexpr std::array<std::string_view, 11> kTexts = {
      "",
      "cannot do what the request needs",
      "its upstream's breaker is open",
      "the breakers of its keys are open",
      "its breaker is open",
      "its keys were refused",
      "its keys have no credit",
      "the allowance of free calls is spent",
      "its context is not larger",
      "would answer the same again",
      "must be left alone for longer than the call's time"};
  return kTexts[static_cast<std::size_t>(skip)];
}

}  // namespace gantry::route
