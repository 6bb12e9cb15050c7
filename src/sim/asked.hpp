#pragma once
// A request that is not a completion, and its reply: what the handlers of endpoints have in common.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_server.hpp"
#include "sim/errors.hpp"
#include "sim/faults.hpp"
#include "sim/world.hpp"

namespace gantry::sim {

/// A reply that is made at once.
struct Reply {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};
Reply ok(std::string body, int status = 200);
Reply failed(ErrorCase error, const FaultSet& faults = {});

/// Everything such a request may look at.
struct Asked {
  Simulator::World& world;
  const net::RequestHead& head;
  std::string_view path;  ///< below /api/v1
  std::string key;        ///< the bearer token, empty when there is none
  FaultSet faults;
  std::string_view body;

  /// Why the key will not do; nullopt when it will.
  [[nodiscard]] std::optional<ErrorCase> bad_key() const;
  /// The same where a management key is needed.
  [[nodiscard]] std::optional<ErrorCase> bad_management_key() const;
};

/// Management keys are those that begin with sk-or-mgmt-: the simulator's own rule, the real ones are told
/// apart by OpenRouter alone.
bool is_management(std::string_view key);

/// 404 for what does not exist, with what does.
Reply unknown_path(const Asked& asked);

// The endpoints, by what they are about.
Reply answer_get(const Asked& asked);         ///< endpoints.cpp: models, key, credits, generation
Reply answer_management(const Asked& asked);  ///< management.cpp: /keys
Reply answer_control(const Asked& asked);     ///< control.cpp: /sim

}  // namespace gantry::sim
