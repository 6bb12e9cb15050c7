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

void Accounts::Window::charge(std::int64_t current, PicoUsd cost) {
  spent = plus(in(current), cost);
  number = current;
}

void Accounts::charge(std::string_view key, PicoUsd cost, WallTime now) {
  if (cost.value == 0) return;
  const auto n = numbers(now);
  const std::lock_guard lock(mutex_);
  std::string name(key);
  if (keys_.size() >= kMostKeys && !keys_.contains(name)) name = "";
  auto& state = keys_[name];
  state.total = plus(state.total, cost);
  state.day.charge(n.day, cost);
  state.week.charge(n.week, cost);
  state.month.charge(n.month, cost);
  all_ = plus(all_, cost);
}

KeyUsage Accounts::see(std::string_view key, WallTime now) const {
  const auto n = numbers(now);
  KeyUsage out;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = keys_.find(std::string(key)); it != keys_.end()) {
      const auto& s = it->second;
      out.total = s.total;
      out.daily = s.day.in(n.day);
      out.weekly = s.week.in(n.week);
      out.monthly = s.month.in(n.month);
    }
  }
  out.limit = limit_;
  if (!limit_) return out;
  const auto spent = reset_ == LimitReset::daily     ? out.daily
                     : reset_ == LimitReset::weekly  ? out.weekly
                     : reset_ == LimitReset::monthly ? out.monthly
                                                     : out.total;
  out.remaining = PicoUsd{limit_->value - spent.value};
  return out;
}

PicoUsd Accounts::total() const {
  const std::lock_guard lock(mutex_);
  return all_;
}

void Accounts::clear() {
  const std::lock_guard lock(mutex_);
  keys_.clear();
  all_ = {};
}

}  // namespace gantry::sim
