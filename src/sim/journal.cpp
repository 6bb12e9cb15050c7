#include "sim/journal.hpp"

#include <algorithm>

#include "base/secret.hpp"
#include "sim/json_text.hpp"

namespace gantry::sim {
namespace {

std::int64_t milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

bool is_secret(std::string_view field) {
  return net::same_name(field, "authorization") || net::same_name(field, "x-api-key") ||
         net::same_name(field, "cookie") || net::same_name(field, "proxy-authorization");
}

std::string masked(std::string_view value) {
  constexpr std::string_view kBearer = "Bearer ";
  if (value.size() > kBearer.size() && net::same_name(value.substr(0, kBearer.size()), kBearer))
    return std::string(kBearer) + Secret::mask(value.substr(kBearer.size()));
  return Secret::mask(value);
}

void append_time(std::string& out, std::string_view key, std::optional<Duration> at) {
  out.append(",\"").append(key).append("\":");
  if (at) {
    append_int(out, milliseconds(*at));
  } else {
    out += "null";
  }
}

void append_attempt(std::string& out, const Attempt& a) {
  const auto text = [&](std::string_view key, std::string_view value) {
    out.append(",\"").append(key).append("\":");
    append_quoted(out, value);
  };
  out += R"({"number":)";
  append_int(out, static_cast<std::int64_t>(a.number));
  append_time(out, "began_ms", a.began);
  text("method", a.method);
  text("path", a.path);
  text("model", a.model);
  text("provider", a.provider);
  out += R"(,"ignored":)";
  append_string_array(out, a.ignored);
  text("faults", a.faults);
  text("generation", a.generation);
  out += R"(,"cost":)";
  append_string_or_null(out, a.cost ? to_decimal(*a.cost) : std::string());
  out += R"(,"headers":{)";
  for (std::size_t i = 0; i < a.headers.size(); ++i) {
    if (i > 0) out += ',';
    append_quoted(out, a.headers[i].first);
    out += ':';
    append_quoted(out, a.headers[i].second);
  }
  out += '}';
  text("body_sha256", a.body_sha256);
  out.append(R"(,"body_bytes":)").append(std::to_string(a.body_bytes));
  out.append(R"(,"status":)").append(std::to_string(a.status));
  out.append(R"(,"bytes_sent":)").append(std::to_string(a.bytes_sent));
  out.append(a.streamed ? R"(,"streamed":true)" : R"(,"streamed":false)");
  out.append(a.finished ? R"(,"finished":true)" : R"(,"finished":false)");
  out.append(a.cancelled ? R"(,"cancelled":true)" : R"(,"cancelled":false)");
  append_time(out, "cancelled_ms", a.cancelled_at);
  append_time(out, "ended_ms", a.ended);
  out += '}';
}

}  // namespace

std::uint64_t Journal::begin(Attempt attempt) {
  const std::lock_guard lock(mutex_);
  attempt.number = ring_.pushed() + 1;
  return ring_.push(std::move(attempt));
}

std::vector<Attempt> Journal::entries(std::uint64_t after) const {
  const std::lock_guard lock(mutex_);
  std::vector<Attempt> out;
  for (auto n = std::max(after, ring_.forgotten()) + 1; n <= ring_.pushed(); ++n)
    if (const auto* entry = ring_.find(n)) out.push_back(*entry);
  return out;
}

std::string Journal::json(std::uint64_t after) const {
  const auto all = entries(after);
  std::string out = R"({"attempts":[)";
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) out += ',';
    append_attempt(out, all[i]);
  }
  const std::lock_guard lock(mutex_);
  out.append(R"(],"seen":)").append(std::to_string(ring_.pushed()));
  out.append(R"(,"dropped":)").append(std::to_string(ring_.forgotten())).append("}");
  return out;
}

void Journal::clear() {
  const std::lock_guard lock(mutex_);
  ring_.clear();
}

std::vector<std::pair<std::string, std::string>> masked_headers(const net::HeaderView& headers) {
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(headers.size());
  for (const auto& [field, value] : headers)
    out.emplace_back(std::string(field), is_secret(field) ? masked(value) : std::string(value));
  return out;
}

}  // namespace gantry::sim
