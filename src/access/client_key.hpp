#pragma once
// Client keys (DESIGN §1): what Gantry issues, how it is recognised, and what is kept of it. Only the hash of
// a key is stored; its text is shown once, when it is made. A key has 256 random bits, so a plain SHA-256 is
// enough: nobody can try them all, and there is nothing to guess.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gantry::access {

inline constexpr std::string_view kKeyPrefix = "gk-";
inline constexpr std::size_t kKeyDigits = 43;  ///< letters and digits that hold 256 bits
inline constexpr std::size_t kKeyLength = kKeyPrefix.size() + kKeyDigits;

/// Fills the bytes with randomness fit for secrets; false when there is none.
using RandomBytes = std::function<bool(std::span<std::uint8_t>)>;
/// The kernel's (getrandom).
bool system_bytes(std::span<std::uint8_t> to);

/// Errors: system when there is no randomness.
Result<Secret> make_key(const RandomBytes& random);
/// A token that opens the admin API, of the same strength: "gk-admin-" and as many letters and digits.
Result<Secret> make_admin_token(const RandomBytes& random);

/// The form of a client key; whether there is such a key only a KeyRing knows.
bool is_client_key(std::string_view text);
/// The text behind `Bearer ` (in any case), or the whole of an `x-api-key` header; a view of it.
std::optional<std::string_view> bearer(std::string_view authorization);

/// "gk-abc...123": enough to recognise a key, not to use it; "***" for what has not the form of one.
std::string shown(std::string_view key);

using Digest = std::array<std::uint8_t, 32>;
/// SHA-256. Thread-safe; allocates nothing but once a thread.
Digest digest_of(std::string_view text);
/// 64 lower-case hexadecimal digits, as the ledger keeps them.
std::string hash_of(std::string_view text);
std::string to_hex(const Digest& digest);
/// nullopt for anything but 64 lower-case hexadecimal digits.
std::optional<Digest> digest_from_hex(std::string_view hex);

}  // namespace gantry::access
