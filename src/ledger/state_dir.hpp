#pragma once
// The state directory: where a process keeps its ledger and journals. One process at a time, one user, and a
// disk of this machine.

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gantry::ledger {

/// Why files of ours cannot lie on a file system of this type (statfs f_type); "" when they can.
std::string_view objection_to_file_system(unsigned long type);

struct StateDirectoryOptions {
  /// The type of the file system a directory lies on; by default statfs says.
  std::function<Result<unsigned long>(const std::string& directory)> file_system{};
};

/// Held: locked against every other process until it goes, however the process ends.
class StateDirectory {
 public:
  /// Makes the directory and what is missing above it (0700). Errors: refused, when another process holds it;
  /// bad_input, when it cannot be used; system. Each says which file, and what to do.
  static Result<StateDirectory> open(const std::string& path, const StateDirectoryOptions& options = {});
  StateDirectory(StateDirectory&& other) noexcept;
  StateDirectory& operator=(StateDirectory&& other) noexcept;
  ~StateDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// A name that it keeps when it is moved, and that no other directory has, though on another machine it may
  /// have the same path. Made when it is asked for the first time. Errors: system; bad_input, when the file
  /// with the name was changed.
  [[nodiscard]] Result<std::string> identity() const;

 private:
  StateDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;  // the descriptor whose open file holds the lock
};

}  // namespace gantry::ledger
