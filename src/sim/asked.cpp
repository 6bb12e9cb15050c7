#include "sim/asked.hpp"

namespace gantry::sim {

Reply ok(std::string body, int status) { return {.status = status, .body = std::move(body), .headers = {}}; }

Reply failed(ErrorCase error, const FaultSet& faults) {
  auto shaped = shape_error(std::move(error), faults);
  return {shaped.status, std::move(shaped.body), shaped.content_type, std::move(shaped.headers)};
}

bool is_management(std::string_view key) { return key.starts_with("sk-or-mgmt-"); }

std::optional<ErrorCase> Asked::bad_key() const {
  if (key.empty()) return simple_error(401);
  switch (world.keys.standing(key, world.time.wall())) {
    case Standing::usable:
      return std::nullopt;
    case Standing::disabled:
      return simple_error(401, "This API key is disabled");
    case Standing::expired:
      return simple_error(401, "This API key has expired");
    case Standing::deleted:
      break;
    case Standing::unknown:
      if (is_management(key) || (world.options.key.empty() && key.starts_with("sk-or-"))) return std::nullopt;
  }
  return simple_error(401, "User not found");
}

std::optional<ErrorCase> Asked::bad_management_key() const {
  if (auto error = bad_key()) return error;
  if (is_management(key)) return std::nullopt;
  return simple_error(403, "Only management keys can perform this operation");
}

}  // namespace gantry::sim
