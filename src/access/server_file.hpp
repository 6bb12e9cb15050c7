#pragma once
// server.json in the state directory: how a command finds the server that holds the directory. The server
// writes it when it listens and takes it away when it ends; only its user can read it.
//
//   {"url":"http://127.0.0.1:8700","admin_token":"…","pid":4711}
//
// A file that is left behind by a killed server is harmless: commands look at the directory's lock first.

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gantry::access {

inline constexpr const char* kServerFile = "server.json";

struct ServerFile {
  std::string url;  ///< scheme, host and port; the admin API is below it
  Secret admin_token;
  std::int64_t pid = 0;
};

/// Replaces the file as a whole, 0600. Errors: system.
Result<void> write_server_file(const std::string& state_directory, const ServerFile& file);
/// nullopt when there is none. Errors: bad_input when others could have written or read it, or it is damaged;
/// system.
Result<std::optional<ServerFile>> read_server_file(const std::string& state_directory);
/// Gone is gone: whether it was there does not matter.
void remove_server_file(const std::string& state_directory);

}  // namespace gantry::access
