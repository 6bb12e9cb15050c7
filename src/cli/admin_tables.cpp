#include "cli/admin_tables.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "cli/admin_way.hpp"
#include "cli/table.hpp"

namespace gantry::cli {
namespace {

constexpr std::array kPeriods{"daily", "weekly", "monthly", "total"};

std::string or_dash(std::string text) { return text.empty() ? "-" : text; }

// "$10.00 daily, $100.00 monthly"
std::string limits_of(wire::JsonValue account) {
  std::string out;
  for (const auto* period : kPeriods) {
    const auto limit = text_at(account, std::string("limits.") + period);
    if (!limit.empty()) out += (out.empty() ? "" : ", ") + dollars(limit) + " " + period;
  }
  return or_dash(std::move(out));
}

std::string secrets_of(wire::JsonValue key) {
  std::string out;
  const auto secrets = key.find("secrets");
  if (!secrets) return "-";
  secrets->each_element([&](wire::JsonValue secret) {
    const auto end = text_at(secret, "expires_at");
    out += (out.empty() ? "" : ", ") + text_at(secret, "shown") + (end.empty() ? "" : " (until " + end + ")");
  });
  return or_dash(std::move(out));
}

std::string state_of(wire::JsonValue account) {
  return text_at(account, "disabled") == "true" ? "disabled" : "enabled";
}

// A list with commas, "all" for null.
std::string words_of(wire::JsonValue policy, std::string_view name) {
  const auto words = policy.find(name);
  if (!words) return "all";
  std::string out;
  words->each_element(
      [&](wire::JsonValue word) { out += (out.empty() ? "" : ", ") + word.string().value_or(""); });
  return out.empty() ? "none" : out;
}

void put_policy(std::string& out, wire::JsonValue key) {
  const auto policy = key.find("policy");
  if (!policy) {
    out += "policy    a newer version's, not understood here; the key is refused\n";
    return;
  }
  out += "routes    " + words_of(*policy, "routes") + "\n";
  out += "models    " + words_of(*policy, "models") + "\n";
  for (const auto& [name, what] : {std::pair{"requests_per_minute", "requests a minute"},
                                   {"tokens_per_minute", "tokens a minute"},
                                   {"concurrency", "calls at one time"}})
    if (const auto rate = text_at(*policy, name); !rate.empty())
      out += fmt::format("at most   {} {}\n", rate, what);
  std::string allowed;
  policy->each_member([&](wire::JsonValue name, wire::JsonValue value) {
    if (value.is_true()) allowed += (allowed.empty() ? "" : ", ") + name.string().value_or("");
  });
  out += "allowed   " + or_dash(std::move(allowed)) + "\n";
}

void put_windows(Table& table, wire::JsonValue account, const std::vector<std::string>& before,
                 bool limited_only) {
  for (const auto* period : kPeriods) {
    const auto at = [&](std::string_view figure) {
      return text_at(account, fmt::format("windows.{}.{}", period, figure));
    };
    if (limited_only && at("limit").empty()) continue;
    auto cells = before;
    for (auto cell :
         {std::string(period), dollars(at("limit")), dollars(at("settled")), dollars(at("pending")),
          dollars(at("leased")), dollars(at("remaining")), or_dash(at("resets_at"))})
      cells.push_back(std::move(cell));
    table.row(std::move(cells));
  }
}

void put_account(Table& table, wire::JsonValue account) {
  bool limited = false;
  for (const auto* period : kPeriods)
    limited = limited || !text_at(account, std::string("limits.") + period).empty();
  const auto name = text_at(account, "name") + (text_at(account, "disabled") == "true" ? " (disabled)" : "");
  const std::vector<std::string> before{text_at(account, "id"), name};
  if (limited) {
    put_windows(table, account, before, true);
  } else {
    table.row({before[0], before[1], "monthly", "-", dollars(text_at(account, "windows.monthly.settled")),
               dollars(text_at(account, "windows.monthly.pending")), "-", "-",
               or_dash(text_at(account, "windows.monthly.resets_at"))});
  }
  for (const auto* below : {"projects", "keys"})
    if (const auto children = account.find(below))
      children->each_element([&](wire::JsonValue child) { put_account(table, child); });
}

std::string span_of(wire::JsonValue data) {
  return fmt::format("{} to {}, UTC days\n", text_at(data, "from"), text_at(data, "to"));
}

template <class Visit>
void each_row(wire::JsonValue data, Visit visit) {
  if (const auto rows = data.find("rows")) rows->each_element(visit);
}

}  // namespace

std::string key_table(wire::JsonValue keys) {
  Table table({"ID", "NAME", "PROJECT", "KEY", "STATE", "LIMITS", "EXPIRES"});
  keys.each_element([&](wire::JsonValue key) {
    table.row({text_at(key, "id"), text_at(key, "name"), text_at(key, "project.name"), secrets_of(key),
               state_of(key), limits_of(key), or_dash(text_at(key, "expires_at"))});
  });
  return table.text();
}

std::string key_text(wire::JsonValue key) {
  std::string out = fmt::format(
      "id        {}\nname      {}\nproject   {}\nkey       {}\nstate     {}\ncreated   {}\nexpires   {}\n",
      text_at(key, "id"), text_at(key, "name"), text_at(key, "project.name"), secrets_of(key), state_of(key),
      text_at(key, "created_at"), text_at(key, "expires_at").empty() ? "never" : text_at(key, "expires_at"));
  put_policy(out, key);
  Table table({"WINDOW", "LIMIT", "SETTLED", "PENDING", "LEASED", "REMAINING", "RESETS"});
  put_windows(table, key, {}, false);
  return out + "\n" + table.text();
}

std::string account_table(wire::JsonValue account) {
  Table table({"ACCOUNT", "NAME", "WINDOW", "LIMIT", "SETTLED", "PENDING", "LEASED", "REMAINING", "RESETS"});
  put_account(table, account);
  return table.text();
}

std::string usage_table(wire::JsonValue usage) {
  std::optional<Table> table;
  each_row(usage, [&](wire::JsonValue row) {
    std::vector<std::string> headings, cells;
    for (const auto& [name, heading] :
         {std::pair{"key", "KEY"}, {"project", "PROJECT"}, {"model", "MODEL"}, {"day", "DAY"}}) {
      const auto value = row.find(name);
      if (!value) continue;
      headings.emplace_back(heading);
      cells.push_back(or_dash(text_at(row, name)));
    }
    for (const auto& [name, heading] : {std::pair{"calls", "CALLS"},
                                        {"attempts", "ATTEMPTS"},
                                        {"prompt_tokens", "PROMPT"},
                                        {"completion_tokens", "COMPLETION"}}) {
      headings.emplace_back(heading);
      cells.push_back(text_at(row, name));
    }
    for (const auto& [name, heading] : {std::pair{"cost", "COST"},
                                        {"pending", "PENDING"},
                                        {"upstream_cost", "UPSTREAM"},
                                        {"waste.retry", "RETRY"},
                                        {"waste.lost_primary", "LOST"},
                                        {"waste.abandoned", "ABANDONED"},
                                        {"overshoot", "OVERSHOOT"}}) {
      headings.emplace_back(heading);
      cells.push_back(dollars(text_at(row, name)));
    }
    if (!table) table.emplace(std::move(headings));
    table->row(std::move(cells));
  });
  return span_of(usage) + (table ? table->text() : "nothing was spent\n") + gone_text(usage, "gone");
}

std::string gone_text(wire::JsonValue data, std::string_view list) {
  std::string out;
  if (const auto holders = data.find(list))
    holders->each_element([&](wire::JsonValue holder) {
      if (text_at(holder, "gone") != "true") return;
      out += fmt::format(
          "holder {} is gone since {}: {} leased and not proven unspent (in it {} attempts without an end, "
          "{}), "
          "{} attempts pending at {}\n",
          text_at(holder, "holder"), text_at(holder, "lease_ends_at"), dollars(text_at(holder, "leased")),
          text_at(holder, "open.attempts"), dollars(text_at(holder, "open.estimate")),
          text_at(holder, "pending.attempts"), dollars(text_at(holder, "pending.estimate")));
    });
  if (!out.empty())
    out +=
        "    what is leased comes back when gantry starts on that state directory and reads its journals, or "
        "when "
        "its window\n"
        "    ends; gantry ledger end gives up a directory that is lost. Pending costs wait for OpenRouter, "
        "at most "
        "for pending_for\n";
  return out;
}

std::string lease_table(wire::JsonValue leases) {
  Table table({"HOLDER", "STATE", "BEGAN", "LEASE ENDS", "IS", "LEASED", "OPEN", "AT", "PENDING", "AT"});
  each_row(leases, [&](wire::JsonValue row) {
    table.row({text_at(row, "holder"), text_at(row, "state_id").substr(0, 8), text_at(row, "began_at"),
               or_dash(text_at(row, "lease_ends_at")), text_at(row, "gone") == "true" ? "gone" : "alive",
               dollars(text_at(row, "leased")), text_at(row, "open.attempts"),
               dollars(text_at(row, "open.estimate")), text_at(row, "pending.attempts"),
               dollars(text_at(row, "pending.estimate"))});
  });
  return table.empty() ? "no gateway owns anything\n" : table.text() + gone_text(leases, "rows");
}

std::string unexplained_table(wire::JsonValue unexplained) {
  Table table({"UPSTREAM KEY", "DAY", "TOLD", "BOOKED", "UNEXPLAINED"});
  each_row(unexplained, [&](wire::JsonValue row) {
    table.row({text_at(row, "upstream_key"), text_at(row, "day"), dollars(text_at(row, "told")),
               dollars(text_at(row, "booked")), dollars(text_at(row, "unexplained"))});
  });
  return span_of(unexplained) + (table.empty() ? "nothing is unexplained\n" : table.text());
}

}  // namespace gantry::cli
