#pragma once
// The admin API's replies for people.

#include <string>

#include "wire/json_index.hpp"

namespace gantry::cli {

std::string key_table(wire::JsonValue keys);
std::string key_text(wire::JsonValue key);
/// A row for each window with a limit; of accounts without any, one for the month.
std::string account_table(wire::JsonValue account);
std::string usage_table(wire::JsonValue usage);
/// What each gateway owns.
std::string lease_table(wire::JsonValue leases);
/// Of the holders in the list of this name, what those still own that are gone, and what becomes of it; ""
/// for none.
std::string gone_text(wire::JsonValue data, std::string_view list);
std::string unexplained_table(wire::JsonValue unexplained);

}  // namespace gantry::cli
