// What the catalogue tells a call: which models of its chain cannot do what it needs, which providers its
// requests leave out, and whether another model answered than the one that was asked.
#include <algorithm>

#include "engine/call.hpp"
#include "route/capability.hpp"
#include "wire/needs.hpp"

namespace gantry::engine {

// ---- models

// The healthy call does without a closer look: a short text needs nothing that not every model has, and a
// first model that can do all that the request may need is asked at once. Whoever would be asked next is
// looked at when that one failed.
bool Call::first_may_be_asked() const {
  if (admission_.chain.size() < 2 || wire::needs_little(facts_)) return true;
  if (!planning_->plan->first_is_clear(shared())) return false;
  const auto* const model = listed(0);
  return !model || !route::reason_to_skip(*model, wire::most_needs(facts_), shard_.loop_.time().wall());
}

// Where every model is said to be unable, none is skipped: the list may be old or wrong, and what upstream
// says of the request is worth more to its author than our guess.
void Call::look_at_models() {
  Planning& planning = *planning_;
  if (!shard_.catalogue() || admission_.chain.size() < 2 || !planning.cannot.empty()) return;
  planning.cannot.resize(admission_.chain.size());
  const auto needs =
      wire::needs_little(facts_) ? wire::RequestNeeds{} : wire::read_needs(request_.body, facts_);
  bool some_can = false;
  for (std::size_t i = 0; i < planning.candidates.size(); ++i) {
    auto& candidate = planning.candidates[i];
    if (const auto* const model = listed(i)) {
      candidate.context = model->context_length.value_or(0);
      planning.cannot[i] = route::reason_to_skip(*model, needs, shard_.loop_.time().wall()).value_or("");
    }
    some_can |= !candidate.cannot && planning.cannot[i].empty();
  }
  if (!some_can) std::ranges::for_each(planning.cannot, &std::string::clear);
  for (std::size_t i = 0; i < planning.candidates.size(); ++i)
    planning.candidates[i].cannot |= !planning.cannot[i].empty();
}

// What the list says of a model of the chain; null when that is nothing.
const wire::ModelFacts* Call::listed(std::size_t candidate) const {
  const Catalogue* const catalogue = shard_.catalogue();
  if (!catalogue || planning_->candidates[candidate].source != 0) return nullptr;
  const auto& destinations = planning_->destinations;
  return catalogue->models.find(destinations.empty() ? admission_.chain[candidate]
                                                     : destinations[candidate].model);
}

// Why a model of the chain was passed over; "" when it was not.
std::string Call::why_skipped(std::size_t candidate) const {
  const Planning& planning = *planning_;
  const auto skip = planning.plan->skipped(candidate);
  if (skip == route::Skip::cannot) {
    if (is_forbidden(admission_.chain[candidate])) return "the client's key may not use it";
    if (!planning.cannot.empty() && !planning.cannot[candidate].empty()) return planning.cannot[candidate];
    if (!planning.destinations.empty() && planning.destinations[candidate].unmet != Unmet::none)
      return "its upstream " + std::string(reason(planning.destinations[candidate].unmet));
  }
  return std::string(text(skip));
}

// ---- providers

// Those inside open breakers. One that is due is not left out this once: the attempt is its probe. A provider
// whose slug is not known cannot be left out, and then nothing is learnt by a probe of it either.
std::vector<std::string_view> Call::providers_to_avoid() {
  const Catalogue* const catalogue = shard_.catalogue();
  if (!catalogue) return {};
  auto& scopes = shard_.with_.failover.scopes;
  const MonoTime now = shard_.loop_.now();
  auto advice = scopes.providers(way_.model, request_.client, now);
  const auto& slugs = catalogue->providers;
  std::erase_if(advice.probes, [&](const auto& taken) {
    if (!slugs.find(scopes.names().at(taken.id).name).empty()) return false;
    scopes.give_back(taken.id, taken.probe, now);
    return true;
  });
  std::vector<std::string_view> avoid;
  for (const auto name : advice.ignore)
    if (const auto slug = slugs.find(name); !slug.empty()) avoid.push_back(slug);
  if (!advice.probes.empty()) {
    probed_providers_ =
        std::make_unique<const std::vector<route::ProviderAdvice::Taken>>(std::move(advice.probes));
    way_.providers = *probed_providers_;
  }
  return avoid;
}

// ---- who answered

// The model that answered in place of the one asked for; "" when that one did, or when it cannot be told. Our
// own failover knows. OpenRouter's shows in the reply's model alone, which differs without any substitution
// too, by variants, aliases and dated slugs (CONTRACT §11.19): only a model that the list knows, that was
// sent along as a fallback and that is not the one asked for, is a substitute.
std::string_view Call::substitute() const {
  const std::string_view asked = admission_.chain[model_];
  const std::string_view ours = model_ == 0 ? std::string_view{} : asked;
  const bool sent_along = admission_.models_as_sent || !admission_.upstream_chain.empty();
  const Catalogue* const catalogue = shard_.catalogue();
  if (!sent_along || model_ != admission_.carrier || !catalogue) return ours;
  const auto& models = catalogue->models;
  const auto* const served = models.find(served_model_);
  const auto* const wanted = models.find(asked);
  // A router's answer by one of the others may be its own choice.
  if (!served || !wanted || wire::same_model(*served, *wanted) || asked.starts_with("openrouter/"))
    return ours;
  const auto is_served = [&](std::string_view name) {
    const auto* const model = models.find(name);
    return model && wire::same_model(*model, *served);
  };
  if (admission_.models_as_sent) {
    const auto found = std::ranges::find_if(facts_.models, is_served);
    return found == facts_.models.end() ? ours : std::string_view(*found);
  }
  const auto found = std::ranges::find_if(admission_.upstream_chain, is_served);
  return found == admission_.upstream_chain.end() ? ours : *found;
}

}  // namespace gantry::engine
