// /admin/v1/usage: what was spent, by whom, on what; and what nobody can explain.

#include <algorithm>
#include <array>

#include "access/admin_desk.hpp"
#include "access/csv_out.hpp"
#include "access/ids.hpp"
#include "access/query.hpp"
#include "access/utc_text.hpp"

namespace gantry::access {
namespace {

using ledger::UsageBy;
using ledger::UsageRow;

struct Group {
  UsageBy by;
  std::string_view name;
  std::string UsageRow::* value;
};
constexpr std::array kGroups{
    Group{UsageBy::key, "key", &UsageRow::key}, Group{UsageBy::project, "project", &UsageRow::project},
    Group{UsageBy::model, "model", &UsageRow::model}, Group{UsageBy::day, "day", &UsageRow::day}};

// The id behind a name, which may be another account's by now; "" where there is none.
std::string id_in(const UsageRow& row, UsageBy by) {
  if (by == UsageBy::key) return public_id(spend::AccountKind::key, row.key_account);
  return by == UsageBy::project ? public_id(spend::AccountKind::project, row.project_account) : "";
}
bool has_id(UsageBy by) { return by == UsageBy::key || by == UsageBy::project; }

bool groups_by(const ledger::UsageQuery& query, UsageBy by) {
  return std::ranges::find(query.by, by) != query.by.end();
}

// All that counts of a row, in the order of its columns: one list for JSON and CSV.
struct Count {
  std::string_view name;
  std::int64_t UsageRow::* value;
};
constexpr std::array kCounts{Count{"calls", &UsageRow::calls}, Count{"attempts", &UsageRow::attempts},
                             Count{"prompt_tokens", &UsageRow::prompt_tokens},
                             Count{"completion_tokens", &UsageRow::completion_tokens}};
struct Amount {
  std::string_view name;
  PicoUsd UsageRow::* value;
};
constexpr std::array kAmounts{
    Amount{"cost", &UsageRow::cost},           Amount{"upstream_cost", &UsageRow::upstream_cost},
    Amount{"computed", &UsageRow::computed},   Amount{"assumed", &UsageRow::assumed},
    Amount{"overshoot", &UsageRow::overshoot}, Amount{"pending", &UsageRow::pending}};
constexpr std::array kWastes{spend::Waste::retry, spend::Waste::lost_primary, spend::Waste::abandoned,
                             spend::Waste::probe};
PicoUsd waste_of(const UsageRow& row, spend::Waste waste) {
  return row.waste.at(static_cast<std::size_t>(waste));
}

struct Span {
  WallTime from, to;
};

// From the first of this month to today, unless said otherwise.
Span read_span(const Query& query, WallTime now, Problems& problems) {
  Span out{spend::begin_of(spend::window_of(spend::Period::monthly, now)), now};
  const auto read = [&](std::string_view name, WallTime& to) {
    const auto text = query.get(name);
    if (!text) return;
    if (const auto day = parse_day(*text))
      to = *day;
    else
      problems.add(std::string(name), "must be a day (UTC), such as 2026-11-24");
  };
  read("from", out.from);
  read("to", out.to);
  if (out.from > out.to) problems.add("from", "must not be later than `to`");
  return out;
}

std::vector<UsageBy> read_groups(std::string_view text, Problems& problems) {
  std::vector<UsageBy> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto at = std::ranges::find(kGroups, word, &Group::name);
    if (at == kGroups.end()) {
      problems.add("by", "must be some of key, project, model and day, with commas between them");
      return out;
    }
    if (std::ranges::find(out, at->by) == out.end()) out.push_back(at->by);
  }
  return out;
}

void put_span(JsonOut& json, const Span& span) {
  json.text("from", day_text(span.from));
  json.text("to", day_text(span.to));
}

AdminReply usage_json(const ledger::UsageQuery& query, const std::vector<UsageRow>& rows,
                      const std::vector<ledger::Holder>& holders, WallTime now) {
  return with_body(200, [&](JsonOut& json, std::string& out) {
    json.key("data");
    JsonOut data(out);
    put_span(data, {query.from, query.to});
    put_gone(data, out, holders, now);
    data.key("rows");
    JsonOut list(out, '[');
    for (const auto& row : rows) {
      list.comma();
      JsonOut one(out);
      for (const auto& group : kGroups) {
        if (!groups_by(query, group.by)) continue;
        one.text(group.name, row.*group.value);
        if (has_id(group.by)) one.text(std::string(group.name) + "_id", id_in(row, group.by));
      }
      for (const auto& count : kCounts) one.number(count.name, row.*count.value);
      for (const auto& amount : kAmounts) one.money(amount.name, row.*amount.value);
      one.key("waste");
      JsonOut wastes(out);
      for (const auto waste : kWastes) wastes.money(spend::name(waste), waste_of(row, waste));
    }
  });
}

AdminReply usage_csv(const ledger::UsageQuery& query, const std::vector<UsageRow>& rows) {
  CsvOut csv;
  for (const auto& group : kGroups) {
    if (!groups_by(query, group.by)) continue;
    csv.cell(group.name);
    if (has_id(group.by)) csv.cell(std::string(group.name) + "_id");
  }
  for (const auto& count : kCounts) csv.cell(count.name);
  for (const auto& amount : kAmounts) csv.cell(amount.name);
  for (const auto waste : kWastes) csv.cell("waste_" + std::string(spend::name(waste)));
  csv.end_row();
  for (const auto& row : rows) {
    for (const auto& group : kGroups) {
      if (!groups_by(query, group.by)) continue;
      csv.cell(row.*group.value);
      if (has_id(group.by)) csv.cell(id_in(row, group.by));
    }
    for (const auto& count : kCounts) csv.number(std::to_string(row.*count.value));
    for (const auto& amount : kAmounts) csv.number(to_decimal(row.*amount.value));
    for (const auto waste : kWastes) csv.number(to_decimal(waste_of(row, waste)));
    csv.end_row();
  }
  return {.body = csv.take(), .content_type = "text/csv; charset=utf-8"};
}

AdminReply unexplained_json(const Span& span, const std::vector<ledger::UpstreamTotal>& totals) {
  return with_body(200, [&](JsonOut& json, std::string& out) {
    json.key("data");
    JsonOut data(out);
    put_span(data, span);
    data.key("rows");
    JsonOut list(out, '[');
    for (const auto& total : totals) {
      list.comma();
      JsonOut one(out);
      one.text("upstream_key", total.upstream_key);
      one.text("day", total.day);
      one.money("told", total.told);
      one.money("booked", total.booked);
      one.money("unexplained", total.unexplained);
    }
  });
}

AdminReply unexplained_csv(const std::vector<ledger::UpstreamTotal>& totals) {
  CsvOut csv;
  for (const auto* name : {"upstream_key", "day", "told", "booked", "unexplained"}) csv.cell(name);
  csv.end_row();
  for (const auto& total : totals) {
    csv.cell(total.upstream_key);
    csv.cell(total.day);
    csv.number(to_decimal(total.told));
    csv.number(to_decimal(total.booked));
    csv.number(to_decimal(total.unexplained));
    csv.end_row();
  }
  return {.body = csv.take(), .content_type = "text/csv; charset=utf-8"};
}

// Whose usage is asked for. Deleted keys and projects are told by their ids, too.
void read_filter(const Query& query, const ledger::Directory& directory, ledger::UsageQuery& to,
                 Problems& problems) {
  if (const auto key = query.get("key")) {
    to.key = id_of(spend::AccountKind::key, *key);
    if (!to.key) problems.add("key", "must be the id of a key, such as key_12");
  }
  if (const auto text = query.get("project")) {
    const auto* const project = find_project(directory, *text);
    to.project = project ? std::optional(project->id) : id_of(spend::AccountKind::project, *text);
    if (!to.project) problems.add("project", "must be the name or id of a project");
  }
}

}  // namespace

AdminReply show_usage(const Desk& desk, const std::string&) {
  const auto now = desk.ledger.now();
  if (!now) return failed(now.error());
  const auto directory = desk.ledger.directory();
  if (!directory) return failed(directory.error());
  Problems problems;
  static constexpr std::array<std::string_view, 6> kKnown{"from", "to", "by", "key", "project", "format"};
  const Query query(desk.request.query, kKnown, problems);
  const auto span = read_span(query, *now, problems);
  ledger::UsageQuery wanted{.from = span.from, .to = span.to, .by = {}};
  wanted.by = read_groups(query.get("by").value_or("key"), problems);
  read_filter(query, *directory, wanted, problems);
  const auto format = read_format(query, desk.request.accept, problems);
  if (!problems.empty()) return refused(problems);
  const auto rows = desk.ledger.usage(wanted);
  if (!rows) return failed(rows.error());
  if (format == Format::csv) return usage_csv(wanted, *rows);
  const auto holders = desk.ledger.holders();
  if (!holders) return failed(holders.error());
  return usage_json(wanted, *rows, *holders, *now);
}

AdminReply show_unexplained(const Desk& desk, const std::string&) {
  const auto now = desk.ledger.now();
  if (!now) return failed(now.error());
  Problems problems;
  static constexpr std::array<std::string_view, 3> kKnown{"from", "to", "format"};
  const Query query(desk.request.query, kKnown, problems);
  const auto span = read_span(query, *now, problems);
  const auto format = read_format(query, desk.request.accept, problems);
  if (!problems.empty()) return refused(problems);
  const auto totals = desk.ledger.totals(day_text(span.from), day_text(span.to));
  if (!totals) return failed(totals.error());
  return format == Format::csv ? unexplained_csv(*totals) : unexplained_json(span, *totals);
}

}  // namespace gantry::access
