#include "access/admin_desk.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "access/ids.hpp"
#include "access/utc_text.hpp"

namespace gantry::access {
namespace {

AdminReply error_reply(wire::ErrorBody error) {
  return {.status = error.code, .body = wire::error_json(error)};
}

}  // namespace

AdminReply refused(const Problems& problems) {
  const auto& all = problems.all();
  std::string message;
  for (const auto& problem : all)
    message += (message.empty() ? "" : "; ") + problem.field + " " + problem.message;
  return error_reply({.code = 400,
                      .message = message + ".",
                      .error_type = "invalid_request",
                      .remedy = "Nothing was changed. Correct what is named and send it again; GET "
                                "/admin/v1/openapi.yaml describes every field.",
                      .param = all.empty() ? "" : all.front().field,
                      .problems = all});
}

AdminReply not_found(std::string message, std::string remedy) {
  return error_reply(
      {.code = 404, .message = std::move(message), .error_type = "not_found", .remedy = std::move(remedy)});
}

AdminReply conflict(std::string message, std::string remedy) {
  return error_reply({.code = 409,
                      .message = std::move(message),
                      .error_type = "invalid_request",
                      .remedy = std::move(remedy)});
}

AdminReply failed(const Failure& failure) {
  const auto why = failure.detail.empty() ? std::string(name(failure.fault)) : failure.detail;
  if (failure.fault == Fault::not_found)
    return not_found("There is no such account: " + why + ".", "GET /admin/v1/accounts lists them.");
  if (failure.fault == Fault::bad_input)
    return conflict("The ledger refused it: " + why + ".", "Look at how things are now, and send it again.");
  return error_reply(
      {.code = 503,
       .message = "The ledger cannot be used: " + why + ".",
       .error_type = "provider_unavailable",
       .remedy = "Look at the gateway's log and at where the ledger is kept, then try again."});
}

Body::Body(std::string_view text, Problems& problems) : text_(text) {
  if (text_.find_first_not_of(" \t\r\n") == std::string::npos) text_ = "{}";
  const auto error = index_.parse(text_);
  good_ = !error;
  if (error)
    problems.add("body",
                 "is not JSON: " + std::string(error->what) +
                     (error->at == wire::JsonError::kNowhere ? "" : " at byte " + std::to_string(error->at)));
}

std::vector<Field> Body::members(std::span<const std::string_view> known, Problems& problems) const {
  if (!good_) return {};
  if (index_.root().is_object()) return access::members({"", index_.root()}, known, problems);
  problems.add("body", "must be an object");
  return {};
}

Format read_format(const Query& query, const std::string& accept, Problems& problems) {
  const auto format = query.get("format");
  if (!format) return accept.contains("text/csv") ? Format::csv : Format::json;
  if (*format == "csv") return Format::csv;
  if (*format != "json") problems.add("format", "must be json or csv");
  return Format::json;
}

const ledger::Account* find_project(const ledger::Directory& directory, std::string_view text) {
  const auto id = id_of(spend::AccountKind::project, text);
  const auto at = std::ranges::find_if(directory.accounts, [&](const ledger::Account& account) {
    return account.kind == spend::AccountKind::project && (id ? account.id == *id : account.name == text);
  });
  return at == directory.accounts.end() ? nullptr : &*at;
}

const ledger::Account* find_account(const ledger::Directory& directory, spend::AccountId id) {
  const auto at = std::ranges::find(directory.accounts, id, &ledger::Account::id);
  return at == directory.accounts.end() ? nullptr : &*at;
}

const ledger::ClientKey* find_key(const ledger::Directory& directory, std::string_view id) {
  const auto number = id_of(spend::AccountKind::key, id);
  const auto at = std::ranges::find_if(
      directory.keys, [&](const ledger::ClientKey& key) { return number && key.account.id == *number; });
  return at == directory.keys.end() ? nullptr : &*at;
}

bool is_keyless(const ledger::ClientKey& key) { return key.account.id == ledger::kKeyless; }

void check_name(const ledger::Directory& directory, const ledger::Account& account, Problems& problems) {
  if (has_form_of_id(account.name) || account.name == "-")
    return problems.add("name", "must not be \"-\" or look like an id (organisation, project_3, key_12)");
  const auto taken = [&](const ledger::Account& other) {
    return other.kind == account.kind && other.parent == account.parent && other.id != account.id &&
           other.name == account.name;
  };
  const bool is_taken = account.kind == spend::AccountKind::key
                            ? std::ranges::any_of(directory.keys, taken, &ledger::ClientKey::account)
                            : std::ranges::any_of(directory.accounts, taken);
  if (!is_taken) return;
  problems.add("name", account.kind == spend::AccountKind::key ? "is taken by another key of the project"
                                                               : "is taken by another project");
}

spend::Limits limits_of(const SaidLimits& limits) {
  spend::Limits out{};
  for (std::size_t i = 0; i < out.size(); ++i) out.at(i) = limits.at(i).value_or(std::nullopt);
  return out;
}

PicoUsd minus(PicoUsd a, PicoUsd b) {
  using Bounds = std::numeric_limits<std::int64_t>;
  PicoUsd out;
  if (__builtin_sub_overflow(a.value, b.value, &out.value))
    out.value = b.value > 0 ? Bounds::min() : Bounds::max();
  return out;
}

void put_limits(JsonOut& json, std::string& out, const spend::Limits& limits) {
  json.key("limits");
  JsonOut object(out);
  for (const auto period : spend::kPeriods)
    object.money_or_null(spend::name(period), limits.at(static_cast<std::size_t>(period)));
}

void put_windows(JsonOut& json, std::string& out, const std::array<ledger::Spent, spend::kPeriodCount>& spent,
                 WallTime now) {
  json.key("windows");
  JsonOut object(out);
  for (const auto period : spend::kPeriods) {
    const auto& one = spent.at(static_cast<std::size_t>(period));
    const auto window = spend::window_of(period, now);
    const bool ends = period != spend::Period::total;
    object.key(spend::name(period));
    JsonOut figures(out);
    figures.money("settled", one.settled);
    figures.money("pending", one.pending);
    figures.money("leased", one.leased);
    figures.money("overshoot", one.overshoot);
    figures.money_or_null("limit", one.limit);
    const auto left = [&] { return minus(minus(minus(*one.limit, one.settled), one.pending), one.leased); };
    figures.money_or_null("remaining", one.limit ? std::optional(left()) : std::nullopt);
    figures.text_or_null("begins_at", ends ? std::optional(utc_text(spend::begin_of(window))) : std::nullopt);
    figures.text_or_null("resets_at", ends ? std::optional(utc_text(spend::end_of(window))) : std::nullopt);
  }
}

}  // namespace gantry::access
