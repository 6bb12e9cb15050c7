#include "engine/headers.hpp"

#include <algorithm>
#include <array>

namespace gantry::engine {
namespace {

bool starts_with_name(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() && net::same_name(name.substr(0, prefix.size()), prefix);
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [name](std::string_view each) { return net::same_name(name, each); });
}

bool is_title(std::string_view name) {
  return is_one_of(name, std::array<std::string_view, 2>{"x-openrouter-title", "x-title"});
}

}  // namespace

bool passes_upstream(std::string_view name) {
  // Most headers of a request are none of these: their first letter tells.
  const char first = name.empty() ? '\0' : static_cast<char>(name.front() | 0x20);
  if (first != 'x' && first != 'h' && first != 't') return false;
  static constexpr std::array<std::string_view, 3> kNames{"x-session-id", "x-anthropic-beta", "traceparent"};
  return is_one_of(name, kNames) || starts_with_name(name, "x-openrouter-") ||
         net::same_name(name, "http-referer") || net::same_name(name, "x-title");
}

bool passes_to_client(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kNames{"x-generation-id", "cf-ray", "retry-after",
                                                          "x-gantry-simulated"};
  return is_one_of(name, kNames) || starts_with_name(name, "x-ratelimit-") ||
         starts_with_name(name, "x-openrouter-cache-");
}

UpstreamHeaders::UpstreamHeaders(const config::Attribution& attribution, const Secret& authorization,
                                 const net::HeaderView* client, std::string_view accept,
                                 std::vector<net::Header>* room, std::string_view space)
    : headers_(room ? *room : own_) {
  headers_.clear();
  headers_.reserve(12);
  if (!authorization.empty()) headers_.push_back({"Authorization", authorization.reveal()});
  headers_.push_back({"Content-Type", "application/json"});
  headers_.push_back({"Accept", accept});
  headers_.push_back({"Accept-Encoding", "identity"});
  headers_.push_back({"User-Agent", "gantry"});
  add_attribution(attribution, client);
  if (!client) return;
  for (const auto& header : *client) {
    if (!passes_upstream(header.name)) continue;
    const bool attributes = net::same_name(header.name, "http-referer") || is_title(header.name) ||
                            net::same_name(header.name, "x-openrouter-categories");
    if (attributes) continue;
    if (space.empty() || !net::same_name(header.name, "x-session-id")) {
      headers_.push_back(header);
    } else if (session_.empty()) {
      session_.append(space).append(":").append(header.value);
      headers_.push_back({header.name, session_});
    }
  }
}

// The client's own attribution wins unless the route forces its own.
void UpstreamHeaders::add_attribution(const config::Attribution& attribution, const net::HeaderView* client) {
  const auto choose = [&](std::string_view name, std::string_view alias, std::string_view configured) {
    std::optional<std::string_view> sent;
    if (client) sent = client->get(name);
    if (client && !sent && !alias.empty()) sent = client->get(alias);
    const bool use_configured = !configured.empty() && (attribution.force || !sent);
    if (use_configured) {
      headers_.push_back({name, configured});
    } else if (sent) {
      headers_.push_back({name, *sent});
    }
  };
  for (const auto& category : attribution.categories)
    categories_ += (categories_.empty() ? "" : ",") + category;
  choose("HTTP-Referer", "", attribution.referer);
  choose("X-OpenRouter-Title", "X-Title", attribution.title);
  choose("X-OpenRouter-Categories", "", categories_);
}

}  // namespace gantry::engine
