#include "route/plan.hpp"

#include <algorithm>
#include <optional>

namespace gantry::route {

bool may_retry(Outcome outcome) {
  switch (outcome) {
    case Outcome::empty:
    case Outcome::rate_limited:
    case Outcome::overloaded:
    case Outcome::upstream_error:
    case Outcome::unreachable:
      return true;
    default:
      return false;
  }
}

Plan::Plan(std::size_t models, PlanLimits limits, MonoTime deadline)
    : models_(models),
      limits_(limits),
      deadline_(deadline),
      allowance_(std::max(1 + limits.retries, static_cast<int>(models))) {}

Step Plan::first(MonoTime now) { return choose(0, now, nullptr); }

Step Plan::next(std::size_t model, Outcome outcome, Duration retry_after, MonoTime now, Random& random) {
  ModelState& state = models_[model];
  if (!may_retry(outcome)) state.out = true;
  if (retry_after > Duration::zero()) {
    if (deadline_ - now <= retry_after) {
      state.out = true;
    } else {
      state.not_before = now + retry_after;
    }
  }
  if (!may_fall_back(outcome)) return Stop{"another try cannot change this answer"};
  if (attempts_ >= allowance_) return Stop{"the call's " + std::to_string(allowance_) + " tries are used up"};
  return choose(model + 1, now, &random);
}

// The rest of this round first; then, after a pause, the chain from its start.
Step Plan::choose(std::size_t from, MonoTime now, Random* random) {
  const auto usable = [this](std::size_t i) { return !models_[i].out; };
  for (std::size_t i = from; i < models_.size(); ++i) {
    if (!usable(i) || models_[i].not_before > now) continue;
    ++attempts_;
    return Try{i, now};
  }
  if (!random || std::ranges::none_of(models_, [](const ModelState& state) { return !state.out; }))
    return Stop{"every model of the chain has been asked"};
  const auto ceiling =
      std::min(limits_.max_delay, limits_.base_delay * (std::int64_t{1} << std::min(round_, 10)));
  ++round_;
  const auto pause =
      Duration{static_cast<std::int64_t>(random->unit() * static_cast<double>(ceiling.count()))};
  // The first that may be asked soonest: one that wants to be left alone for minutes holds no other back.
  const auto ready = [&](std::size_t i) { return std::max(now + pause, models_[i].not_before); };
  std::optional<std::size_t> soonest;
  for (std::size_t i = 0; i < models_.size(); ++i)
    if (usable(i) && (!soonest || ready(i) < ready(*soonest))) soonest = i;
  const MonoTime at = ready(*soonest);
  if (at >= deadline_) return Stop{"the call's time does not allow another try"};
  ++attempts_;
  return Try{*soonest, at};
}

}  // namespace gantry::route
