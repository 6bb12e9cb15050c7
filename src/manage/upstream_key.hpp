#pragma once
// An upstream key as OpenRouter's management API tells and takes it (CONTRACT §9). Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gantry::manage {

/// What is told of a key. Amounts are the numbers' own text; empty = null.
struct KeyInfo {
  std::string hash, name, label;
  bool disabled = false;
  bool counts_byok = false;
  std::string limit, limit_remaining, limit_reset;
  std::string usage, usage_daily, usage_weekly, usage_monthly, byok_usage;
  std::string created_at, updated_at, expires_at, workspace_id;
};

/// What POST and PATCH may say. Absent = not mentioned; an empty text = null: no limit, no reset, no end.
struct KeySettings {
  std::optional<std::string> name = {};
  std::optional<bool> disabled = {}, counts_byok = {};
  std::optional<std::string> limit = {};  ///< a decimal
  std::optional<std::string> limit_reset = {};
  std::optional<std::string> expires_at = {};  ///< only POST takes it
  std::optional<std::string> workspace_id = {};
};
std::string body_of(const KeySettings& settings);

/// The settings of a key that is to take `old`'s place, where `changed` does not say otherwise.
KeySettings successor_of(const KeyInfo& old, const KeySettings& changed);

/// "2027-12-31" ends with that day in UTC; a whole time such as 2027-12-31T12:00:00Z is taken as it is.
/// Errors: bad_input.
Result<std::string> parse_expiry(std::string_view text);

struct MadeKey {
  KeyInfo info;
  Secret key;
};
// Errors: malformed when the reply is not what the API promises.
Result<KeyInfo> read_key(std::string_view body);
Result<MadeKey> read_made_key(std::string_view body);
Result<std::vector<KeyInfo>> read_keys(std::string_view body);

}  // namespace gantry::manage
