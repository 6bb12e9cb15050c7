#include "route/plan_trouble.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gantry::route {
namespace {

// A key without money still opens the `:free` models, unless that was tried (learn_money).
Gate gate_of_key(Breaker breaker, bool is_free, Client client, MonoTime now) {
  if (is_free && breaker.reason() == OpenReason::out_of_money) return Gate::closed;
  return breaker.gate(client, now);
}

// Credit is left, so the 402 is about the tokens that the client asked for (DESIGN §4).
bool is_about_size(const Verdict& verdict) {
  return verdict.outcome == Outcome::out_of_money && verdict.affordable_tokens &&
         verdict.scope == Scope::request;
}

}  // namespace

void Plan::Trouble::asked(std::size_t candidate, std::size_t key) {
  ModelNote& note = models_[candidate];
  note.asked = true;
  note.last_key = key;
  note.other_key = false;
  note.skip = Skip::none;
  ++note.asks;
}

// ---- what a report teaches

std::optional<Halt> Plan::Trouble::learn(std::size_t candidate, std::size_t key, const Report& report,
                                         MonoTime now, const PlanLimits& limits) {
  if (report.begun) return Halt::begun;
  const Verdict& verdict = report.verdict;
  const std::uint32_t source = chain_.candidates[candidate].source;
  ModelNote& note = models_[candidate];
  switch (verdict.outcome) {
    case Outcome::delivered:
    case Outcome::bad_request:
    case Outcome::cancelled:
      return Halt::answered;
    case Outcome::refused_content:
      if (!limits.fallback_on_policy) return Halt::answered;
      break;
    case Outcome::out_of_money:
      if (is_about_size(verdict) && (!report.mended || mended)) return Halt::answered;
      break;
    case Outcome::too_long:
      rule_out_smaller(candidate);
      break;
    default:
      break;
  }
  KeyNote& key_note = note_of_key(source, key);
  learn_again(note, report);
  learn_money(candidate, key_note, report);
  learn_wish(candidate, key_note, report, now);
  if (verdict.scope == Scope::upstream) note_of_source(source).failed = true;
  return std::nullopt;
}

// DESIGN §4, "Same model again?".
void Plan::Trouble::learn_again(ModelNote& note, const Report& report) {
  const Verdict& verdict = report.verdict;
  switch (verdict.outcome) {
    case Outcome::empty:
      note.out |= std::exchange(note.was_empty, true);
      break;
    case Outcome::ambiguous:
      note.out |= std::exchange(note.was_reset, true);
      break;
    case Outcome::silent:
    case Outcome::slow:
    case Outcome::model_missing:
    case Outcome::too_long:
    case Outcome::refused_content:
      note.out = true;
      break;
    default:
      break;
  }
  // The caps on `:free` ids speak of the key and not of the model.
  if (verdict.no_retry && verdict.free_cap == FreeCap::none) note.out = true;
  if (is_about_size(verdict)) note.out = true;
  note.other_key = verdict.outcome == Outcome::bad_key || verdict.outcome == Outcome::out_of_money ||
                   verdict.scope == Scope::key || verdict.scope == Scope::free_allowance;
}

void Plan::Trouble::learn_money(std::size_t candidate, KeyNote& key, const Report& report) {
  const Verdict& verdict = report.verdict;
  if (verdict.outcome == Outcome::bad_key) key.refused = true;
  if (verdict.outcome == Outcome::out_of_money && !is_about_size(verdict)) {
    // A negative balance refuses even what is free (CONTRACT §6.3).
    (chain_.candidates[candidate].is_free ? key.refused : key.broke) = true;
  }
  if (verdict.free_cap == FreeCap::daily) key.free_spent = true;
}

void Plan::Trouble::learn_wish(std::size_t candidate, KeyNote& key, const Report& report, MonoTime now) {
  if (report.wish <= Duration::zero()) return;
  const MonoTime then = kNever - now > report.wish ? now + report.wish : kNever;
  switch (report.verdict.scope) {
    case Scope::upstream:
      note_of_source(chain_.candidates[candidate].source).not_before = then;
      break;
    case Scope::key:
      key.not_before = then;
      break;
    case Scope::free_allowance:
      key.free_not_before = then;
      break;
    case Scope::request:
    case Scope::model:
    case Scope::provider:
      models_[candidate].not_before = then;
      break;
  }
}

// What is not known may be larger: an attempt costs less than an answer that is not given.
void Plan::Trouble::rule_out_smaller(std::size_t candidate) {
  const std::int64_t failed = chain_.candidates[candidate].context;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const std::int64_t context = chain_.candidates[i].context;
    if (failed == 0 || context == 0 || context > failed) continue;
    models_[i].out = true;
    models_[i].skip = Skip::too_small;
  }
}

// ---- who may be asked

Passage Plan::Trouble::pass(std::size_t candidate, MonoTime now, const Shared& shared) const {
  const Candidate& model = chain_.candidates[candidate];
  const Gate upstream = shared.scopes.breaker(chain_.sources[model.source].scope).gate(shared.client, now);
  if (upstream == Gate::open) return {.skip = Skip::upstream_open};
  const Gate itself = shared.scopes.breaker(model.model).gate(shared.client, now);
  if (itself == Gate::open) return {.skip = Skip::model_open};
  Passage passage = by_key(candidate, now, shared);
  if (passage.gate != Gate::open) passage.gate = std::max({passage.gate, upstream, itself});
  return passage;
}

// The first key that is closed and need not wait; else the best of the rest.
Passage Plan::Trouble::by_key(std::size_t candidate, MonoTime now, const Shared& shared) const {
  const Candidate& model = chain_.candidates[candidate];
  const Source& source = chain_.sources[model.source];
  const std::size_t keys = std::max<std::size_t>(1, source.keys.size());
  Passage best{.skip = Skip::key_open};
  for (std::size_t i = 0; i < keys; ++i) {
    Passage here{.gate = Gate::closed, .key = (source.first_key + i) % keys};
    if (!source.keys.empty()) {
      const KeyScopes& scopes = source.keys[here.key];
      here.gate = gate_of_key(shared.scopes.breaker(scopes.key), model.is_free, shared.client, now);
      const Gate free = shared.scopes.breaker(scopes.free_allowance).gate(shared.client, now);
      here.skip = here.gate == Gate::open ? Skip::key_open : Skip::none;
      if (model.is_free && free == Gate::open) here.skip = Skip::free_cap;
      if (model.is_free) here.gate = std::max(here.gate, free);
    }
    if (const KeyNote* note = find_key(model.source, here.key)) {
      here.not_before = model.is_free ? std::max(note->not_before, note->free_not_before) : note->not_before;
      if (note->broke && !model.is_free) here.gate = Gate::open, here.skip = Skip::no_credit;
      if (note->free_spent && model.is_free) here.gate = Gate::open, here.skip = Skip::free_cap;
      if (note->refused) here.gate = Gate::open, here.skip = Skip::key_refused;
    }
    const auto rank = [now](const Passage& p) {
      return std::tuple(p.gate == Gate::open, std::max(p.not_before, now), p.gate);
    };
    if (i == 0 || rank(here) < rank(best)) best = here;
  }
  return best;
}

MonoTime Plan::Trouble::not_before(std::size_t candidate) const {
  const SourceNote* source = find_source(chain_.candidates[candidate].source);
  const MonoTime model = models_[candidate].not_before;
  const MonoTime first = std::max(model, first_key_from(candidate));
  return source ? std::max(first, source->not_before) : first;
}

MonoTime Plan::Trouble::first_key_from(std::size_t candidate) const {
  const Candidate& model = chain_.candidates[candidate];
  const std::size_t keys = std::max<std::size_t>(1, chain_.sources[model.source].keys.size());
  MonoTime first = kNever;
  for (std::size_t key = 0; key < keys; ++key) {
    const KeyNote* note = find_key(model.source, key);
    if (!note) return MonoTime::min();
    first =
        std::min(first, model.is_free ? std::max(note->not_before, note->free_not_before) : note->not_before);
  }
  return first;
}

std::optional<Option> Plan::Trouble::option(std::size_t candidate, MonoTime now, const Shared& shared,
                                            Pauses pauses) {
  ModelNote& note = models_[candidate];
  if (chain_.candidates[candidate].cannot) note.skip = Skip::cannot;
  if (note.out && note.skip == Skip::none) note.skip = Skip::not_again;
  if (note.out || chain_.candidates[candidate].cannot) return std::nullopt;
  Option option{.candidate = candidate, .passage = pass(candidate, now, shared)};
  note.skip = option.passage.skip;
  if (option.passage.gate == Gate::open) return std::nullopt;
  option.repeat = note.asked && !(note.other_key && option.passage.key != note.last_key);
  const MonoTime wished = std::max(option.passage.not_before, not_before(candidate));
  const SourceNote* source = find_source(chain_.candidates[candidate].source);
  const bool failed = source && source->failed;
  option.waits = option.repeat || failed || wished > now;
  const Duration pause = option.repeat ? pauses.repeat : failed ? pauses.fresh : Duration::zero();
  option.ready = std::max(now + pause, wished);
  return option;
}

// In the chain's order, closed ones first once a probe is spent; then those that must wait, the soonest
// first.
bool Plan::Trouble::better(const Option& a, const Option& b) const {
  const auto rank = [this](const Option& o) {
    const bool risky = o.passage.gate == Gate::due && probed;
    return std::tuple(o.late, o.waits, o.waits ? o.ready : MonoTime::min(), risky, o.waits && o.repeat,
                      o.waits ? models_[o.candidate].asks : 0, o.candidate);
  };
  return rank(a) < rank(b);
}

std::optional<Option> Plan::Trouble::best(MonoTime now, const Left& left, const Shared& shared,
                                          Pauses pauses) {
  std::vector<Option> options;
  int reachable = 0;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const auto found = option(i, now, shared, pauses);
    if (!found) continue;
    if (found->ready >= left.end) {
      models_[i].skip = Skip::too_late;
      continue;
    }
    if (!models_[i].asked) ++reachable;
    options.push_back(*found);
  }
  std::optional<Option> best;
  for (Option& option : options) {
    const bool room = find_room(option, left, reachable);
    if (!room || (option.repeat && !may_repeat)) continue;
    if (!best || better(option, *best)) best = option;
  }
  return best;
}

// What was not asked yet keeps its attempt and its share, also while a breaker is in its way: that may close
// in time. Only repetitions, which begin when nobody else can be asked, take from the share of such a one.
bool Plan::Trouble::find_room(Option& option, const Left& left, int reachable) const {
  const bool asked = models_[option.candidate].asked;
  const int others = option.repeat ? reachable : fresh() - (asked ? 0 : 1);
  option.until = left.end == kNever ? kNever : left.end - left.share * others;
  option.late = option.ready >= option.until;
  if (asked) return left.attempts > others && !option.late;
  if (option.late) option.until = left.end - (left.end - option.ready) / reachable * (reachable - 1);
  return true;
}

int Plan::Trouble::fresh() const {
  int count = 0;
  for (std::size_t i = 0; i < models_.size(); ++i)
    count += !models_[i].asked && !models_[i].out && !chain_.candidates[i].cannot;
  return count;
}

Halt Plan::Trouble::nothing_left() const {
  if (!may_repeat) return Halt::budget;
  const auto any = [this](std::initializer_list<Skip> skips) {
    return std::ranges::any_of(
        models_, [&](const ModelNote& note) { return std::ranges::find(skips, note.skip) != skips.end(); });
  };
  if (any({Skip::upstream_open, Skip::key_open, Skip::model_open})) return Halt::breakers;
  if (any({Skip::too_late})) return Halt::time;
  if (any({Skip::key_refused, Skip::no_credit, Skip::free_cap})) return Halt::keys;
  return Halt::asked;
}

// ---- notes

Plan::Trouble::KeyNote& Plan::Trouble::note_of_key(std::uint32_t source, std::size_t key) {
  for (KeyNote& note : keys_)
    if (note.source == source && note.key == key) return note;
  return keys_.emplace_back(KeyNote{.source = source, .key = key});
}

Plan::Trouble::SourceNote& Plan::Trouble::note_of_source(std::uint32_t source) {
  for (SourceNote& note : sources_)
    if (note.source == source) return note;
  return sources_.emplace_back(SourceNote{.source = source});
}

const Plan::Trouble::KeyNote* Plan::Trouble::find_key(std::uint32_t source, std::size_t key) const {
  for (const KeyNote& note : keys_)
    if (note.source == source && note.key == key) return &note;
  return nullptr;
}

const Plan::Trouble::SourceNote* Plan::Trouble::find_source(std::uint32_t source) const {
  for (const SourceNote& note : sources_)
    if (note.source == source) return &note;
  return nullptr;
}

}  // namespace gantry::route
