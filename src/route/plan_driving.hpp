#pragma once
// A plan over a table of scopes, driven by hand; for tests.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "route/plan.hpp"

namespace gantry::route {

inline const MonoTime kBegin{std::chrono::seconds{100}};

/// What tests say of a model of the chain; "u2:model" belongs to the second upstream.
struct ModelOf {
  std::uint32_t source = 0;
  bool is_free = false;
  bool cannot = false;
  std::int64_t context = 0;
};

class PlanDriver {
 public:
  /// `models` and, for each upstream, how many keys it has.
  explicit PlanDriver(std::vector<ModelOf> models, PlanLimits limits = {},
                      Duration call = std::chrono::seconds{600}, std::vector<int> keys = {1, 1})
      : keys_(keys.size()) {
    for (std::size_t s = 0; s < keys.size(); ++s) add_source(s, keys[s]);
    for (std::size_t i = 0; i < models.size(); ++i) {
      const ModelOf& m = models[i];
      candidates_.push_back({.model = name(Scope::model, sources_[m.source].scope, "m" + std::to_string(i)),
                             .source = m.source,
                             .is_free = m.is_free,
                             .cannot = m.cannot,
                             .context = m.context});
    }
    limits_ = limits;
    deadline = kBegin + call;
    restart();
  }

  /// Another call over the same breakers.
  void restart() { plan.emplace(chain(), limits_, now + (deadline - kBegin)); }

  const Step& first() { return keep(plan->first(now, shared)); }
  const Step& next(const Verdict& verdict, Duration wish = {}, bool mended = false) {
    return keep(plan->next({.verdict = verdict, .wish = wish, .mended = mended}, now, shared, random));
  }
  const Step& next(Outcome outcome, Scope scope = Scope::model, Duration wish = {}) {
    return next(Verdict{.outcome = outcome, .scope = scope}, wish);
  }
  /// The model that is asked next, or nothing.
  [[nodiscard]] std::optional<std::size_t> model() const {
    const auto* attempt = std::get_if<Try>(&step);
    return attempt ? std::optional(attempt->candidate) : std::nullopt;
  }
  [[nodiscard]] const Try& attempt() const { return std::get<Try>(step); }
  [[nodiscard]] const Stop& stop() const { return std::get<Stop>(step); }
  [[nodiscard]] bool stopped(Halt why) const {
    const auto* stop = std::get_if<Stop>(&step);
    return stop && stop->why == why;
  }

  void open(ScopeId id, Duration time, OpenReason reason = OpenReason::told) {
    table.open(id, reason, now + time, now);
  }
  [[nodiscard]] ScopeId upstream(std::size_t s = 0) const { return sources_[s].scope; }
  [[nodiscard]] ScopeId model_scope(std::size_t i) const { return candidates_[i].model; }
  [[nodiscard]] const KeyScopes& key(std::size_t s, std::size_t k) const { return keys_[s][k]; }
  void begin_with_key(std::size_t s, std::size_t k) {
    sources_[s].first_key = k;
    restart();
  }
  [[nodiscard]] Chain chain() const { return {.sources = sources_, .candidates = candidates_}; }

  ScopeTable table{1};
  RetryBudget retries{1, kBegin};
  Shared shared{.scopes = table, .retries = retries};
  Random random{7};
  MonoTime now = kBegin;
  MonoTime deadline;
  std::optional<Plan> plan;
  Step step;

 private:
  ScopeId name(Scope kind, ScopeId parent, const std::string& text) {
    return table.names().intern(kind, parent, text, ScopeNames::Origin::configuration);
  }
  void add_source(std::size_t s, int keys) {
    const ScopeId scope = name(Scope::upstream, kUntracked, "u" + std::to_string(s));
    for (int k = 0; k < keys; ++k) {
      const ScopeId key = name(Scope::key, scope, "k" + std::to_string(k));
      keys_[s].push_back({.key = key, .free_allowance = name(Scope::free_allowance, key, "free")});
    }
    sources_.push_back({.scope = scope, .keys = keys_[s]});
  }
  const Step& keep(Step next) {
    step = next;
    if (const auto* attempt = std::get_if<Try>(&step)) now = std::max(now, attempt->at);
    return step;
  }

  std::vector<std::vector<KeyScopes>> keys_;
  std::vector<Source> sources_;
  std::vector<Candidate> candidates_;
  PlanLimits limits_;
};

}  // namespace gantry::route
