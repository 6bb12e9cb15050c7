#include "engine/admit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wire/decimal.hpp"
#include "wire/portable.hpp"
#include "wire/shown_text.hpp"

namespace gantry::engine {
namespace {

using Chain = std::vector<std::string_view>;

const config::Route& default_route(const config::Config& config) { return config.routes.at("default"); }

wire::Refusal unknown_model(const std::string& model, const config::Config& config) {
  std::string routes;
  for (const auto& [name, route] : config.routes) routes += (routes.empty() ? "" : ", ") + name;
  return {.message = fmt::format("The model \"{}\" is neither a model id nor a route.",
                                 wire::shown_text(model, 120)),
          .remedy = fmt::format(
              "Write the id with its provider prefix, as in openai/gpt-4.1, or name a route of this "
              "gateway: {}. GET /api/v1/models lists the ids.",
              routes),
          .param = "model"};
}

// The model that was named, then the default route's others (the checklist's fallbacks).
Chain with_fallbacks(std::string_view model, const config::Route& route) {
  Chain chain;
  chain.reserve(1 + route.models.size());
  chain.push_back(model);
  for (const auto& each : route.models)
    if (each != model) chain.push_back(each);
  return chain;
}

// ---- a client that lists its own models has chosen: its list takes the place of our fallbacks

// In the client's order, each model once; `model` is "" when it named none.
Chain clients_chain(std::string_view model, const std::vector<std::string>& models) {
  Chain chain;
  if (!model.empty()) chain.push_back(model);
  for (const auto& each : models)
    if (std::ranges::find(chain, each) == chain.end()) chain.emplace_back(each);
  return chain;
}

std::optional<wire::Refusal> check_clients_models(const std::vector<std::string>& models) {
  if (models.size() > kMaxClientModels) {
    return wire::Refusal{
        .message =
            fmt::format("models names {} models; at most {} are asked.", models.size(), kMaxClientModels),
        .remedy = "Send a shorter list, or leave models out for the gateway's own fallbacks.",
        .param = "models"};
  }
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (wire::is_model_id(models[i])) continue;
    return wire::Refusal{
        .message = fmt::format("models[{}] is not a model id: \"{}\".", i, wire::shown_text(models[i], 120)),
        .remedy =
            "Write each id with its provider prefix, as in openai/gpt-4.1. GET /api/v1/models lists them.",
        .param = "models"};
  }
  return std::nullopt;
}

// ---- who fails over

bool of_other_upstream(std::string_view model) { return !config::split_chain_name(model).upstream.empty(); }

// OpenRouter's own failover takes what lies behind the first of its models.
void hand_over(Admission& out, config::Fallback who) {
  if (who == config::Fallback::gantry) return;
  const auto ours = std::ranges::find_if_not(out.chain, of_other_upstream);
  if (ours == out.chain.end()) return;
  out.carrier = static_cast<std::size_t>(ours - out.chain.begin());
  std::copy_if(ours + 1, out.chain.end(), std::back_inserter(out.upstream_chain),
               [](std::string_view each) { return !of_other_upstream(each); });
  if (who == config::Fallback::both) return;
  const auto rest = std::remove_if(ours + 1, out.chain.end(),
                                   [](std::string_view each) { return !of_other_upstream(each); });
  out.chain.erase(rest, out.chain.end());
}

std::optional<wire::Refusal> choose_chain(Admission& out, const wire::RequestFacts& facts,
                                          const config::Config& config, bool alone) {
  const bool named = out.route_name != "-";  // the route was, or nothing
  const auto who = out.route->fallback;
  if (!facts.models.empty()) {
    const auto first = !facts.model ? std::string_view{} : named ? out.route->models.front() : *facts.model;
    out.models_as_sent = who == config::Fallback::openrouter;
    if (out.models_as_sent) {
      out.chain = {first};
      return std::nullopt;
    }
    if (auto refusal = check_clients_models(facts.models)) return refusal;
    out.chain = clients_chain(first, facts.models);
  } else if (named) {
    out.chain.assign(out.route->models.begin(), out.route->models.end());
  } else {
    out.chain = config.fallback_for_plain_ids && !alone ? with_fallbacks(*facts.model, *out.route)
                                                        : Chain{*facts.model};
  }
  if (alone && out.chain.size() > 1) out.chain.resize(1);
  hand_over(out, who);
  return std::nullopt;
}

// ---- providers

bool has_demands(const config::ProviderRules& rules) {
  return rules.zdr || rules.data_collection == config::DataCollection::deny || !rules.only.empty() ||
         !rules.ignore.empty() || !rules.max_price_prompt.empty() || !rules.max_price_completion.empty();
}

wire::ProviderPolicy policy_of(const config::Route& route) {
  const auto& rules = route.provider;
  return {.route = route.name,
          .zdr = rules.zdr,
          .deny_data_collection = rules.data_collection == config::DataCollection::deny,
          .only = rules.only,
          .ignore = rules.ignore,
          .max_price_prompt = rules.max_price_prompt,
          .max_price_completion = rules.max_price_completion};
}

// The dearest that an endpoint may be: what the route allows, and what the bound of the call rests on.
wire::ProviderPolicy capped(wire::ProviderPolicy policy, const spend::PriceCap* cap) {
  if (!cap) return policy;
  const auto lower = [](std::string_view& limit, std::string_view other) {
    const auto order = wire::compare_decimals(other, limit);
    if (limit.empty() || (order && *order < 0)) limit = other;
  };
  lower(policy.max_price_prompt, cap->prompt);
  lower(policy.max_price_completion, cap->completion);
  return policy;
}

std::string_view provider_of(std::string_view body, const wire::RequestFacts& facts) {
  const auto& at = facts.provider_value;
  return at ? body.substr(at->begin, at->end - at->begin) : std::string_view{};
}

std::optional<wire::Refusal> apply_policy(Admission& out, std::string_view body,
                                          const wire::RequestFacts& facts) {
  if (!facts.provider_value && !has_demands(out.route->provider)) return std::nullopt;
  auto merged = wire::merge_provider(provider_of(body, facts), policy_of(*out.route), {});
  if (!merged) return std::move(merged.error());
  out.provider = std::move(merged->object);
  out.demands = merged->demands;
  return std::nullopt;
}

}  // namespace

std::expected<Admission, wire::Refusal> admit(std::string_view body, const wire::RequestFacts& facts,
                                              const config::Config& config,
                                              std::optional<std::string_view> fallback) {
  Admission out;
  out.route = &default_route(config);
  out.route_name = facts.model ? "-" : "default";
  if (facts.model) {
    out.asked = *facts.model;
    const auto named = config.routes.find(*facts.model);
    if (named != config.routes.end()) {
      out.route = &named->second;
      out.route_name = named->first;
    } else if (!wire::is_model_id(*facts.model)) {
      return std::unexpected(unknown_model(*facts.model, config));
    }
  }
  const bool alone = fallback && *fallback == "none";
  if (auto refusal = choose_chain(out, facts, config, alone)) return std::unexpected(std::move(*refusal));
  if (auto refusal = wire::check_prompt_limit(facts.prompt, out.route->max_prompt))
    return std::unexpected(std::move(*refusal));
  if (auto refusal = apply_policy(out, body, facts)) return std::unexpected(std::move(*refusal));
  return out;
}

namespace {

// Of two limits of which 0 is none.
std::int64_t lower_of(std::int64_t a, std::int64_t b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

// The edits of one attempt. New members go to the front of the object, in one piece.
class Editing {
 public:
  Editing(wire::Splice& body, const wire::RequestFacts& facts, const Admission& admission)
      : body_(body), facts_(facts), admission_(admission) {}

  void model(std::string_view model) {
    if (model.empty() || model == facts_.model.value_or("")) return;
    set("model", facts_.model_value, wire::json_quote(model));
  }
  void models(const Asking& asking);
  void provider(std::string_view model, const Asking& asking);
  void space(std::string_view space, std::string_view model) {
    if (space.empty()) return;
    const auto put = [&](const auto& value) {
      if (value) body_.insert(value->begin + 1, std::string(space) + ":");
    };
    put(facts_.user_value);
    if (!of_other_upstream(model)) put(facts_.session_value);  // elsewhere it is left out
  }
  void limit(std::string_view field, std::int64_t most_tokens);
  void temperature() {
    const auto& wanted = admission_.route->temperature;
    if (wanted && !facts_.has_temperature) insert("temperature", fmt::format("{}", *wanted));
  }
  void finish() {
    if (members_.empty()) return;
    if (facts_.object_empty) members_.pop_back();
    body_.insert(facts_.insert_at, std::move(members_));
  }

 private:
  void insert(std::string_view name, std::string_view value) {
    members_.append("\"").append(name).append("\":").append(value).append(",");
  }
  void set(std::string_view name, const std::optional<wire::ByteRange>& at, std::string value) {
    if (at) return body_.replace(*at, std::move(value));
    insert(name, value);
  }
  void clamp(std::optional<std::int64_t> given, std::optional<wire::ByteRange> at, std::int64_t ceiling) {
    if (given && at && ceiling > 0 && *given > ceiling) body_.replace(*at, std::to_string(ceiling));
  }

  wire::Splice& body_;
  const wire::RequestFacts& facts_;
  const Admission& admission_;
  std::string members_;
};

void Editing::models(const Asking& asking) {
  if (facts_.models.empty() && admission_.upstream_chain.empty()) return;
  const bool carries = asking.candidate == admission_.carrier &&
                       (admission_.route->fallback == config::Fallback::openrouter || !asking.again);
  if (carries && admission_.models_as_sent) return;
  const auto wanted = carries ? std::span(admission_.upstream_chain) : std::span<const std::string_view>{};
  if (std::ranges::equal(wanted, facts_.models)) return;
  if (wanted.empty()) return body_.replace(wire::member_around(body_.body(), *facts_.models_value), {});
  std::string list;
  for (const auto each : wanted) list.append(list.empty() ? "[" : ",").append(wire::json_quote(each));
  set("models", facts_.models_value, list + "]");
}

void Editing::provider(std::string_view model, const Asking& asking) {
  const auto avoid = asking.avoid;
  if (!admission_.provider && avoid.empty() && !asking.price_cap) return;
  auto object = admission_.provider;
  const auto sent = provider_of(body_.body(), facts_);
  // A preset may hold a provider object of its own, which one that we put in would replace (CONTRACT §3.4).
  const bool by_preset =
      !object && (sent.empty() || sent == "null") && (facts_.has_preset || model.contains("@preset/"));
  // A call under a budget names no preset, so its prices are never put over one's provider object.
  if ((!avoid.empty() && !by_preset) || asking.price_cap) {
    auto merged = wire::merge_provider(sent, capped(policy_of(*admission_.route), asking.price_cap), avoid);
    if (merged) object = std::move(merged->object);
  }
  if (object) set("provider", facts_.provider_value, std::move(*object));
}

void Editing::limit(std::string_view field, std::int64_t most_tokens) {
  const auto& route = *admission_.route;
  const std::int64_t ceiling = lower_of(route.max_tokens_ceiling, most_tokens);
  const std::int64_t wanted = lower_of(route.max_tokens, ceiling);
  if (facts_.max_tokens || facts_.max_completion_tokens) {
    clamp(facts_.max_tokens, facts_.max_tokens_value, ceiling);
    clamp(facts_.max_completion_tokens, facts_.max_completion_tokens_value, ceiling);
  } else if (facts_.max_tokens_value) {  // an explicit null counts as absent
    body_.replace(*facts_.max_tokens_value, std::to_string(wanted));
  } else if (facts_.max_completion_tokens_value) {
    body_.replace(*facts_.max_completion_tokens_value, std::to_string(wanted));
  } else {
    insert(field, std::to_string(wanted));
  }
}

}  // namespace

std::int64_t sent_limit(const wire::RequestFacts& facts, const config::Route& route,
                        std::int64_t most_tokens) {
  const std::int64_t given = std::max(facts.max_tokens.value_or(0), facts.max_completion_tokens.value_or(0));
  return lower_of(given == 0 ? route.max_tokens : given, lower_of(route.max_tokens_ceiling, most_tokens));
}

void edit(wire::Splice& body, const wire::RequestFacts& facts, const Admission& admission,
          const wire::Dialect& dialect, const Asking& asking) {
  const std::string_view model = admission.chain[asking.candidate];
  Editing editing(body, facts, admission);
  editing.model(asking.as.empty() ? model : asking.as);
  if (of_other_upstream(model)) {
    wire::make_portable(body, facts.insert_at, facts.stream ? wire::AsStream::yes : wire::AsStream::no);
  } else {
    editing.models(asking);
    editing.provider(model, asking);
  }
  editing.space(asking.space, model);
  editing.limit(dialect.max_tokens_field, asking.most_tokens);
  editing.temperature();
  editing.finish();
}

}  // namespace gantry::engine
