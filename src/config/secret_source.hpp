#pragma once
// Reads a secret from where its reference says: a variable, a file that only its owner can use, or a
// program's output.

#include <map>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"

namespace gantry::config {

struct CommandLimits {
  Duration time = std::chrono::seconds{10};
  std::size_t output = 64 * 1024;
};

/// White space around the secret is dropped. A variable that is not set gives an empty Secret; everything
/// else that fails is bad_input or system with the reason, never with what was read. Blocks.
Result<Secret> resolve(const SecretReference& reference,
                       const std::map<std::string, std::string>& environment, CommandLimits limits = {});

enum class FileUse { config, secret };
/// The whole file, when the right people own it (DESIGN §6): owner root or this user, writable by nobody
/// else; for a secret also not readable by everyone. The same open descriptor is checked and read. Errors:
/// not_found, bad_input with what to mend, too_large beyond `limit`, system.
Result<std::string> read_guarded(const std::string& path, FileUse use, std::size_t limit);

}  // namespace gantry::config
