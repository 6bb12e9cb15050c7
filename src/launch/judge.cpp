#include "launch/judge.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "config/nearest.hpp"
#include "route/verdict.hpp"
#include "wire/reply.hpp"

namespace gantry::launch {
namespace {

constexpr const char* kStatusPage = "look at https://status.openrouter.ai and try again";
constexpr const char* kKeysPage =
    "create or mend the key at https://openrouter.ai/keys; it starts with sk-or-";

// What a reply that is no success says, with the remedy that fits any check.
void explain(Check& check, const Reply& reply) {
  check.verdict = Verdict::fail;
  if (reply.status == 0) {
    check.evidence = reply.failure;
    check.remedy = "check the network, upstream.base_url and the proxy";
    return;
  }
  const auto error = wire::read_error(reply.status, reply.body);
  check.evidence = fmt::format("{} {}", reply.status, error.message);
  switch (route::judge(error).outcome) {
    case route::Outcome::bad_key:
      check.remedy = kKeysPage;
      break;
    case route::Outcome::out_of_money:
      check.remedy = "add credit at https://openrouter.ai/credits, or raise the key's limit";
      break;
    case route::Outcome::rate_limited:
      check.remedy = "wait a minute and run the checks again";
      break;
    case route::Outcome::model_missing:
      check.remedy = "name a model that exists: https://openrouter.ai/models";
      break;
    case route::Outcome::bad_request:
    case route::Outcome::refused_content:
    case route::Outcome::too_long:
      check.remedy = "try the model by hand; it may not take plain chat";
      break;
    default:
      check.remedy = kStatusPage;
  }
}

struct KeyFacts {
  bool management = false;
  bool free_tier = false;
  bool known_limit = false;     // limit_remaining is a number
  std::string limit_remaining;  // its text, exactly as it came
};

// Null counts as false.
bool is_true(simdjson::ondemand::value value) {
  bool flag = false;
  return !value.get_bool().get(flag) && flag;
}

std::optional<KeyFacts> read_key(std::string_view body) {
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(body);
  simdjson::ondemand::document document;
  simdjson::ondemand::object data;
  if (parser.iterate(padded).get(document) || document["data"].get_object().get(data)) return std::nullopt;
  KeyFacts facts;
  for (auto member : data) {
    std::string_view key;
    simdjson::ondemand::value value;
    if (member.unescaped_key().get(key) || member.value().get(value)) return std::nullopt;
    if (key == "is_management_key" || key == "is_provisioning_key") {
      facts.management = is_true(value) || facts.management;
    } else if (key == "is_free_tier") {
      facts.free_tier = is_true(value);
    } else if (key == "limit_remaining") {
      simdjson::ondemand::json_type type;
      if (value.type().get(type)) return std::nullopt;
      facts.known_limit = type == simdjson::ondemand::json_type::number;
      if (facts.known_limit) facts.limit_remaining = value.raw_json_token();
    }
  }
  while (!facts.limit_remaining.empty() && static_cast<unsigned char>(facts.limit_remaining.back()) <= ' ')
    facts.limit_remaining.pop_back();
  return facts;
}

std::string_view author(std::string_view model) { return model.substr(0, model.find('/')); }
std::string_view slug(std::string_view model) {
  const auto slash = model.find('/');
  return slash == std::string_view::npos ? model : model.substr(slash + 1);
}

Check model_check(Role role, const std::string& model) {
  const bool primary = role == Role::primary;
  return {.id = primary ? "primary" : "fallback",
          .title = (primary ? "Primary " : "Fallback ") + model,
          .model = model};
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

bool answered(const wire::ReplyFacts& facts) {
  if (facts.error) return false;
  const bool used =
      facts.usage &&
      facts.usage->completion_tokens.value_or(0) + facts.usage->reasoning_tokens.value_or(0) > 0;
  return facts.has_content || (facts.finish == wire::FinishReason::length && used);
}

void judge_answer(Check& check, const Reply& reply) {
  wire::ReplyScanner scanner;
  const auto facts = scanner.reply(reply.body);
  if (!facts) {
    check.verdict = Verdict::fail, check.evidence = "200 with a body that is no answer",
    check.remedy = kStatusPage;
    return;
  }
  if (facts->usage) check.cost = facts->usage->cost;
  if (answered(*facts)) {
    check.verdict = Verdict::pass;
    check.evidence =
        facts->model.empty() || facts->model == check.model ? "answered" : "answered as " + facts->model;
    return;
  }
  check.verdict = Verdict::fail;
  check.evidence = facts->error ? "200 with an error: " + facts->error->message : "200 with an empty answer";
  check.remedy = kStatusPage;
}

}  // namespace

Check judge_api(const Reply& models) {
  Check check{.id = "api", .title = "API reachable", .latency = models.took};
  if (models.status != 200) {
    explain(check, models);
    return check;
  }
  const auto count = model_ids(models.body).size();
  if (count == 0) {
    check.verdict = Verdict::fail, check.evidence = "200 with a body that is no models list";
    check.remedy = "check that upstream.base_url ends in /api/v1";
    return check;
  }
  check.verdict = Verdict::pass, check.evidence = fmt::format("{} models", count);
  return check;
}

std::vector<std::string> model_ids(std::string_view models_body) {
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(models_body);
  simdjson::ondemand::document document;
  simdjson::ondemand::array data;
  std::vector<std::string> ids;
  if (parser.iterate(padded).get(document) || document["data"].get_array().get(data)) return ids;
  for (auto model : data) {
    std::string_view id;
    if (model["id"].get_string().get(id)) return ids;
    ids.emplace_back(id);
  }
  return ids;
}

Check judge_key(const Reply& key) {
  Check check{.id = "key", .title = "Key valid", .latency = key.took};
  if (key.status != 200) {
    explain(check, key);
    return check;
  }
  const auto facts = read_key(key.body);
  if (!facts) {
    check.verdict = Verdict::fail, check.evidence = "200 with a body that describes no key";
    check.remedy = "check that upstream.base_url ends in /api/v1";
  } else if (facts->management) {
    check.verdict = Verdict::fail, check.evidence = "a management key, which cannot call models";
    check.remedy = "create an ordinary key at https://openrouter.ai/keys";
  } else {
    check.verdict = Verdict::pass,
    check.evidence = facts->free_tier ? "accepted (no credit bought yet)" : "accepted";
  }
  return check;
}

Check judge_credit(const Reply& key, const std::string& minimum_usd) {
  Check check{.id = "credit", .title = "Credit left"};
  const auto facts = key.status == 200 ? read_key(key.body) : std::nullopt;
  if (!facts) {
    check.evidence = "the key could not be looked at";
    return check;
  }
  if (!facts->known_limit) {
    check.verdict = Verdict::warn, check.evidence = "the key has no limit, so its balance is not visible";
    check.remedy = "give the key a credit limit at https://openrouter.ai/keys, and look at the balance there";
    return check;
  }
  const auto left = parse_usd(facts->limit_remaining), minimum = parse_usd(minimum_usd);
  if (!left || !minimum) {
    check.verdict = Verdict::fail, check.evidence = "the amount left cannot be read",
    check.remedy = kStatusPage;
    return check;
  }
  check.verdict = *left > *minimum ? Verdict::pass : Verdict::fail;
  check.evidence = fmt::format("${} left, more than ${} wanted", to_decimal(*left), to_decimal(*minimum));
  if (check.verdict == Verdict::fail)
    check.remedy = "add credit or raise the key's limit, or lower verify.min_credit";
  return check;
}

Check judge_model(Role role, const std::string& model, const Reply& reply,
                  const std::vector<std::string>& living) {
  auto check = model_check(role, model);
  check.latency = reply.took;
  if (reply.status == 200) {
    judge_answer(check, reply);
    return check;
  }
  explain(check, reply);
  const bool gone = reply.status != 0 && route::judge(wire::read_error(reply.status, reply.body)).outcome ==
                                             route::Outcome::model_missing;
  if (gone && !living.empty())
    check.remedy = "it is gone; its closest living relatives: " + joined(relatives(model, living, 3));
  return check;
}

Check skipped_model(Role role, const std::string& model, std::string why) {
  auto check = model_check(role, model);
  check.evidence = std::move(why);
  return check;
}

bool refuses_few_tokens(const Reply& reply) {
  if (reply.status != 400 && reply.status != 422) return false;
  return route::judge(wire::read_error(reply.status, reply.body)).outcome == route::Outcome::bad_request;
}

std::vector<std::string> relatives(std::string_view model, const std::vector<std::string>& living,
                                   std::size_t most) {
  std::vector<std::string> out;
  for (const auto& id : living)
    if (id != model) out.push_back(id);
  const auto rank = [&](const std::string& id) {
    return std::tuple(author(id) != author(model), config::edit_distance(slug(id), slug(model)),
                      std::string_view(id));
  };
  std::ranges::sort(out, {}, rank);
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace gantry::launch
