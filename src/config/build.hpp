#pragma once
// From text, flags and variables to a configuration, without touching a file or running anything: what load()
// does between reading the file and resolving the secrets. Pure, so that tables and the fuzz target can drive
// it.

#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace gantry::config {

struct Draft {
  Config config;
  std::vector<Problem> problems;  ///< in order of lines, then what fields are wrong together; free of keys
};

/// `source` names the text in problems and origins ("gantry.toml"); both empty = no file.
Draft build(std::string_view text, std::string_view source, const Inputs& inputs);

/// What is wrong between fields, in a configuration whose single values are right.
std::vector<Problem> check_together(const Config& config);

}  // namespace gantry::config
