// The list of breakers for people.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "gateway/admin_client.hpp"
#include "wire/json_index.hpp"
#include "wire/shown_text.hpp"

namespace gantry::gateway {
namespace {

using Row = std::array<std::string, 7>;

std::string text(const wire::JsonValue& line, std::string_view member) {
  const auto value = line.find(member);
  const auto string = value ? value->string() : std::nullopt;
  return string ? wire::shown_text(*string, 200) : "";
}

std::string seconds(const wire::JsonValue& line, std::string_view member, std::string_view before) {
  const auto value = line.find(member);
  return value ? fmt::format("{}{} s", before, wire::shown_text(value->raw(), 40)) : "-";
}

Row row_of(const wire::JsonValue& line) {
  const auto alone = line.find("for_one_client");
  const auto state = text(line, "state");
  const bool closed = state == "closed";
  return {text(line, "scope"),
          text(line, "name"),
          text(line, "in"),
          state,
          closed ? "-" : text(line, "reason") + (alone && alone->is_true() ? ", one client" : ""),
          seconds(line, "for_s", ""),
          seconds(line, "until_s", "in ")};
}

// The last column ends where its text does.
std::string laid_out(const std::vector<Row>& rows) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) out += fmt::format("{:<{}}  ", row[i], widths[i]);
    out += row.back() + "\n";
  }
  return out;
}

}  // namespace

Result<std::string> breakers_table(std::string_view json) {
  wire::JsonIndex index;
  const bool broken = index.parse(json).has_value();
  const auto data = broken ? std::nullopt : index.root().find("data");
  if (!data || !data->is_array()) return fail(Fault::malformed, "the answer is no list of breakers");
  std::vector<Row> rows{{"SCOPE", "NAME", "IN", "STATE", "REASON", "FOR", "ASKED AGAIN"}}, closed;
  data->each_element([&](const wire::JsonValue& line) {
    auto row = row_of(line);
    (row[3] == "closed" ? closed : rows).push_back(std::move(row));
  });
  const std::size_t shut = rows.size() - 1, all = shut + closed.size();
  rows.insert(rows.end(), closed.begin(), closed.end());
  return fmt::format("{}{} of {} not closed\n", laid_out(rows), shut, all);
}

}  // namespace gantry::gateway
