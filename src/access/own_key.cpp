#include "access/own_key.hpp"

#include <algorithm>
#include <optional>

#include "access/json_out.hpp"
#include "access/utc_text.hpp"

namespace gantry::access {
namespace {

using spend::Period;

struct Tightest {
  Period period;
  PicoUsd limit, left;
};

PicoUsd sum(PicoUsd a, PicoUsd b) {
  return add(a, b).value_or(PicoUsd{std::numeric_limits<std::int64_t>::max()});
}

// What is leased and not spent is still the key's to spend; what is pending is not.
std::optional<Tightest> tightest(const KeyEntry& entry, const OwnSpending& spending) {
  std::optional<Tightest> out;
  for (const auto period : spend::kPeriods) {
    const auto at = static_cast<std::size_t>(period);
    if (!entry.limits.at(at)) continue;
    const PicoUsd limit = *entry.limits.at(at);
    const auto used = sum(spending.spent.at(at).settled, spending.spent.at(at).pending);
    const PicoUsd left{used >= limit ? 0 : limit.value - used.value};
    if (!out || left < out->left) out = Tightest{period, limit, left};
  }
  return out;
}

void put_usage(JsonOut& json, std::string_view name, const auto& amount_of) {
  json.raw(name, to_decimal(amount_of(Period::total)));
  for (const auto period : {Period::daily, Period::weekly, Period::monthly})
    json.raw(std::string(name) + "_" + std::string(spend::name(period)), to_decimal(amount_of(period)));
}

}  // namespace

Result<OwnSpending> own_spending(ledger::Ledger& ledger, spend::AccountId key, WallTime now) {
  OwnSpending out;
  auto spent = ledger.spent(key);
  if (!spent) return std::unexpected(spent.error());
  out.spent = *spent;
  for (const auto period : spend::kPeriods) {
    const auto begin = std::max(spend::begin_of(spend::window_of(period, now)), WallTime{});
    const auto rows = ledger.usage({.from = begin, .to = now, .by = {}, .key = key});
    if (!rows) return std::unexpected(rows.error());
    auto& cost = out.upstream_cost.at(static_cast<std::size_t>(period));
    for (const auto& row : *rows) cost = sum(cost, row.upstream_cost);
  }
  return out;
}

std::string own_key_json(const KeyEntry& entry, const OwnSpending& spending) {
  const auto limit = tightest(entry, spending);
  std::string out;
  {
    JsonOut json(out);
    json.key("data");
    JsonOut data(out);
    data.text("label", entry.shown);
    data.raw("limit", limit ? to_decimal(limit->limit) : "null");
    data.raw("limit_remaining", limit ? to_decimal(limit->left) : "null");
    const bool resets = limit && limit->period != Period::total;
    data.text_or_null("limit_reset",
                      resets ? std::optional(std::string(spend::name(limit->period))) : std::nullopt);
    data.flag("include_byok_in_limit", false);
    put_usage(data, "usage",
              [&](Period period) { return spending.spent.at(static_cast<std::size_t>(period)).settled; });
    put_usage(data, "byok_usage",
              [&](Period period) { return spending.upstream_cost.at(static_cast<std::size_t>(period)); });
    data.flag("is_free_tier", false);
    data.flag("is_management_key", false);
    data.flag("is_provisioning_key", false);
    data.raw("creator_user_id", "null");
    data.text_or_null("expires_at", entry.expires ? std::optional(utc_text(*entry.expires)) : std::nullopt);
    data.key("rate_limit");
    JsonOut rate(out);
    rate.number("requests", -1);
    rate.text("interval", "1m");
    rate.text("note", "Deprecated; it limits nothing.");
  }
  return out;
}

}  // namespace gantry::access
