// /admin/v1/usage/leases: what each gateway owns of the budgets, and what nobody knows of those that are
// gone.

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "access/admin_desk.hpp"
#include "access/csv_out.hpp"
#include "access/query.hpp"
#include "access/utc_text.hpp"

namespace gantry::access {
namespace {

// Its heart stopped, and it grants nothing any more.
bool is_gone(const ledger::Holder& holder, WallTime now) { return holder.lives_until <= now; }

// The embedded ledger is its gateway's alone: such a lease ends with it, and the moment in its row means
// nothing.
std::optional<std::string> end_text(const ledger::Holder& holder, WallTime now) {
  constexpr auto kBeyondAnyLease = std::chrono::years{10};
  if (holder.lives_until - now > kBeyondAnyLease) return std::nullopt;
  return utc_text(holder.lives_until);
}

void put_attempts(JsonOut& json, std::string& out, std::string_view name, std::int64_t attempts,
                  PicoUsd estimate) {
  json.key(name);
  JsonOut object(out);
  object.number("attempts", attempts);
  object.money("estimate", estimate);
}

void put_holder(std::string& out, const ledger::Holder& holder, WallTime now) {
  JsonOut json(out);
  json.number("holder", holder.id.value);
  json.text("state_id", holder.name);
  json.text("began_at", utc_text(holder.began));
  json.text_or_null("lease_ends_at", end_text(holder, now));
  json.flag("gone", is_gone(holder, now));
  json.money("leased", holder.leased);
  put_attempts(json, out, "open", holder.open, holder.open_estimate);
  put_attempts(json, out, "pending", holder.pending, holder.pending_estimate);
}

AdminReply leases_csv(const std::vector<ledger::Holder>& holders, WallTime now) {
  CsvOut csv;
  for (const auto* name : {"holder", "state_id", "began_at", "lease_ends_at", "gone", "leased",
                           "open_attempts", "open_estimate", "pending_attempts", "pending_estimate"})
    csv.cell(name);
  csv.end_row();
  for (const auto& holder : holders) {
    csv.number(std::to_string(holder.id.value));
    csv.cell(holder.name);
    csv.cell(utc_text(holder.began));
    csv.cell(end_text(holder, now).value_or(""));
    csv.cell(is_gone(holder, now) ? "true" : "false");
    csv.number(to_decimal(holder.leased));
    csv.number(std::to_string(holder.open));
    csv.number(to_decimal(holder.open_estimate));
    csv.number(std::to_string(holder.pending));
    csv.number(to_decimal(holder.pending_estimate));
    csv.end_row();
  }
  return {.body = csv.take(), .content_type = "text/csv; charset=utf-8"};
}

}  // namespace

void put_gone(JsonOut& json, std::string& out, const std::vector<ledger::Holder>& holders, WallTime now) {
  json.key("gone");
  JsonOut list(out, '[');
  for (const auto& holder : holders) {
    if (!is_gone(holder, now)) continue;
    list.comma();
    put_holder(out, holder, now);
  }
}

AdminReply show_leases(const Desk& desk, const std::string&) {
  const auto now = desk.ledger.now();
  if (!now) return failed(now.error());
  Problems problems;
  static constexpr std::array<std::string_view, 1> kKnown{"format"};
  const Query query(desk.request.query, kKnown, problems);
  const auto format = read_format(query, desk.request.accept, problems);
  if (!problems.empty()) return refused(problems);
  const auto holders = desk.ledger.holders();
  if (!holders) return failed(holders.error());
  if (format == Format::csv) return leases_csv(*holders, *now);
  return with_body(200, [&](JsonOut& json, std::string& out) {
    json.key("data");
    JsonOut data(out);
    data.key("rows");
    JsonOut list(out, '[');
    for (const auto& holder : *holders) {
      list.comma();
      put_holder(out, holder, *now);
    }
  });
}

}  // namespace gantry::access
