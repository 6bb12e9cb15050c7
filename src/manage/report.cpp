#include "manage/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/money.hpp"
#include "wire/request.hpp"

namespace gantry::manage {
namespace {

constexpr std::size_t kShownHash = 12;

std::string money(const std::string& amount, std::string_view none) {
  if (amount.empty()) return std::string(none);
  const auto read = parse_usd(amount);  // 1e-7 is not for people
  return "$" + (read ? to_decimal(*read) : amount);
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

// A time's day is enough in a table.
std::string day(const std::string& time) {
  return or_dash(time.substr(0, std::min(time.find('T'), time.size())));
}

constexpr std::size_t kColumns = 8;
using Row = std::array<std::string, kColumns>;

Row row_of(const KeyInfo& key) {
  return {plain(key.name),
          plain(key.label),
          plain(key.hash.substr(0, kShownHash)),
          money(key.limit, "none"),
          money(key.limit_remaining, "-"),
          plain(or_dash(key.limit_reset)),
          money(key.usage, "-"),
          key.disabled ? "disabled" : plain("until " + day(key.expires_at))};
}

}  // namespace

std::string plain(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  return text;
}

std::string table(const std::vector<KeyInfo>& keys) {
  if (keys.empty()) return "No keys.\n";
  std::vector<Row> rows{{"NAME", "LABEL", "HASH", "LIMIT", "LEFT", "RESET", "USED", "STATE"}};
  for (const auto& key : keys) {
    rows.push_back(row_of(key));
    if (!key.disabled && key.expires_at.empty()) rows.back().back() = "enabled";
  }
  std::array<std::size_t, kColumns> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < kColumns; ++i) out += fmt::format("{:<{}}  ", row[i], widths[i]);
    out += row.back() + "\n";
  }
  return out;
}

std::string details(const KeyInfo& key) {
  std::string out;
  const auto line = [&](std::string_view what, const std::string& is) {
    out += fmt::format("{:<15} {}\n", what, plain(is));
  };
  line("name", key.name);
  line("label", key.label);
  line("hash", key.hash);
  line("state", key.disabled ? "disabled" : "enabled");
  line("limit", money(key.limit, "none"));
  line("left", money(key.limit_remaining, "-"));
  line("reset", or_dash(key.limit_reset));
  line("BYOK in limit", key.counts_byok ? "yes" : "no");
  line("used", money(key.usage, "-"));
  line("used today", money(key.usage_daily, "-"));
  line("used this week", money(key.usage_weekly, "-"));
  line("used this month", money(key.usage_monthly, "-"));
  line("BYOK used", money(key.byok_usage, "-"));
  line("created", or_dash(key.created_at));
  line("changed", or_dash(key.updated_at));
  line("expires", or_dash(key.expires_at));
  line("workspace", or_dash(key.workspace_id));
  return out;
}

std::string json(const KeyInfo& key) {
  std::string out = "{";
  const auto text = [&](std::string_view name, const std::string& is) {
    out += fmt::format(R"({}"{}":{})", out.size() > 1 ? "," : "", name,
                       is.empty() ? "null" : wire::json_quote(is));
  };
  text("hash", key.hash);
  text("name", key.name);
  text("label", key.label);
  out += fmt::format(R"(,"disabled":{},"include_byok_in_limit":{})", key.disabled, key.counts_byok);
  text("limit", key.limit);
  text("limit_remaining", key.limit_remaining);
  text("limit_reset", key.limit_reset);
  text("usage", key.usage);
  text("usage_daily", key.usage_daily);
  text("usage_weekly", key.usage_weekly);
  text("usage_monthly", key.usage_monthly);
  text("byok_usage", key.byok_usage);
  text("created_at", key.created_at);
  text("updated_at", key.updated_at);
  text("expires_at", key.expires_at);
  text("workspace_id", key.workspace_id);
  return out + "}";
}

std::string json(const std::vector<KeyInfo>& keys) {
  std::string out = R"({"keys":[)";
  for (const auto& key : keys) out += (out.back() == '}' ? "," : "") + json(key);
  return out + "]}\n";
}

}  // namespace gantry::manage
