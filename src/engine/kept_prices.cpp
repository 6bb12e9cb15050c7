#include "engine/kept_prices.hpp"

#include <charconv>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include "base/json_string.hpp"
#include "wire/json_index.hpp"

namespace gantry::engine {
namespace {

using wire::JsonIndex;
using wire::JsonValue;

// What PriceTable::parse() reads of a model.
constexpr std::string_view kMembers[] = {"id", "canonical_slug", "context_length", "alias_target", "pricing"};
constexpr std::string_view kOfTop[] = {"context_length", "max_completion_tokens"};

class Copying {
 public:
  explicit Copying(std::string& out) : out_(out) { out_ += '{'; }

  Copying& named(std::string_view name) {
    if (!std::exchange(first_, false)) out_ += ',';
    append_quoted(out_, name);
    out_ += ':';
    return *this;
  }
  void copy(JsonValue from, std::span<const std::string_view> members) {
    for (const auto member : members)
      if (const auto value = from.find(member)) named(member), out_ += value->raw();
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_model(std::string& out, JsonValue row) {
  Copying model(out);
  model.copy(row, kMembers);
  if (const auto top = row.find("top_provider")) {
    model.named("top_provider");
    Copying(out).copy(*top, kOfTop);
    out += '}';
  }
  bool searches = false;
  if (const auto list = row.find("supported_parameters"))
    list->each_element([&](JsonValue each) { searches = searches || each.equals("web_search_options"); });
  if (searches) {
    model.named("supported_parameters");
    out += R"(["web_search_options"])";
  }
  out += '}';
}

}  // namespace

Result<std::string> prices_to_keep(std::string_view base_url, std::string_view models) {
  JsonIndex index;
  if (const auto error = index.parse(models))
    return fail(Fault::malformed, "the models list is not JSON: " + std::string(error->what));
  std::string out = R"({"from":)";
  append_quoted(out, base_url);
  out += R"(,"data":[)";
  bool first = true;
  if (const auto data = index.root().find("data"))
    data->each_element([&](JsonValue row) {
      if (!row.is_object()) return;
      if (!std::exchange(first, false)) out += ',';
      append_model(out, row);
    });
  out += "]}";
  if (out.size() > kMostKept)
    return fail(Fault::too_large, "the models list is too long to be kept for the next start");
  return out;
}

Result<wire::PriceTable> kept_prices(std::string_view document, std::string_view base_url) {
  JsonIndex index;
  if (const auto error = index.parse(document))
    return fail(Fault::malformed, "the prices that were kept are not JSON: " + std::string(error->what));
  const auto from = index.root().find("from");
  if (!from || !from->equals(base_url))
    return fail(Fault::not_found, "the prices that were kept are of another upstream");
  auto table = wire::PriceTable::parse(document);
  if (table && table->all().empty()) return fail(Fault::malformed, "the prices that were kept name no model");
  return table;
}

std::string moment_to_keep(WallTime at) { return std::to_string(unix_seconds(at)); }

std::optional<WallTime> kept_moment(std::string_view text) {
  constexpr std::int64_t kLatest = 9'000'000'000;  // in the year 2255, short of what nanoseconds hold
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || seconds < 0 || seconds > kLatest) return std::nullopt;
  return WallTime{std::chrono::seconds{seconds}};
}

}  // namespace gantry::engine
