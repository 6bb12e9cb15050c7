#include "access/admin.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "access/admin_desk.hpp"
#include "access/query.hpp"

namespace gantry::access {
namespace {

AdminReply show_openapi(const Desk&, const std::string&) {
  return {.body = std::string(openapi_document()), .content_type = "application/yaml"};
}

struct Way {
  std::string_view method;
  std::string_view pattern;  // below kAdminPath; {} is one part of it, left open
  Handler handler;
};
constexpr std::array kWays{
    Way{"GET", "/keys", list_keys},
    Way{"POST", "/keys", create_key},
    Way{"GET", "/keys/{}", show_key},
    Way{"PATCH", "/keys/{}", change_key},
    Way{"DELETE", "/keys/{}", delete_key},
    Way{"POST", "/keys/{}/rotate", rotate_key},
    Way{"GET", "/accounts", show_accounts},
    Way{"GET", "/accounts/{}", show_account},
    Way{"PATCH", "/accounts/{}", change_account},
    Way{"DELETE", "/accounts/{}", delete_account},
    Way{"POST", "/projects", create_project},
    Way{"GET", "/usage", show_usage},
    Way{"GET", "/usage/leases", show_leases},
    Way{"GET", "/usage/unexplained", show_unexplained},
    Way{"GET", "/openapi.yaml", show_openapi},
};

// What stands at {}; "" where there is none.
std::optional<std::string_view> matched(std::string_view pattern, std::string_view path) {
  const auto hole = pattern.find("{}");
  if (hole == std::string_view::npos)
    return pattern == path ? std::optional<std::string_view>("") : std::nullopt;
  const auto front = pattern.substr(0, hole), back = pattern.substr(hole + 2);
  if (path.size() <= front.size() + back.size() || !path.starts_with(front) || !path.ends_with(back))
    return std::nullopt;
  const auto part = path.substr(front.size(), path.size() - front.size() - back.size());
  return part.contains('/') ? std::nullopt : std::optional(part);
}

std::optional<std::string_view> below_admin(std::string_view path) {
  if (!path.starts_with(kAdminPath)) return std::nullopt;
  return path.substr(kAdminPath.size());
}

AdminReply unknown_path() {
  return not_found("There is no such resource in the admin API.",
                   "There are keys, keys/{id}, keys/{id}/rotate, accounts, accounts/{id}, projects, usage, "
                   "usage/leases, usage/unexplained and openapi.yaml below /admin/v1.");
}

AdminReply wrong_method(std::string allow) {
  AdminReply reply{.status = 405, .body = {}, .content_type = "application/json", .allow = allow};
  reply.body = wire::error_json({.code = 405,
                                 .message = "This resource does not take that method.",
                                 .error_type = "invalid_request",
                                 .remedy = "Use " + allow + "; GET /admin/v1/openapi.yaml describes each."});
  return reply;
}

}  // namespace

AdminReply answer(ledger::Ledger& ledger, const AdminRequest& request, const RandomBytes& random) {
  const auto path = below_admin(request.path);
  if (!path) return unknown_path();
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allow;
  for (const auto& way : kWays) {
    const auto open = matched(way.pattern, *path);
    if (!open) continue;
    const auto id = percent_decoded(*open, Plus::plus);
    if (way.method == method && id) return way.handler({ledger, request, random}, *id);
    if (way.method != method) allow += (allow.empty() ? "" : ", ") + std::string(way.method);
  }
  return allow.empty() ? unknown_path() : wrong_method(std::move(allow));
}

bool is_admin_path(std::string_view path) {
  const auto below = below_admin(path);
  return below &&
         std::ranges::any_of(kWays, [&](const Way& way) { return matched(way.pattern, *below).has_value(); });
}

}  // namespace gantry::access
