#include "sim/managed_keys.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "base/secret.hpp"
#include "sim/generations.hpp"
#include "sim/json_text.hpp"
#include "sim/listings.hpp"
#include "sim/world.hpp"

namespace gantry::sim {
namespace {

namespace json = boost::json;

constexpr std::string_view kWorkspace = "00000000-0000-4000-8000-000000000001";

std::unexpected<Failure> wrong(std::string_view field, std::string_view expected) {
  return fail(Fault::bad_input, fmt::format("{}: expected {}", field, expected));
}

// 2027-12-31T23:59:59Z, with or without a fraction; another zone is not accepted.
std::optional<WallTime> parse_utc(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t length) {
    int out = -1;
    if (at + length > text.size()) return out;
    const auto end = text.data() + at + length;
    return std::from_chars(text.data() + at, end, out).ptr == end ? out : -1;
  };
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z' || (text[19] != 'Z' && text[19] != '.'))
    return std::nullopt;
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0 || hour > 23 || minute > 59 ||
      second > 59)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || year > 2200) return std::nullopt;
  return WallTime{std::chrono::sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second};
}

class Reader {
 public:
  Reader(const json::object& body, KeyBody kind) : body_(body), kind_(kind) {}

  Result<KeyChange> read() {
    for (const auto step : {&Reader::name, &Reader::flags, &Reader::limit, &Reader::reset, &Reader::expires})
      if (auto done = (this->*step)(); !done) return std::unexpected(done.error());
    return std::move(out_);
  }

 private:
  Result<void> name() {
    const auto* v = body_.if_contains("name");
    if (!v && kind_ == KeyBody::update) return {};
    if (!v || !v->is_string() || v->get_string().empty()) return wrong("name", "a text that is not empty");
    out_.name = std::string(v->get_string());
    return {};
  }
  Result<void> flag(std::string_view field, std::optional<bool>& to) {
    const auto* v = body_.if_contains(field);
    if (!v) return {};
    if (!v->is_bool()) return wrong(field, "a boolean");
    to = v->get_bool();
    return {};
  }
  Result<void> flags() {
    if (kind_ == KeyBody::update)
      if (auto done = flag("disabled", out_.disabled); !done) return done;
    return flag("include_byok_in_limit", out_.counts_byok);
  }
  Result<void> limit() {
    const auto* v = body_.if_contains("limit");
    if (!v) return {};
    if (v->is_null()) return out_.limit.emplace(), Result<void>{};
    const auto amount = v->is_number() ? parse_usd(json::serialize(*v)) : wrong("limit", "a number");
    if (!amount || amount->value < 0) return wrong("limit", "a number of USD, 0 or more, or null");
    out_.limit.emplace(*amount);
    return {};
  }
  Result<void> reset() {
    const auto* v = body_.if_contains("limit_reset");
    if (!v) return {};
    out_.reset = LimitReset::never;
    if (v->is_null()) return {};
    if (v->is_string()) out_.reset = parse_limit_reset(v->get_string());
    if (out_.reset == LimitReset::never) return wrong("limit_reset", "daily, weekly, monthly or null");
    return {};
  }
  Result<void> expires() {
    const auto* v = body_.if_contains("expires_at");
    if (!v || v->is_null() || kind_ == KeyBody::update) return {};
    if (v->is_string()) out_.expires = parse_utc(v->get_string());
    if (!out_.expires) return wrong("expires_at", "a time in UTC such as 2027-12-31T23:59:59Z, or null");
    return {};
  }

  const json::object& body_;
  KeyBody kind_;
  KeyChange out_;
};

void apply(const KeyChange& change, ManagedKey& to) {
  if (change.name) to.name = *change.name;
  if (change.disabled) to.disabled = *change.disabled;
  if (change.counts_byok) to.terms.counts_byok = *change.counts_byok;
  if (change.limit) to.terms.limit = *change.limit;
  if (change.reset) to.terms.reset = *change.reset;
  if (change.expires) to.expires = change.expires;
}

std::string time_or_none(const std::optional<WallTime>& time) {
  return time ? iso_time(*time) : std::string();
}

}  // namespace

Result<KeyChange> parse_key_change(std::string_view body, KeyBody kind) {
  json::error_code error;
  const auto document = json::parse(body, error);
  const auto* object = error ? nullptr : document.if_object();
  if (!object) return fail(Fault::bad_input, "The request body is not a JSON object");
  return Reader(*object, kind).read();
}

ManagedKey ManagedKeys::add(const KeyChange& settings, std::string key, WallTime now) {
  ManagedKey made;
  made.key = std::move(key);
  made.hash = sha256(made.key).hex;
  made.created = now;
  apply(settings, made);
  const std::lock_guard lock(mutex_);
  keys_.push_back(made);
  return made;
}

std::vector<ManagedKey> ManagedKeys::list(bool include_disabled, std::size_t offset) const {
  const std::lock_guard lock(mutex_);
  std::vector<ManagedKey> out;
  for (const auto& key : keys_) {
    if (key.deleted || (key.disabled && !include_disabled)) continue;
    if (offset > 0) {
      --offset;
    } else if (out.size() < kPage) {
      out.push_back(key);
    }
  }
  return out;
}

ManagedKey* ManagedKeys::living(std::string_view hash) {
  const auto it =
      std::ranges::find_if(keys_, [&](const auto& key) { return !key.deleted && key.hash == hash; });
  return it == keys_.end() ? nullptr : &*it;
}

std::optional<ManagedKey> ManagedKeys::find(std::string_view hash) const {
  const std::lock_guard lock(mutex_);
  const auto* found = const_cast<ManagedKeys*>(this)->living(hash);
  return found ? std::optional(*found) : std::nullopt;
}

std::optional<ManagedKey> ManagedKeys::change(std::string_view hash, const KeyChange& change, WallTime now) {
  const std::lock_guard lock(mutex_);
  auto* found = living(hash);
  if (!found) return std::nullopt;
  apply(change, *found);
  found->updated = now;
  return *found;
}

bool ManagedKeys::remove(std::string_view hash) {
  const std::lock_guard lock(mutex_);
  auto* found = living(hash);
  if (found) found->deleted = true;
  return found != nullptr;
}

std::optional<ManagedKey> ManagedKeys::with_text(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto it = std::ranges::find(keys_, key, &ManagedKey::key);
  return it == keys_.end() ? std::nullopt : std::optional(*it);
}

Standing ManagedKeys::standing(std::string_view key, WallTime now) const {
  const std::lock_guard lock(mutex_);
  const auto it = std::ranges::find(keys_, key, &ManagedKey::key);
  if (it == keys_.end()) return Standing::unknown;
  if (it->deleted) return Standing::deleted;
  if (it->disabled) return Standing::disabled;
  return it->expires && *it->expires <= now ? Standing::expired : Standing::usable;
}

void ManagedKeys::clear() {
  const std::lock_guard lock(mutex_);
  keys_.clear();
}

std::string managed_key_json(const ManagedKey& key, const KeyUsage& usage) {
  std::string out = R"({"hash":)";
  const auto text = [&](std::string_view field, std::string_view value) {
    out.append(",\"").append(field).append("\":");
    append_string_or_null(out, value);
  };
  append_quoted(out, key.hash);
  text("name", key.name);
  text("label", Secret::mask(key.key));
  out.append(R"(,"disabled":)").append(key.disabled ? "true" : "false");
  out.append(R"(,"limit":)").append(usage.limit ? to_decimal(*usage.limit) : "null");
  out.append(R"(,"limit_remaining":)").append(usage.remaining ? to_decimal(*usage.remaining) : "null");
  text("limit_reset", name(key.terms.reset));
  out.append(R"(,"include_byok_in_limit":)").append(key.terms.counts_byok ? "true," : "false,");
  out += usage_members(usage);
  text("created_at", iso_time(key.created));
  text("updated_at", time_or_none(key.updated));
  text("expires_at", time_or_none(key.expires));
  text("creator_user_id", "user_simulated");
  text("workspace_id", kWorkspace);
  return out + "}";
}

}  // namespace gantry::sim
