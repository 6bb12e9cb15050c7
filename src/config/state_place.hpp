#pragma once
// Where the state directory is when the configuration names none.

#include <map>
#include <string>

namespace gantry::config {

struct StatePlace {
  std::string path;    ///< "" where nothing says where a home is
  std::string origin;  ///< "STATE_DIRECTORY", "default"
};

/// The first of $STATE_DIRECTORY, `shared` where it is root's and this user may write there, and what this
/// user has: $XDG_STATE_HOME/gantry or ~/.local/state/gantry. Makes nothing.
StatePlace usual_state_place(const std::map<std::string, std::string>& environment,
                             const std::string& shared = "/var/lib/gantry");

}  // namespace gantry::config
