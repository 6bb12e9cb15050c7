#include "gateway/burn_watch.hpp"

#include <chrono>
#include <utility>

#include "spend/alerts.hpp"

namespace gantry::gateway {
namespace {

constexpr Duration kKept = std::chrono::days{8};  // a week, and room for clocks that differ

}  // namespace

void BurnWatch::look(ledger::Ledger& ledger, const std::unordered_set<std::int64_t>& spent, WallTime now) {
  if (spent.empty()) return;
  const WallTime hour = std::chrono::floor<std::chrono::hours>(now);
  if (hour != hour_) begin(ledger, hour);
  const auto costs = ledger.hour(hour, spend::kSuddenFloor);
  if (!costs) return;
  for (const auto& cost : *costs)
    if (spent.contains(cost.account.value) && !told_.contains(cost.account.value)) judge(ledger, cost);
}

void BurnWatch::begin(ledger::Ledger& ledger, WallTime hour) {
  hour_ = hour;
  weeks_.clear();
  told_.clear();
  const auto forgotten = ledger.forget_hours(hour - kKept);
  (void)forgotten;  // the next hour forgets them, too
}

void BurnWatch::judge(ledger::Ledger& ledger, const ledger::HourCost& cost) {
  auto known = weeks_.find(cost.account.value);
  if (known == weeks_.end()) {
    auto week = ledger.hours_before(cost.account, hour_);
    if (!week) return;
    known = weeks_.emplace(cost.account.value, std::move(*week)).first;
  }
  if (!spend::sudden(cost.cost, known->second)) return;
  const auto first = ledger.first_time(spend::burn_event(cost.account, hour_));
  if (!first) return;
  told_.insert(cost.account.value);
  if (!*first) return;
  const auto usual = spend::usual_hour(known->second).value_or(PicoUsd{});
  tell_({.account = cost.account, .cost = cost.cost, .usual = usual, .hour = hour_});
}

}  // namespace gantry::gateway
