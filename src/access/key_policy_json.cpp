// A policy as JSON, both ways.

#include <algorithm>

#include "access/json_out.hpp"
#include "access/key_policy.hpp"
#include "base/ascii.hpp"

namespace gantry::access {
namespace {

constexpr std::int64_t kMostRate = 1'000'000'000'000;
constexpr std::size_t kMostWords = 1000;
constexpr std::array<std::string_view, 10> kMembers{
    "routes",  "models", "requests_per_minute", "tokens_per_minute", "concurrency", "plugins", "server_tools",
    "presets", "debug",  "response_cache"};

// As sections of the configuration are named.
bool is_route(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  });
}

// author/slug, author/slug:variant, upstream:model, or all of something. Ids end in no star of their own.
bool is_pattern(std::string_view text) {
  const bool graphic =
      std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
  if (!graphic || text.size() > 200 || text.contains('@')) return false;
  const auto mark = text.find_first_of("/:");
  const auto star = text.find('*');
  if (mark == std::string_view::npos || mark == 0 || mark + 1 == text.size()) return false;
  return star == std::string_view::npos ||
         (star + 1 == text.size() && (text[star - 1] == '/' || text[star - 1] == ':'));
}

using Check = bool (*)(std::string_view);

Said<std::vector<std::string>> read_words(const Field& field, Check check, const char* what,
                                          Problems& problems) {
  if (field.value.is_null()) return std::optional<std::vector<std::string>>();
  std::vector<std::string> words;
  bool good = field.value.is_array();
  field.value.each_element([&](wire::JsonValue element) {
    auto word = element.string();
    good = good && word && check(*word) && !holds_key(*word) && words.size() < kMostWords;
    if (good) words.push_back(std::move(*word));
  });
  if (good) return std::optional(std::move(words));
  problems.add(field.name, std::string("must be null for all, or a list of at most 1000 ") + what);
  return std::nullopt;
}

Said<std::int64_t> read_rate(const Field& field, Problems& problems) {
  if (field.value.is_null()) return std::optional<std::int64_t>();
  const auto number = read_integer(field, 1, kMostRate, problems);
  return number ? Said<std::int64_t>(number) : std::nullopt;
}

void read_member(const Field& member, PolicyChange& to, Problems& problems) {
  const auto name = leaf(member);
  if (name == "routes") {
    to.routes = read_words(member, is_route, "names of routes", problems);
  } else if (name == "models") {
    to.models = read_words(member, is_pattern,
                           "model ids such as \"openai/gpt-4.1\", \"anthropic/*\" or \"local:llama3.1:8b\"",
                           problems);
  } else if (name == "requests_per_minute") {
    to.requests_per_minute = read_rate(member, problems);
  } else if (name == "tokens_per_minute") {
    to.tokens_per_minute = read_rate(member, problems);
  } else if (name == "concurrency") {
    to.concurrency = read_rate(member, problems);
  } else if (const auto feature = feature_named(name)) {
    to.features.at(static_cast<std::size_t>(*feature)) = read_flag(member, problems);
  }
}

void put_words(JsonOut& json, std::string& out, std::string_view name,
               const std::optional<std::vector<std::string>>& words) {
  if (!words) return json.raw(name, "null");
  json.key(name);
  JsonOut list(out, '[');
  for (const auto& word : *words) {
    list.comma();
    append_quoted(out, word);
  }
}

}  // namespace

PolicyChange read_policy(const Field& field, Problems& problems) {
  PolicyChange out;
  for (const auto& member : members(field, kMembers, problems)) read_member(member, out, problems);
  return out;
}

std::string to_json(const KeyPolicy& policy) {
  std::string out;
  {
    JsonOut json(out);
    put_words(json, out, "routes", policy.routes);
    put_words(json, out, "models", policy.models);
    const auto rate = [&](std::string_view name, const std::optional<std::int64_t>& value) {
      value ? json.number(name, *value) : json.raw(name, "null");
    };
    rate("requests_per_minute", policy.requests_per_minute);
    rate("tokens_per_minute", policy.tokens_per_minute);
    rate("concurrency", policy.concurrency);
    for (const auto feature : kFeatures) json.flag(name(feature), policy.allows(feature));
  }
  return out;
}

Result<KeyPolicy> parse_policy(std::string_view json) {
  wire::JsonIndex index;
  if (index.parse(json)) return fail(Fault::bad_input, "the policy is not JSON");
  Problems problems;
  const auto change = read_policy({"policy", index.root()}, problems);
  if (problems.empty()) return changed({}, change);
  const auto& first = problems.all().front();
  return fail(Fault::bad_input, first.field + " " + first.message);
}

}  // namespace gantry::access
