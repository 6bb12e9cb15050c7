#include "engine/admit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/shown_text.hpp"

namespace gantry::engine {
namespace {

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

std::vector<std::string_view> views_of(const std::vector<std::string>& models) {
  return {models.begin(), models.end()};
}

// The model that was named, then the default route's others (the checklist's fallbacks).
std::vector<std::string_view> with_fallbacks(std::string_view model, const config::Route& route) {
  std::vector<std::string_view> chain;
  chain.reserve(1 + route.models.size());
  chain.push_back(model);
  for (const auto& each : route.models)
    if (each != model) chain.push_back(each);
  return chain;
}

}  // namespace

std::expected<Admission, wire::Refusal> admit(const wire::RequestFacts& facts, const config::Config& config,
                                              std::optional<std::string_view> fallback) {
  Admission out{.route = &default_route(config), .route_name = "-", .chain = {}, .asked = {}};
  if (facts.model) out.asked = *facts.model;
  const bool alone = fallback && *fallback == "none";
  if (!facts.model) {
    out.route_name = "default";
    // A client that lists its own models[] has chosen; upstream tries them in their order.
    out.chain = facts.models.empty() ? views_of(out.route->models) : std::vector<std::string_view>{""};
  } else if (const auto named = config.routes.find(*facts.model); named != config.routes.end()) {
    out.route = &named->second;
    out.route_name = named->first;
    out.chain = views_of(named->second.models);
  } else if (wire::is_model_id(*facts.model)) {
    const bool extend = config.fallback_for_plain_ids && !alone && facts.models.empty();
    out.chain =
        extend ? with_fallbacks(*facts.model, *out.route) : std::vector<std::string_view>{*facts.model};
  } else {
    return std::unexpected(unknown_model(*facts.model, config));
  }
  if (alone && out.chain.size() > 1) out.chain.resize(1);
  if (auto refusal = wire::check_prompt_limit(facts.prompt, out.route->max_prompt))
    return std::unexpected(std::move(*refusal));
  return out;
}

namespace {

void limit_tokens(wire::Splice& body, std::optional<std::int64_t> given, std::optional<wire::ByteRange> at,
                  std::int64_t ceiling) {
  if (given && at && ceiling > 0 && *given > ceiling) body.replace(*at, std::to_string(ceiling));
}

}  // namespace

void edit(wire::Splice& body, const wire::RequestFacts& facts, const config::Route& route,
          const wire::Dialect& dialect, std::string_view model) {
  std::string members;  // new ones go to the front of the object, in one piece
  const auto insert = [&members](std::string_view name, std::string_view value) {
    members.append("\"").append(name).append("\":").append(value).append(",");
  };
  if (!model.empty() && model != facts.model.value_or("")) {
    if (facts.model_value) {
      body.replace(*facts.model_value, wire::json_quote(model));
    } else {
      insert("model", wire::json_quote(model));
    }
  }
  const std::int64_t ceiling = route.max_tokens_ceiling;
  const std::int64_t wanted = ceiling > 0 ? std::min(route.max_tokens, ceiling) : route.max_tokens;
  if (facts.max_tokens || facts.max_completion_tokens) {
    limit_tokens(body, facts.max_tokens, facts.max_tokens_value, ceiling);
    limit_tokens(body, facts.max_completion_tokens, facts.max_completion_tokens_value, ceiling);
  } else if (facts.max_tokens_value) {  // an explicit null counts as absent
    body.replace(*facts.max_tokens_value, std::to_string(wanted));
  } else if (facts.max_completion_tokens_value) {
    body.replace(*facts.max_completion_tokens_value, std::to_string(wanted));
  } else {
    insert(dialect.max_tokens_field, std::to_string(wanted));
  }
  if (route.temperature && !facts.has_temperature)
    insert("temperature", fmt::format("{}", *route.temperature));
  if (members.empty()) return;
  if (facts.object_empty) members.pop_back();
  body.insert(facts.insert_at, std::move(members));
}

}  // namespace gantry::engine
