#pragma once
// Which endpoint a path names (CONTRACT §2). Pure.

#include <string_view>

namespace gantry::gateway {

enum class Endpoint {
  chat,
  completions,
  catalogue,  ///< GET, cached: models and their relatives, providers
  upstream,   ///< GET, asked anew each time: key, generation
  credits,    ///< GET, with the admin token: what upstream told last of the account
  health,
  ready,
  health_openrouter,
  metrics,
  breakers,        ///< GET: the scopes and their states
  breakers_reset,  ///< POST: all closed
  admin,           ///< any method: keys, accounts, usage (access/admin.hpp)
  unknown,
};

struct PathMatch {
  Endpoint endpoint = Endpoint::unknown;
  bool method_fits = true;
  std::string_view allow;          ///< for 405: the method that would fit; a fixed text
  std::string_view upstream_path;  ///< under the base URL, legacy aliases replaced; may be part of the path
};

PathMatch match_path(std::string_view method, std::string_view path);

/// One sentence naming what exists, for 404s.
std::string_view known_paths();

}  // namespace gantry::gateway
