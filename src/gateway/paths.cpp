#include "gateway/paths.hpp"

#include <algorithm>
#include <array>

#include "access/admin.hpp"

namespace gantry::gateway {
namespace {

constexpr std::array<std::string_view, 2> kPrefixes{"/api/v1", "/v1"};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_id_char(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         std::string_view("-._~:@").find(c) != std::string_view::npos;
}

// One part of a model id, percent-encoded or not. Dot segments, also in disguise, would lead upstream (RFC
// 3986 §5.2.4) to endpoints that are not offered here, and are no ids.
bool is_id_part(std::string_view segment) {
  bool only_dots = true;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    char c = segment[i];
    if (c == '%') {
      if (i + 2 >= segment.size()) return false;
      const int high = hex_value(segment[i + 1]), low = hex_value(segment[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (!is_id_char(c)) return false;
    only_dots = only_dots && c == '.';
  }
  return !only_dots;
}

// /models/{author}/{slug}/endpoints and /model/{author}/{slug}
bool is_model_path(std::string_view path) {
  const bool one = path.starts_with("/model/");
  const bool endpoints = path.starts_with("/models/") && path.ends_with("/endpoints");
  if (!one && !endpoints) return false;
  auto id = one ? path.substr(7) : path.substr(8, path.size() - 8 - 10);
  const auto slash = id.find('/');
  return slash != std::string_view::npos && is_id_part(id.substr(0, slash)) &&
         is_id_part(id.substr(slash + 1));
}

struct Fixed {
  std::string_view path;
  Endpoint endpoint;
  std::string_view method;
};
constexpr std::array kApi{
    Fixed{"/chat/completions", Endpoint::chat, "POST"}, Fixed{"/completions", Endpoint::completions, "POST"},
    Fixed{"/models", Endpoint::catalogue, "GET"},       Fixed{"/models/count", Endpoint::catalogue, "GET"},
    Fixed{"/models/user", Endpoint::catalogue, "GET"},  Fixed{"/providers", Endpoint::catalogue, "GET"},
    Fixed{"/key", Endpoint::upstream, "GET"},           Fixed{"/auth/key", Endpoint::upstream, "GET"},
    Fixed{"/generation", Endpoint::upstream, "GET"},    Fixed{"/credits", Endpoint::credits, "GET"},
};
constexpr std::array kOwn{
    Fixed{"/health", Endpoint::health, "GET"},
    Fixed{"/ready", Endpoint::ready, "GET"},
    Fixed{"/health/openrouter", Endpoint::health_openrouter, "GET"},
    Fixed{"/metrics", Endpoint::metrics, "GET"},
    Fixed{"/admin/v1/breakers", Endpoint::breakers, "GET"},
    Fixed{"/admin/v1/breakers/reset", Endpoint::breakers_reset, "POST"},
};

PathMatch matched(const Fixed& fixed, std::string_view method, std::string_view upstream_path) {
  const bool fits = method == fixed.method || (method == "HEAD" && fixed.method == "GET");
  return {fixed.endpoint, fits, fixed.method, upstream_path};
}

}  // namespace

PathMatch match_path(std::string_view method, std::string_view path) {
  for (const auto& fixed : kOwn)
    if (path == fixed.path) return matched(fixed, method, {});
  if (access::is_admin_path(path)) return {Endpoint::admin, true, {}, {}};
  for (const auto prefix : kPrefixes) {
    if (!path.starts_with(prefix)) continue;
    const auto rest = path.substr(prefix.size());
    for (const auto& fixed : kApi)
      if (rest == fixed.path) return matched(fixed, method, rest == "/auth/key" ? "/key" : rest);
    if (is_model_path(rest)) return matched({rest, Endpoint::catalogue, "GET"}, method, rest);
  }
  return {};
}

std::string_view known_paths() {
  return "POST /api/v1/chat/completions, POST /api/v1/completions, GET /api/v1/models, /api/v1/models/count, "
         "/api/v1/models/user, /api/v1/models/{author}/{slug}/endpoints, /api/v1/model/{author}/{slug}, "
         "/api/v1/providers, /api/v1/key, /api/v1/auth/key, /api/v1/generation?id=…, the same under /v1, and "
         "GET /health, /ready, /health/openrouter, /metrics, and with the admin token /api/v1/credits and "
         "/admin/v1 (its "
         "description: GET /admin/v1/openapi.yaml)";
}

}  // namespace gantry::gateway
