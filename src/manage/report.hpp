#pragma once
// Upstream keys as people and programs are shown them: never a key's text. Pure.

#include <string>
#include <vector>

#include "manage/upstream_key.hpp"

namespace gantry::manage {

/// A text from upstream as a terminal may be shown it.
std::string plain(std::string text);

/// One line a key below a heading.
std::string table(const std::vector<KeyInfo>& keys);
/// One key, a line for each thing that is known of it.
std::string details(const KeyInfo& key);
/// One JSON object, without a newline. Amounts are decimal texts.
std::string json(const KeyInfo& key);
/// {"keys":[…]} and a newline.
std::string json(const std::vector<KeyInfo>& keys);

}  // namespace gantry::manage
