#include "route/feed.hpp"

#include <algorithm>

#include "wire/provider_slugs.hpp"

namespace gantry::route {
namespace {

// How much an outcome says against the scope it speaks of.
Sign weight(Outcome outcome) {
  switch (outcome) {
    case Outcome::empty:
    case Outcome::rate_limited:
      return Sign::soft;
    case Outcome::overloaded:
    case Outcome::upstream_error:
    case Outcome::unreachable:
    case Outcome::ambiguous:
    case Outcome::silent:
    case Outcome::slow:
    case Outcome::model_missing:
      return Sign::hard;
    case Outcome::delivered:
    case Outcome::too_long:
    case Outcome::refused_content:
    case Outcome::bad_request:
    case Outcome::bad_key:
    case Outcome::out_of_money:
    case Outcome::cancelled:
      return Sign::nothing;
  }
  return Sign::nothing;
}

bool lies_in_model(Scope scope) { return scope == Scope::model || scope == Scope::provider; }

}  // namespace

Sign sign_at(Scope scope, const Verdict& verdict, bool answered) {
  if (verdict.outcome == Outcome::delivered) return Sign::good;
  if (verdict.outcome == Outcome::cancelled) return Sign::nothing;
  if (scope == verdict.scope) return scope == Scope::request ? Sign::nothing : weight(verdict.outcome);
  if (scope == Scope::model && verdict.scope == Scope::provider) return weight(verdict.outcome);
  if (!answered) return Sign::nothing;
  if (scope == Scope::upstream) return Sign::good;
  if (scope == Scope::key && lies_in_model(verdict.scope)) return Sign::good;
  return Sign::nothing;
}

Changes CallFeed::tell_all(const Way& way, const End& end, MonoTime now, Random& random) {
  const auto sign = [&](Scope scope) { return sign_at(scope, end.verdict, end.answered); };
  Changes changes;
  changes.upstream = tell(way.upstream, way.probes.upstream, sign(Scope::upstream), end, now, random);
  if (stated(way, end, changes, now, random)) return changes;
  changes.key = tell(way.key, way.probes.key, sign(Scope::key), end, now, random);
  changes.free_allowance =
      tell(way.free_allowance, way.probes.free_allowance, sign(Scope::free_allowance), end, now, random);
  changes.model = tell(way.model, way.probes.model, sign(Scope::model), end, now, random);
  tell_provider(way, end, changes, now, random);
  return changes;
}

// The healthy call: no probe, no run to end, no provider that failed.
bool CallFeed::delivered_quietly(const Way& way, const End& end, MonoTime now) {
  const Probes& probes = way.probes;
  const auto taken = probes.upstream.word | probes.key.word | probes.free_allowance.word | probes.model.word;
  if (taken != 0 || !way.providers.empty()) return false;
  if (!end.served_by.empty() && table_.names().first_below(way.model).tracked()) return false;
  const auto quiet = [this](ScopeId id) { return table_.breaker(id).quiet(); };
  if (!quiet(way.upstream) || !quiet(way.key) || !quiet(way.free_allowance) || !quiet(way.model))
    return false;
  const ScopeId ids[] = {way.upstream, way.key, way.model, way.free_allowance};
  const auto on_the_way = std::span(ids).first(way.free_allowance.tracked() ? 4 : 3);
  table_.count_successes(shard_, on_the_way, half_window(table_.limits(), now).number);
  return true;
}

// The scopes whose state is stated and not counted; the rest of the way hears nothing.
bool CallFeed::stated(const Way& way, const End& end, Changes& changes, MonoTime now, Random& random) {
  const Verdict& verdict = end.verdict;
  const bool key = verdict.key == KeyDoubt::named && verdict.scope == Scope::key;
  const bool free = verdict.scope == Scope::free_allowance && verdict.free_cap != FreeCap::none;
  const bool model = verdict.gone && verdict.scope == Scope::model;
  if (key && verdict.outcome == Outcome::bad_key) {
    changes.key = table_.stated(way.key, OpenReason::bad_key, now, random);
  } else if (key && verdict.outcome == Outcome::out_of_money) {
    changes.key = table_.hold(way.key, OpenReason::out_of_money, now);
  } else if (free) {
    const Duration wish = end.wish > Duration::zero() ? end.wish : std::chrono::minutes{1};
    changes.free_allowance = table_.open(way.free_allowance, OpenReason::free_cap, now + wish, now);
  } else if (model) {
    changes.model = table_.stated(way.model, OpenReason::gone, now, random);
  } else {
    return false;
  }
  // A probe of a scope that was just set is not under way any more; the others go back.
  const Probes& probes = way.probes;
  if (probes.key) table_.give_back(way.key, probes.key, now);
  if (probes.free_allowance) table_.give_back(way.free_allowance, probes.free_allowance, now);
  if (probes.model) table_.give_back(way.model, probes.model, now);
  for (const auto& taken : way.providers) table_.give_back(taken.id, taken.probe, now);
  return true;
}

void CallFeed::tell_provider(const Way& way, const End& end, Changes& changes, MonoTime now, Random& random) {
  const bool failed = end.verdict.scope == Scope::provider && !end.verdict.provider.empty();
  const std::string_view name = failed ? std::string_view(end.verdict.provider) : end.served_by;
  ScopeId id{};
  // Providers are known from their first failure on, and those that serve a model beside it too, so that it
  // can be told whether any is left. A model without failures costs nothing here.
  auto& names = table_.names();
  if (failed || (!name.empty() && way.model.tracked() && names.first_below(way.model).tracked()))
    id = provider_of(way.model, name);
  Probe probe{};
  for (const auto& taken : way.providers) {
    if (taken.id == id) {
      probe = taken.probe;
    } else {
      table_.give_back(taken.id, taken.probe, now);
    }
  }
  const Sign sign = sign_at(Scope::provider, end.verdict, end.answered);
  changes.provider = tell(id, probe, sign, end, now, random);
  changes.provider_id = id;
}

// Errors may name a provider by its slug, replies by its display name: both are one.
ScopeId CallFeed::provider_of(ScopeId model, std::string_view name) {
  auto& names = table_.names();
  const std::string bare = wire::bare_provider_name(name);
  for (ScopeId id = names.first_below(model); id.tracked() && !bare.empty(); id = names.next_beside(id))
    if (names.at(id).name == name || wire::bare_provider_name(names.at(id).name) == bare) return id;
  return names.intern(Scope::provider, model, name, ScopeNames::Origin::outside);
}

Change CallFeed::tell(ScopeId id, Probe probe, Sign sign, const End& end, MonoTime now, Random& random) {
  switch (sign) {
    case Sign::good:
      return table_.succeeded(shard_, id, client_, probe, now);
    case Sign::nothing:
      if (probe) table_.give_back(id, probe, now);
      return Change::none;
    case Sign::soft:
    case Sign::hard:
      break;
  }
  if (!first_failure(id) && !probe) return Change::none;
  const auto severity = sign == Sign::hard ? Severity::hard : Severity::soft;
  return table_.failed(
      shard_, id, {.client = client_, .severity = severity, .probe = probe, .wish = end.wish}, now, random);
}

bool CallFeed::first_failure(ScopeId id) {
  if (!id.tracked() || std::ranges::find(failed_, id) != failed_.end()) return false;
  failed_.push_back(id);
  return true;
}

}  // namespace gantry::route
