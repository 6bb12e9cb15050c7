#include "access/key_ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "access/ids.hpp"
#include "access/utc_text.hpp"

namespace gantry::access {
namespace {

using Projects = std::map<spend::AccountId, const ledger::Account*>;

KeyEntry make_entry(const ledger::ClientKey& key, const Projects& accounts) {
  KeyEntry out;
  const auto project = accounts.find(key.account.parent);
  out.path = {key.account.id, key.account.parent, {}};
  out.id = public_id(key.account);
  out.name = key.account.name;
  out.limits = key.account.limits;
  out.expires = key.expires;
  out.disabled = key.account.disabled;
  if (!key.secrets.empty()) out.shown = std::ranges::max(key.secrets, {}, &ledger::KeySecret::created).shown;
  if (project == accounts.end()) {
    out.project_disabled = true;  // a key that belongs nowhere pays for nothing
  } else {
    out.path.organisation = project->second->parent;
    out.project = project->second->name;
    out.project_disabled = project->second->disabled;
  }
  auto policy = parse_policy(key.policy);
  out.policy_understood = policy.has_value();
  if (policy) out.policy = std::move(*policy);
  return out;
}

// Takes as long wherever the first difference is.
bool same(const Digest& a, const Digest& b) {
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

Standing standing_of(const KeyEntry& entry, WallTime secret_until, WallTime now) {
  if (now >= secret_until) return Standing::rotated_out;
  if (entry.expires && now >= *entry.expires) return Standing::expired;
  if (entry.disabled) return Standing::disabled;
  if (entry.project_disabled) return Standing::project_disabled;
  return entry.policy_understood ? Standing::accepted : Standing::unreadable;
}

wire::Refusal unauthorized(std::string message, std::string remedy) {
  return {.status = 401,
          .message = std::move(message),
          .remedy = std::move(remedy),
          .param = {},
          .error_type = "authentication"};
}

}  // namespace

KeyRing::KeyRing(const ledger::Directory& directory) : revision_(directory.revision) {
  Projects accounts;
  for (const auto& account : directory.accounts) {
    accounts.emplace(account.id, &account);
    limits_.emplace(account.id, account.limits);
  }
  std::size_t secrets = 0;
  for (const auto& key : directory.keys) secrets += key.secrets.size();
  slots_.resize(std::bit_ceil(std::max<std::size_t>(2 * secrets, 2)));
  entries_.reserve(directory.keys.size());
  for (const auto& key : directory.keys) {
    const auto at = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back(make_entry(key, accounts));
    by_account_.emplace(key.account.id, at);
    limits_.emplace(key.account.id, key.account.limits);
    for (const auto& secret : key.secrets) insert(secret, at);
  }
}

// Hashes of random keys are as even as anything, so their first bytes are the place.
std::size_t KeyRing::place(const Digest& digest) const {
  std::uint64_t front = 0;
  std::memcpy(&front, digest.data(), sizeof front);
  return static_cast<std::size_t>(front) & (slots_.size() - 1);
}

void KeyRing::insert(const ledger::KeySecret& secret, std::uint32_t entry) {
  const auto digest = digest_from_hex(secret.hash);
  if (!digest) return;
  auto at = place(*digest);
  while (slots_[at].entry != kFree) {
    if (same(slots_[at].digest, *digest)) return;
    at = (at + 1) & (slots_.size() - 1);
  }
  slots_[at] = {*digest, entry, secret.expires.value_or(WallTime::max())};
  ++secrets_;
}

Found KeyRing::find(std::string_view key, WallTime now) const {
  return is_client_key(key) ? find(digest_of(key), now) : Found{};
}

Found KeyRing::find(const Digest& digest, WallTime now) const {
  if (slots_.empty()) return {};
  for (auto at = place(digest); slots_[at].entry != kFree; at = (at + 1) & (slots_.size() - 1)) {
    if (!same(slots_[at].digest, digest)) continue;
    const auto& entry = entries_[slots_[at].entry];
    return {standing_of(entry, slots_[at].until, now), &entry};
  }
  return {};
}

const KeyEntry* KeyRing::entry(spend::AccountId key) const {
  const auto at = by_account_.find(key);
  return at == by_account_.end() ? nullptr : &entries_[at->second];
}

const spend::Limits* KeyRing::limits(spend::AccountId account) const {
  const auto at = limits_.find(account);
  return at == limits_.end() ? nullptr : &at->second;
}

wire::Refusal key_missing() {
  return unauthorized(
      "This gateway needs a client key, and the request has none.",
      "Send it as \"Authorization: Bearer gk-…\" or \"x-api-key: gk-…\". An operator makes one: "
      "gantry keys create --name NAME.");
}

wire::Refusal refusal(const Found& found) {
  const auto id = found.entry ? found.entry->id : std::string();
  switch (found.standing) {
    case Standing::disabled:
      return unauthorized("This client key is disabled.",
                          "An operator can enable it: gantry keys enable " + id + ".");
    case Standing::project_disabled:
      return {.status = 403,
              .message = "The project of this client key takes no calls.",
              .remedy = "An operator can enable it: gantry accounts set project:" + found.entry->project +
                        " --enable.",
              .param = {},
              .error_type = "permission_denied"};
    case Standing::expired:
      return unauthorized("This client key has expired at " + utc_text(*found.entry->expires) + ".",
                          "An operator can prolong it: gantry keys update " + id + " --expires never.");
    case Standing::rotated_out:
      return unauthorized(
          "This client key was replaced by a new one, and its time is over.",
          "Use the key that replaced it, or have an operator make another: gantry keys rotate " + id + ".");
    case Standing::unreadable:
      return {.status = 503,
              .message = "What this client key may do cannot be read by this version of the gateway.",
              .remedy = "An operator brings all gateways that share the ledger to the same version.",
              .param = {},
              .error_type = "provider_unavailable"};
    case Standing::accepted:
    case Standing::unknown:
      break;
  }
  return unauthorized(
      "The client key was not accepted: there is no such key.",
      "Check that the whole key was sent, as \"Authorization: Bearer gk-…\" or \"x-api-key: gk-…\". "
      "An operator lists the keys: gantry keys list.");
}

}  // namespace gantry::access
