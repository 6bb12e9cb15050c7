#include "sim/account.hpp"

namespace gantry::sim {
namespace {

struct Numbers {
  std::int64_t day, week, month;
};

Numbers numbers(WallTime now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date{day};
  const auto days = day.time_since_epoch().count();
  return {
      .day = days,
      .week = (days + 3) / 7,  // 1970-01-01 was a Thursday; weeks begin on Monday
      .month = static_cast<int>(date.year()) * 12 + static_cast<int>(static_cast<unsigned>(date.month()))};
}

// Simulated money does not overflow in any run that ends; should it, it stays where it is.
PicoUsd plus(PicoUsd a, PicoUsd b) { return add(a, b).value_or(a); }

}  // namespace

LimitReset parse_limit_reset(std::string_view text) {
  if (text == "daily") return LimitReset::daily;
  if (text == "weekly") return LimitReset::weekly;
  if (text == "monthly") return LimitReset::monthly;
  return LimitReset::never;
}

std::string_view name(LimitReset reset) {
  switch (reset) {
    case LimitReset::never:
      return "";
    case LimitReset::daily:
      return "daily";
    case LimitReset::weekly:
      return "weekly";
    case LimitReset::monthly:
      return "monthly";
  }
  return "";
}

PicoUsd Spending::in(LimitReset window) const {
  switch (window) {
    case LimitReset::never:
      return total;
    case LimitReset::daily:
      return daily;
    case LimitReset::weekly:
      return weekly;
    case LimitReset::monthly:
      return monthly;
  }
  return total;
}

void Accounts::Window::charge(std::int64_t current, PicoUsd cost) {
  spent = plus(in(current), cost);
  number = current;
}

void Accounts::Meter::charge(PicoUsd cost, WallTime now) {
  const auto n = numbers(now);
  total = plus(total, cost);
  day.charge(n.day, cost);
  week.charge(n.week, cost);
  month.charge(n.month, cost);
}

Spending Accounts::Meter::see(WallTime now) const {
  const auto n = numbers(now);
  return {.total = total, .daily = day.in(n.day), .weekly = week.in(n.week), .monthly = month.in(n.month)};
}

Accounts::State& Accounts::state(std::string_view key) {
  const auto it = keys_.find(key);
  if (it != keys_.end()) return it->second;
  return keys_[keys_.size() >= kMostKeys ? std::string() : std::string(key)];
}

void Accounts::charge(std::string_view key, PicoUsd cost, PicoUsd byok, WallTime now) {
  if (cost.value == 0 && byok.value == 0) return;
  const std::lock_guard lock(mutex_);
  auto& s = state(key);
  s.usage.charge(cost, now);
  s.byok.charge(byok, now);
  ++s.generations;
  all_ = plus(all_, cost);
}

void Accounts::charge_stranger(std::string_view key, PicoUsd cost, WallTime now) {
  const std::lock_guard lock(mutex_);
  auto& s = state(key);
  s.usage.charge(cost, now);
  s.strangers = plus(s.strangers, cost);
  all_ = plus(all_, cost);
}

KeyUsage Accounts::see(std::string_view key, WallTime now, const KeyTerms& terms) const {
  KeyUsage out;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = keys_.find(key); it != keys_.end())
      out.usage = it->second.usage.see(now), out.byok = it->second.byok.see(now);
  }
  out.limit = terms.limit;
  if (!terms.limit) return out;
  auto spent = out.usage.in(terms.reset);
  if (terms.counts_byok) spent = plus(spent, out.byok.in(terms.reset));
  out.remaining = PicoUsd{terms.limit->value - spent.value};
  return out;
}

PicoUsd Accounts::total() const {
  const std::lock_guard lock(mutex_);
  return all_;
}

std::vector<KeyBill> Accounts::bill() const {
  const std::lock_guard lock(mutex_);
  std::vector<KeyBill> out;
  for (const auto& [key, s] : keys_)
    out.push_back({.key = key,
                   .cost = PicoUsd{s.usage.total.value - s.strangers.value},
                   .strangers = s.strangers,
                   .byok = s.byok.total,
                   .generations = s.generations});
  return out;
}

void Accounts::clear() {
  const std::lock_guard lock(mutex_);
  keys_.clear();
  all_ = {};
}

}  // namespace gantry::sim
