#pragma once
// The shell of `gantry upstream-keys`: finds the management key, asks upstream, writes to the terminal.

#include <map>
#include <string>

#include "config/config.hpp"
#include "manage/order.hpp"

namespace gantry::manage {

/// Carries out `order` at [upstream]'s base URL with the key that upstream.management_key refers to. Blocks.
/// False when it was not done; why is on stderr.
bool manage_now(const config::Config& config, const std::map<std::string, std::string>& environment,
                const Order& order);

}  // namespace gantry::manage
