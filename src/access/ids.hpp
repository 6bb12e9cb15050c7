#pragma once
// What accounts are called outside: "organisation", "project_3", "key_12". The number is the ledger's, so it
// stays for the account's whole life, whatever its name. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "ledger/ledger.hpp"

namespace gantry::access {

std::string public_id(spend::AccountKind kind, spend::AccountId id);
inline std::string public_id(const ledger::Account& account) { return public_id(account.kind, account.id); }

/// The number of "project_3" or "key_12"; nullopt for another kind or form.
std::optional<spend::AccountId> id_of(spend::AccountKind kind, std::string_view text);
/// True for what can be an id, so that no account may have it for its name.
bool has_form_of_id(std::string_view text);

}  // namespace gantry::access
