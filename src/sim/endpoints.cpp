// GET below /api/v1: models and their endpoints, providers, the key, credit, generations.

#include <fmt/format.h>

#include "base/secret.hpp"
#include "sim/asked.hpp"
#include "sim/listings.hpp"

namespace gantry::sim {
namespace {

constexpr std::string_view kKnownPaths =
    "POST /chat/completions, POST /completions, GET /models, /models/count, /models/user, "
    "/model/{author}/{slug}, "
    "/models/{author}/{slug}/endpoints, /providers, /key, /auth/key, /credits, /generation?id=, and with a "
    "management key /keys, /keys/{hash}";

Reply models(const Asked& asked) {
  auto query = parse_model_query(asked.head.query);
  query.odd = asked.faults.has(FaultKind::odd_models);
  return ok(models_json(asked.world.catalogue, query, asked.world.time.wall()));
}

Reply no_model(std::string_view id) {
  return failed(simple_error(404, fmt::format("Model {} does not exist", id)));
}

Reply one_model(const Asked& asked, std::string_view id) {
  const auto* model = asked.world.catalogue.find(percent_decode(id));
  return model ? ok(model_json(*model, asked.world.time.wall())) : no_model(id);
}

Reply endpoints(const Asked& asked, std::string_view id) {
  const auto* model = asked.world.catalogue.find(percent_decode(id));
  if (!model) return no_model(id);
  return ok(endpoints_json(*model, !asked.key.empty() && !asked.bad_key(), asked.world.time.wall()));
}

Reply key_info(const Asked& asked) {
  if (auto error = asked.bad_key()) return failed(std::move(*error), asked.faults);
  const auto managed = asked.world.keys.with_text(asked.key);
  return ok(key_json({.label = Secret::mask(asked.key),
                      .usage = asked.world.usage(asked.key, asked.world.time.wall()),
                      .terms = asked.world.terms(asked.key),
                      .expires_at = managed && managed->expires ? iso_time(*managed->expires) : "",
                      .management = is_management(asked.key),
                      .credit = asked.faults.text(FaultKind::credit)}));
}

Reply credits(const Asked& asked) {
  if (auto error = asked.bad_management_key()) return failed(std::move(*error), asked.faults);
  constexpr std::string_view kBought = "1000";
  return ok(fmt::format(R"({{"data":{{"total_credits":{},"total_usage":{}}}}})", kBought,
                        to_decimal(asked.world.accounts.total())));
}

Reply generation(const Asked& asked) {
  if (auto error = asked.bad_key()) return failed(std::move(*error), asked.faults);
  const auto id = query_value(asked.head.query, "id").value_or("");
  if (id.empty()) return failed(simple_error(400, "id: the query must name a generation"));
  const auto found = asked.world.generations.find(id, asked.key, asked.world.time.mono());
  if (!found) return failed(simple_error(404, fmt::format("Generation {} not found", id)));
  return ok(generation_json(*found));
}

}  // namespace

Reply unknown_path(const Asked& asked) {
  return failed(simple_error(404, fmt::format("{} {} does not exist; what exists below /api/v1: {}",
                                              asked.head.method, asked.head.path, kKnownPaths)));
}

Reply answer_get(const Asked& asked) {
  const auto p = asked.path;
  if (p == "/models") return models(asked);
  if (p == "/models/count") return ok(count_json(asked.world.catalogue, parse_model_query(asked.head.query)));
  if (p == "/models/user") {
    if (auto error = asked.bad_key()) return failed(std::move(*error), asked.faults);
    return models(asked);
  }
  if (p == "/providers") return ok(providers_json(asked.world.catalogue));
  if (p == "/key" || p == "/auth/key") return key_info(asked);
  if (p == "/credits") return credits(asked);
  if (p == "/generation") return generation(asked);
  constexpr std::string_view kOne = "/model/", kMany = "/models/", kEndpoints = "/endpoints";
  if (p.starts_with(kOne)) return one_model(asked, p.substr(kOne.size()));
  if (p.starts_with(kMany) && p.ends_with(kEndpoints) && p.size() > kMany.size() + kEndpoints.size())
    return endpoints(asked, p.substr(kMany.size(), p.size() - kMany.size() - kEndpoints.size()));
  return unknown_path(asked);
}

}  // namespace gantry::sim
