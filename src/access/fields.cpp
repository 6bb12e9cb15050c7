#include "access/fields.hpp"

#include <algorithm>

#include "access/utc_text.hpp"
#include "base/keys.hpp"
#include "base/utf8.hpp"
#include "wire/decimal.hpp"
#include "wire/shown_text.hpp"

namespace gantry::access {
namespace {

std::string joined(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : std::string(prefix) + "." + std::string(name);
}

bool is_plain_line(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = read_utf8(text, i);
    const bool control = c.code_point < 0x20 || (c.code_point >= 0x7f && c.code_point < 0xa0);
    // Characters that change the direction of what stands around them would show another name.
    const bool turns = (c.code_point >= 0x202a && c.code_point <= 0x202e) ||
                       (c.code_point >= 0x2066 && c.code_point <= 0x2069) || c.code_point == 0x2028 ||
                       c.code_point == 0x2029;
    if (c.length == 0 || control || turns) return false;
    i += c.length;
  }
  return true;
}

}  // namespace

std::string told_name(std::string_view name) { return wire::shown_text(name, 60); }

bool holds_key(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at)
    if (key_at(text, at)) return true;
  return false;
}

std::string not_known(std::span<const std::string_view> known) {
  std::string out = "is not known; there ";
  out += known.size() == 1 ? "is " : "are ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i > 0) out += i + 1 == known.size() ? " and " : ", ";
    out += known[i];
  }
  return out;
}

std::vector<Field> members(const Field& object, std::span<const std::string_view> known, Problems& problems) {
  std::vector<Field> out;
  if (!object.value.is_object()) {
    problems.add(object.name, "must be an object");
    return out;
  }
  object.value.each_member([&](wire::JsonValue key, wire::JsonValue value) {
    const auto name = key.string().value_or("");
    const auto path = joined(object.name, told_name(name));
    if (std::ranges::find(known, name) == known.end()) return problems.add(path, not_known(known));
    if (std::ranges::find(out, path, &Field::name) != out.end()) return problems.add(path, "is named twice");
    out.push_back({path, value});
  });
  return out;
}

std::string_view leaf(const Field& field) {
  const auto dot = field.name.rfind('.');
  return dot == std::string::npos ? std::string_view(field.name)
                                  : std::string_view(field.name).substr(dot + 1);
}

std::optional<std::string> read_text(const Field& field, Problems& problems) {
  auto text = field.value.string();
  if (!text) problems.add(field.name, "must be a text");
  return text;
}

std::optional<bool> read_flag(const Field& field, Problems& problems) {
  if (field.value.is_bool()) return field.value.is_true();
  problems.add(field.name, "must be true or false");
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(const Field& field, std::int64_t least, std::int64_t most,
                                         Problems& problems) {
  const auto number = field.value.integer();
  if (number && *number >= least && *number <= most) return number;
  problems.add(field.name,
               "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<PicoUsd> read_money(const Field& field, Problems& problems) {
  const bool number = field.value.kind() == wire::JsonKind::number;
  const auto text = number ? std::optional(std::string(field.value.raw())) : field.value.string();
  // Only what is written as JSON writes a number compares at all, and only an exact reading as equal.
  const auto amount = text ? parse_usd(*text) : fail(Fault::bad_input);
  const bool exact =
      amount && wire::compare_decimals(*text, to_decimal(*amount)) == std::strong_ordering::equal;
  if (exact && amount->value >= 0) return *amount;
  problems.add(field.name,
               "must be US dollars as a decimal, such as \"100\" or \"0.25\": not negative, at most twelve "
               "decimals, below 9 million");
  return std::nullopt;
}

std::optional<WallTime> read_moment(const Field& field, Problems& problems) {
  const auto text = field.value.string();
  const auto moment = text ? parse_utc(*text) : std::nullopt;
  if (!moment) problems.add(field.name, "must be a moment in UTC, such as \"2027-12-31T23:59:59Z\"");
  return moment;
}

SaidLimits read_limits(const Field& field, Problems& problems) {
  static constexpr std::array<std::string_view, spend::kPeriodCount> kNames{"daily", "weekly", "monthly",
                                                                            "total"};
  SaidLimits out{};
  for (const auto& member : members(field, kNames, problems)) {
    const auto at = static_cast<std::size_t>(std::ranges::find(kNames, leaf(member)) - kNames.begin());
    if (member.value.is_null()) {
      out.at(at) = std::optional<PicoUsd>();
    } else if (const auto amount = read_money(member, problems)) {
      out.at(at) = std::optional(*amount);
    }
  }
  return out;
}

std::optional<std::string> read_name(const Field& field, Problems& problems) {
  constexpr std::size_t kLongest = 100;
  auto name = field.value.string();
  const bool blank_ends = name && !name->empty() && (name->front() == ' ' || name->back() == ' ');
  const bool key = name && holds_key(*name);  // which would be shown wherever the name is
  if (name && !name->empty() && name->size() <= kLongest && !blank_ends && !key && is_plain_line(*name))
    return name;
  problems.add(field.name,
               "must be a text of 1 to 100 bytes on one line, without spaces at its ends, and no key");
  return std::nullopt;
}

}  // namespace gantry::access
