#pragma once
// The admin API, /admin/v1 (openapi.yaml beside this file): client keys, projects, budgets, usage. One
// blocking function over the ledger: the gateway runs it on the thread that owns the ledger, a command runs
// the same on the ledger itself when no server holds the state directory. Whoever calls has made sure that
// the caller may.

#include <string>
#include <string_view>

#include "access/client_key.hpp"
#include "ledger/ledger.hpp"

namespace gantry::access {

inline constexpr std::string_view kAdminPath = "/admin/v1";

struct AdminRequest {
  std::string method;    ///< HEAD counts as GET
  std::string path;      ///< "/admin/v1/keys/key_12", as on the request line
  std::string query{};   ///< without the question mark
  std::string body{};    ///< JSON, or nothing
  std::string accept{};  ///< text/csv asks for CSV where there is any
};

struct AdminReply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::string allow{};  ///< of a 405: the methods that there are
};

/// Never shows a secret, but the text of a key in the one reply that makes it.
AdminReply answer(ledger::Ledger& ledger, const AdminRequest& request, const RandomBytes& random);

/// True for paths below kAdminPath that answer() knows; others there are somebody else's.
bool is_admin_path(std::string_view path);

/// The whole of openapi.yaml.
std::string_view openapi_document();

}  // namespace gantry::access
