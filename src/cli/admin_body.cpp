#include "cli/admin_body.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>

#include "access/key_policy.hpp"
#include "access/utc_text.hpp"
#include "base/json_string.hpp"
#include "base/time.hpp"
#include "config/units.hpp"

namespace gantry::cli {
namespace {

std::string literal(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

// Money as in the configuration, or a bare decimal, which the other side reads.
std::string money_json(const std::string& text) {
  if (text == "none") return "null";
  const auto money = config::parse_money(text);
  return literal(money ? *money : text);
}

std::string words_json(const std::string& text) {
  if (text == "all") return "null";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    if (end > at) out += (out.empty() ? "" : ",") + literal(text.substr(at, end - at));
    at = end + 1;
  }
  return "[" + out + "]";
}

std::string rate_json(const std::string& text) {
  if (text == "none") return "null";
  const bool digits =
      !text.empty() && text.size() <= 15 && text.find_first_not_of("0123456789") == std::string::npos;
  const auto significant = std::min(text.find_first_not_of('0'), text.size() - 1);
  return digits ? text.substr(significant) : literal(text);
}

std::string joined(const std::vector<std::string>& members) {
  std::string out;
  for (const auto& member : members) out += (out.empty() ? "" : ",") + member;
  return "{" + out + "}";
}

std::string moment_json(const std::string& text) {
  if (text == "never") return "null";
  if (const auto day = access::parse_day(text))
    return literal(access::utc_text(*day + std::chrono::days{1} - std::chrono::seconds{1}));
  if (const auto seconds = seconds_in(text))
    return literal(access::utc_text(SystemTime().wall() + std::chrono::seconds{*seconds}));
  return literal(text);
}

}  // namespace

std::optional<long long> seconds_in(const std::string& text) {
  constexpr long long kMostDays = 36500;
  const auto count = text.substr(0, text.size() - std::min<std::size_t>(text.size(), 1));
  const bool days = text.ends_with('d') && !count.empty() && count.size() <= 5 &&
                    count.find_first_not_of("0123456789") == std::string::npos;
  if (days) return std::min(std::stoll(count), kMostDays) * 86400;
  const auto duration = config::parse_duration(text);
  if (!duration) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
}

void LimitFlags::add_to(CLI::App& command) {
  const auto add = [&](const char* flag, std::optional<std::string>& to, const char* window) {
    command.add_option(flag, to, std::string("The most that may be spent ") + window + ": \"$10\", or none")
        ->type_name("MONEY");
  };
  add("--daily", daily, "a UTC day");
  add("--weekly", weekly, "a week, from Monday");
  add("--monthly", monthly, "a month");
  add("--total", total, "in all");
}

void PolicyFlags::add_to(CLI::App& command) {
  command.add_option("--routes", routes, "Routes that may be asked for, with commas, or all")
      ->type_name("NAMES");
  command
      .add_option("--models", models,
                  "Models that may answer: ids, author/*, upstream:*, with commas, or all")
      ->type_name("IDS");
  command.add_option("--rpm", requests_per_minute, "Requests a minute, or none")->type_name("N");
  command.add_option("--tpm", tokens_per_minute, "Tokens a minute, or none")->type_name("N");
  command.add_option("--concurrency", concurrency, "Calls at one time, or none")->type_name("N");
  std::vector<std::string> features;
  for (const auto feature : access::kFeatures) features.emplace_back(access::name(feature));
  command
      .add_option("--allow", allow,
                  "plugins, server_tools, presets, debug, response_cache: all off in a new key")
      ->type_name("FEATURE")
      ->delimiter(',')
      ->check(CLI::IsMember(features));
  command.add_option("--deny", deny, "The same, turned off")
      ->type_name("FEATURE")
      ->delimiter(',')
      ->check(CLI::IsMember(features));
}

bool PolicyFlags::any() const {
  return routes || models || requests_per_minute || tokens_per_minute || concurrency || !allow.empty() ||
         !deny.empty();
}

void AdminBody::raw(std::string_view name, std::string_view json) {
  if (!members_.empty()) members_ += ',';
  append_quoted(members_, name);
  members_.append(":").append(json);
}

void AdminBody::text(std::string_view name, const std::optional<std::string>& value) {
  if (value) raw(name, literal(*value));
}
void AdminBody::flag(std::string_view name, const std::optional<bool>& value) {
  if (value) raw(name, *value ? "true" : "false");
}
void AdminBody::number(std::string_view name, long long value) { raw(name, std::to_string(value)); }

void AdminBody::limits(const LimitFlags& flags) {
  std::vector<std::string> members;
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value) members.push_back(literal(name) + ":" + money_json(*value));
  };
  add("daily", flags.daily);
  add("weekly", flags.weekly);
  add("monthly", flags.monthly);
  add("total", flags.total);
  if (!members.empty()) raw("limits", joined(members));
}

void AdminBody::policy(const PolicyFlags& flags) {
  std::vector<std::string> members;
  const auto add = [&](const std::string& name, const std::optional<std::string>& value,
                       const auto& as_json) {
    if (value) members.push_back(literal(name) + ":" + as_json(*value));
  };
  add("routes", flags.routes, words_json);
  add("models", flags.models, words_json);
  add("requests_per_minute", flags.requests_per_minute, rate_json);
  add("tokens_per_minute", flags.tokens_per_minute, rate_json);
  add("concurrency", flags.concurrency, rate_json);
  for (const auto& name : flags.allow) members.push_back(literal(name) + ":true");
  for (const auto& name : flags.deny) members.push_back(literal(name) + ":false");
  if (!members.empty()) raw("policy", joined(members));
}

void AdminBody::expires(const std::optional<std::string>& value) {
  if (value) raw("expires_at", moment_json(*value));
}

}  // namespace gantry::cli
