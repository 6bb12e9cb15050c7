#include "manage/upstream_key.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/ascii.hpp"
#include "base/money.hpp"
#include "wire/request.hpp"

namespace gantry::manage {
namespace {

using simdjson::ondemand::value;

std::string trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return std::string(text);
}

// A text's content, a number's own digits; empty for null and everything else.
std::string text_of(value from) {
  simdjson::ondemand::json_type type;
  if (from.type().get(type)) return {};
  std::string_view text;
  if (type == simdjson::ondemand::json_type::string)
    return from.get_string().get(text) ? "" : std::string(text);
  if (type != simdjson::ondemand::json_type::number) return {};
  auto digits = trimmed(from.raw_json_token());
  double ignored = 0;
  return from.get_double().get(ignored) ? std::string{} : digits;
}

bool flag_of(value from) {
  bool flag = false;
  return !from.get_bool().get(flag) && flag;
}

std::string KeyInfo::* text_member(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string KeyInfo::*> kMembers[] = {
      {"hash", &KeyInfo::hash},
      {"name", &KeyInfo::name},
      {"label", &KeyInfo::label},
      {"limit", &KeyInfo::limit},
      {"limit_remaining", &KeyInfo::limit_remaining},
      {"limit_reset", &KeyInfo::limit_reset},
      {"usage", &KeyInfo::usage},
      {"usage_daily", &KeyInfo::usage_daily},
      {"usage_weekly", &KeyInfo::usage_weekly},
      {"usage_monthly", &KeyInfo::usage_monthly},
      {"byok_usage", &KeyInfo::byok_usage},
      {"created_at", &KeyInfo::created_at},
      {"updated_at", &KeyInfo::updated_at},
      {"expires_at", &KeyInfo::expires_at},
      {"workspace_id", &KeyInfo::workspace_id}};
  const auto it = std::ranges::find(kMembers, name, [](const auto& member) { return member.first; });
  return it == std::end(kMembers) ? nullptr : it->second;
}

bool read_info(simdjson::ondemand::object from, KeyInfo& to) {
  for (auto field : from) {
    std::string_view name;
    value member;
    if (field.unescaped_key().get(name) || field.value().get(member)) return false;
    if (const auto text = text_member(name)) {
      to.*text = text_of(member);
    } else if (name == "disabled") {
      to.disabled = flag_of(member);
    } else if (name == "include_byok_in_limit") {
      to.counts_byok = flag_of(member);
    }
  }
  // It becomes part of paths.
  return !to.hash.empty() &&
         std::ranges::all_of(to.hash, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); });
}

std::unexpected<Failure> unreadable() {
  return fail(Fault::malformed, "the reply is not what the management API promises");
}

// Hands the members of the reply's object to `take`; false when it is no object or `take` says so.
template <class Take>
bool each_member(std::string_view body, Take take) {
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(body);
  simdjson::ondemand::document document;
  simdjson::ondemand::object whole;
  if (parser.iterate(padded).get(document) || document.get_object().get(whole)) return false;
  for (auto field : whole) {
    std::string_view name;
    value member;
    if (field.unescaped_key().get(name) || field.value().get(member) || !take(name, member)) return false;
  }
  return true;
}

bool read_data(value member, KeyInfo& to) {
  simdjson::ondemand::object data;
  return !member.get_object().get(data) && read_info(data, to);
}

bool read_list(value member, std::vector<KeyInfo>& to) {
  simdjson::ondemand::array list;
  if (member.get_array().get(list)) return false;
  for (auto item : list) {
    simdjson::ondemand::object object;
    if (item.get_object().get(object) || !read_info(object, to.emplace_back())) return false;
  }
  return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t length) {
  int out = -1;
  const auto* const end = text.data() + at + length;
  return std::from_chars(text.data() + at, end, out).ptr == end ? out : -1;
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const int year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
  return year >= 0 && month >= 0 && day >= 0 &&
         std::chrono::year_month_day{std::chrono::year{year},
                                     std::chrono::month{static_cast<unsigned>(month)},
                                     std::chrono::day{static_cast<unsigned>(day)}}
             .ok();
}

bool is_time(std::string_view text) {
  return text.size() == 9 && text[2] == ':' && text[5] == ':' && text[8] == 'Z' &&
         number_at(text, 0, 2) >= 0 && number_at(text, 0, 2) < 24 && number_at(text, 3, 2) >= 0 &&
         number_at(text, 3, 2) < 60 && number_at(text, 6, 2) >= 0 && number_at(text, 6, 2) < 60;
}

}  // namespace

std::string body_of(const KeySettings& settings) {
  std::string out = "{";
  const auto member = [&](std::string_view name, std::string_view json) {
    if (out.size() > 1) out += ',';
    out.append("\"").append(name).append("\":").append(json);
  };
  const auto text = [&](std::string_view name, const std::optional<std::string>& value) {
    if (value) member(name, value->empty() ? "null" : wire::json_quote(*value));
  };
  const auto flag = [&](std::string_view name, const std::optional<bool>& value) {
    if (value) member(name, *value ? "true" : "false");
  };
  text("name", settings.name);
  flag("disabled", settings.disabled);
  if (settings.limit) member("limit", settings.limit->empty() ? "null" : *settings.limit);
  text("limit_reset", settings.limit_reset);
  flag("include_byok_in_limit", settings.counts_byok);
  text("expires_at", settings.expires_at);
  text("workspace_id", settings.workspace_id);
  return out + "}";
}

KeySettings successor_of(const KeyInfo& old, const KeySettings& changed) {
  KeySettings out = changed;
  const auto keep = [](std::optional<std::string>& to, const std::string& was) {
    if (!to && !was.empty()) to = was;
  };
  keep(out.name, old.name);
  if (parse_usd(old.limit)) keep(out.limit, old.limit);
  keep(out.limit_reset, old.limit_reset);
  keep(out.expires_at, old.expires_at);
  keep(out.workspace_id, old.workspace_id);
  if (!out.counts_byok) out.counts_byok = old.counts_byok;
  out.disabled.reset();
  return out;
}

Result<std::string> parse_expiry(std::string_view text) {
  const auto date = text.substr(0, 10);
  if (is_date(date) && text.size() == 10) return std::string(date) + "T23:59:59Z";
  if (is_date(date) && text.size() > 11 && text[10] == 'T' && is_time(text.substr(11)))
    return std::string(text);
  return fail(
      Fault::bad_input,
      fmt::format("'{}' is not a date such as 2027-12-31 or a UTC time such as 2027-12-31T12:00:00Z", text));
}

Result<KeyInfo> read_key(std::string_view body) {
  KeyInfo out;
  const bool read = each_member(
      body, [&](std::string_view name, value member) { return name != "data" || read_data(member, out); });
  if (!read || out.hash.empty()) return unreadable();
  return out;
}

Result<MadeKey> read_made_key(std::string_view body) {
  MadeKey out;
  const bool read = each_member(body, [&](std::string_view name, value member) {
    if (name == "key") out.key = Secret(text_of(member));
    return name != "data" || read_data(member, out.info);
  });
  if (!read || out.info.hash.empty() || out.key.empty()) return unreadable();
  return out;
}

Result<std::vector<KeyInfo>> read_keys(std::string_view body) {
  std::vector<KeyInfo> out;
  bool found = false;
  const bool read = each_member(body, [&](std::string_view name, value member) {
    if (name != "data") return true;
    found = true;
    return read_list(member, out);
  });
  if (!read || !found) return unreadable();
  return out;
}

}  // namespace gantry::manage
