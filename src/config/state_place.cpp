#include "config/state_place.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace gantry::config {
namespace {

// Of several directories that systemd names, the first. A path that is not absolute means nothing (XDG's
// rule, too).
std::string absolute(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  if (found == environment.end() || !found->second.starts_with('/')) return {};
  return found->second.substr(0, found->second.find(':'));
}

bool is_roots_and_ours(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == 0 &&
         ::access(path.c_str(), W_OK | X_OK) == 0;
}

}  // namespace

StatePlace usual_state_place(const std::map<std::string, std::string>& environment,
                             const std::string& shared) {
  if (auto own = absolute(environment, "STATE_DIRECTORY"); !own.empty())
    return {std::move(own), "STATE_DIRECTORY"};
  if (is_roots_and_ours(shared)) return {shared, "default"};
  if (auto home = absolute(environment, "XDG_STATE_HOME"); !home.empty())
    return {home + "/gantry", "XDG_STATE_HOME"};
  if (auto home = absolute(environment, "HOME"); !home.empty())
    return {home + "/.local/state/gantry", "HOME"};
  return {};
}

}  // namespace gantry::config
