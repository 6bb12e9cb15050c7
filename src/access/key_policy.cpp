#include "access/key_policy.hpp"

#include <algorithm>

namespace gantry::access {
namespace {

struct FeatureText {
  std::string_view name;
  std::string_view param;  // of the request
  std::string_view what;   // "This key may not …"
};
constexpr std::array<FeatureText, kFeatures.size()> kTexts{{
    {"plugins", "plugins", "use plugins"},
    {"server_tools", "tools", "use server tools (tools whose type begins with openrouter:)"},
    {"presets", "preset", "use presets"},
    {"debug", "debug", "ask for debug output"},
    {"response_cache", "", "use the response cache (X-OpenRouter-Cache)"},
}};
const FeatureText& text_of(Feature feature) { return kTexts.at(static_cast<std::size_t>(feature)); }

std::string_view without_preset(std::string_view model) { return model.substr(0, model.find("@preset/")); }

bool covers(std::string_view pattern, std::string_view model) {
  if (!pattern.ends_with("/*") && !pattern.ends_with(":*")) return pattern == model;
  const auto front = pattern.substr(0, pattern.size() - 1);
  return model.size() > front.size() && model.starts_with(front);
}

std::string listed(const std::vector<std::string>& words) {
  constexpr std::size_t kMost = 8;
  if (words.empty()) return "none";
  std::string out;
  for (std::size_t i = 0; i < std::min(words.size(), kMost); ++i) out += (i == 0 ? "" : ", ") + words[i];
  return words.size() > kMost ? out + ", …" : out;
}

wire::Refusal forbidden(std::string message, std::string remedy, std::string_view param) {
  return {.status = 403,
          .message = std::move(message),
          .remedy = std::move(remedy),
          .param = std::string(param),
          .error_type = "permission_denied"};
}

std::string command(std::string_view key, std::string_view flags) {
  return "An operator can change that: gantry keys update " + std::string(key) + " " + std::string(flags) +
         ".";
}

// Of what a client sent, only what has the form of a model is told back.
std::string told(std::string_view model) {
  const bool plain = model.size() <= 100 && wire::is_model_id(model);
  return plain ? "the model " + std::string(model) : "this model";
}

wire::Refusal model_refused(const KeyPolicy& policy, std::string_view model, std::string_view key) {
  return forbidden(
      "This key may not use " + told(model) + ": its policy (models) allows " + listed(*policy.models) + ".",
      "Use a model that is allowed. " + command(key, "--models \"author/slug,author/*\""), "model");
}

}  // namespace

std::string_view name(Feature feature) { return text_of(feature).name; }

std::optional<Feature> feature_named(std::string_view name) {
  const auto at = std::ranges::find(kTexts, name, &FeatureText::name);
  return at == kTexts.end() ? std::nullopt
                            : std::optional(kFeatures.at(static_cast<std::size_t>(at - kTexts.begin())));
}

bool KeyPolicy::allows_route(std::string_view route) const {
  return !routes || std::ranges::find(*routes, route) != routes->end();
}

bool KeyPolicy::allows_model(std::string_view model) const {
  return !models || std::ranges::any_of(
                        *models, [&](const auto& pattern) { return covers(pattern, without_preset(model)); });
}

KeyPolicy changed(KeyPolicy policy, const PolicyChange& change) {
  if (change.routes) policy.routes = *change.routes;
  if (change.models) policy.models = *change.models;
  if (change.requests_per_minute) policy.requests_per_minute = *change.requests_per_minute;
  if (change.tokens_per_minute) policy.tokens_per_minute = *change.tokens_per_minute;
  if (change.concurrency) policy.concurrency = *change.concurrency;
  for (std::size_t i = 0; i < kFeatures.size(); ++i)
    policy.features.at(i) = change.features.at(i).value_or(policy.features.at(i));
  return policy;
}

std::optional<wire::Refusal> why_not(const KeyPolicy& policy, const Asked& asked, std::string_view key) {
  if (!asked.route.empty() && !policy.allows_route(asked.route))
    return forbidden("This key may not use the route " + std::string(asked.route) +
                         ": its policy (routes) allows " + listed(*policy.routes) + ".",
                     "Use a route that is allowed. " + command(key, "--routes NAME,…"), "model");
  const auto allowed = [&](std::string_view model) { return policy.allows_model(model); };
  if (const auto bad = std::ranges::find_if_not(asked.models, allowed); bad != asked.models.end())
    return model_refused(policy, *bad, key);
  if (!asked.chain.empty() && std::ranges::none_of(asked.chain, allowed))
    return forbidden(
        "This key may use none of the models of the route " + std::string(asked.route) +
            ": its policy (models) allows " + listed(*policy.models) + ".",
        "Use a route with a model that is allowed. " + command(key, "--models \"author/slug,author/*\""),
        "model");
  for (const auto feature : kFeatures) {
    if (!asked.features.at(static_cast<std::size_t>(feature)) || policy.allows(feature)) continue;
    const auto& text = text_of(feature);
    return forbidden("This key may not " + std::string(text.what) + ": its policy (" +
                         std::string(text.name) + ") does not allow it.",
                     "Leave it out of the request. " + command(key, "--allow " + std::string(text.name)),
                     text.param);
  }
  return std::nullopt;
}

}  // namespace gantry::access
