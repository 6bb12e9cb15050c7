#pragma once
// What OpenRouter tells of money: of one key by GET /key, of the whole account by GET /credits (CONTRACT
// §7.2, §7.3). Pure.

#include <optional>
#include <string_view>

#include "base/money.hpp"
#include "base/result.hpp"

namespace gantry::wire {

struct KeyBalance {
  std::optional<PicoUsd> left;   ///< of its limit, may be negative; nullopt: there is none, or it is not told
  std::optional<PicoUsd> usage;  ///< all that was ever charged to it, never negative; nullopt: not told
  bool operator==(const KeyBalance&) const = default;
};
/// From the body of a 200. Errors: malformed, also when an amount is there that is none.
Result<KeyBalance> read_key_balance(std::string_view body);

struct AccountCredits {
  PicoUsd bought, used;  ///< neither is negative
  [[nodiscard]] PicoUsd left() const { return {bought.value - used.value}; }
  bool operator==(const AccountCredits&) const = default;
};
/// The same. Errors: malformed, also when one of the two is not told.
Result<AccountCredits> read_account_credits(std::string_view body);

}  // namespace gantry::wire
