// The management API: keys are made, listed, changed and deleted (CONTRACT §9).

#include <fmt/format.h>
#include <charconv>

#include "sim/asked.hpp"
#include "sim/json_text.hpp"
#include "sim/listings.hpp"

namespace gantry::sim {
namespace {

std::string info(const Asked& asked, const ManagedKey& key) {
  return managed_key_json(key, asked.world.accounts.see(key.key, asked.world.time.wall(), key.terms));
}

Reply told(const Asked& asked, const std::optional<ManagedKey>& key) {
  if (!key) return failed(simple_error(404, "There is no API key with that hash"));
  return ok(R"({"data":)" + info(asked, *key) + "}");
}

Reply list(const Asked& asked) {
  std::size_t offset = 0;
  const auto text = query_value(asked.head.query, "offset").value_or("0");
  if (std::from_chars(text.data(), text.data() + text.size(), offset).ptr != text.data() + text.size())
    return failed(simple_error(400, "offset: expected a whole number of 0 or more"));
  const bool all = query_value(asked.head.query, "include_disabled").value_or("") == "true";
  std::string out = R"({"data":[)";
  for (const auto& key : asked.world.keys.list(all, offset)) {
    if (out.back() == '}') out += ',';
    out += info(asked, key);
  }
  return ok(out + "]}");
}

Reply create(const Asked& asked) {
  const auto settings = parse_key_change(asked.body, KeyBody::create);
  if (!settings) return failed(simple_error(400, settings.error().detail));
  const auto made = asked.world.keys.add(*settings, asked.world.new_key(), asked.world.time.wall());
  std::string out = R"({"data":)" + info(asked, made) + R"(,"key":)";
  append_quoted(out, made.key);
  return ok(out + "}", 201);
}

Reply update(const Asked& asked, std::string_view hash) {
  const auto change = parse_key_change(asked.body, KeyBody::update);
  if (!change) return failed(simple_error(400, change.error().detail));
  return told(asked, asked.world.keys.change(hash, *change, asked.world.time.wall()));
}

}  // namespace

Reply answer_management(const Asked& asked) {
  if (auto error = asked.bad_management_key()) return failed(std::move(*error), asked.faults);
  const auto method = asked.head.method;
  if (asked.path == "/keys") {
    if (method == "GET") return list(asked);
    return method == "POST" ? create(asked) : unknown_path(asked);
  }
  const auto hash = asked.path.substr(std::string_view("/keys/").size());
  if (method == "GET") return told(asked, asked.world.keys.find(hash));
  if (method == "PATCH") return update(asked, hash);
  if (method != "DELETE") return unknown_path(asked);
  return asked.world.keys.remove(hash) ? ok(R"({"deleted":true})") : told(asked, std::nullopt);
}

}  // namespace gantry::sim
