#include "access/client_key.hpp"

#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/ascii.hpp"

namespace gantry::access {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kHex = "0123456789abcdef";
using Bits = std::array<std::uint8_t, 32>;

// Divides the big-endian number by 62 in place, returns the remainder.
unsigned next_digit(Bits& number) {
  unsigned rest = 0;
  for (auto& byte : number) {
    const unsigned value = rest * 256 + byte;
    byte = static_cast<std::uint8_t>(value / kDigits.size());
    rest = value % static_cast<unsigned>(kDigits.size());
  }
  return rest;
}

// 62⁴³ > 2²⁵⁶: every number has its own text.
Result<Secret> make_token(std::string_view prefix, const RandomBytes& random) {
  Bits bits{};
  if (!random(bits)) return fail(Fault::system, "the system gave no random bytes for a new key");
  std::string text(prefix);
  text.resize(prefix.size() + kKeyDigits);
  for (std::size_t i = text.size(); i > prefix.size(); --i) text[i - 1] = kDigits[next_digit(bits)];
  Secret secret(text);
  explicit_bzero(text.data(), text.size());
  return secret;
}

// Fetched once: looking an algorithm up takes longer than hashing a key.
const EVP_MD* sha256() {
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> method(
      EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free);
  return method.get();
}

EVP_MD_CTX* context() {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> own(EVP_MD_CTX_new(),
                                                                                 &EVP_MD_CTX_free);
  return own.get();
}

int hex_value(char c) {
  const auto at = kHex.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

bool system_bytes(std::span<std::uint8_t> to) {
  while (!to.empty()) {
    const auto got = ::getrandom(to.data(), to.size(), 0);
    if (got <= 0) return false;
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

Result<Secret> make_key(const RandomBytes& random) { return make_token(kKeyPrefix, random); }
Result<Secret> make_admin_token(const RandomBytes& random) { return make_token("gk-admin-", random); }

bool is_client_key(std::string_view text) {
  return text.size() == kKeyLength && text.starts_with(kKeyPrefix) &&
         std::ranges::all_of(text.substr(kKeyPrefix.size()), is_alnum);
}

std::optional<std::string_view> bearer(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (!starts_with_any_case(authorization, kScheme)) return std::nullopt;
  const auto begin = authorization.find_first_not_of(' ', kScheme.size());
  return begin == std::string_view::npos ? std::nullopt : std::optional(authorization.substr(begin));
}

std::string shown(std::string_view key) {
  if (!is_client_key(key)) return "***";
  return std::string(key.substr(0, kKeyPrefix.size() + 3)) + "..." + std::string(key.substr(key.size() - 3));
}

Digest digest_of(std::string_view text) {
  Digest out{};
  auto* const hash = context();
  const bool done = hash && sha256() && EVP_DigestInit_ex2(hash, sha256(), nullptr) == 1 &&
                    EVP_DigestUpdate(hash, text.data(), text.size()) == 1 &&
                    EVP_DigestFinal_ex(hash, out.data(), nullptr) == 1;
  if (!done) std::abort();  // two keys whose hashes were not computed would be the same key
  return out;
}

std::string to_hex(const Digest& digest) {
  std::string out;
  out.reserve(digest.size() * 2);
  for (const auto byte : digest) out.append({kHex[byte >> 4], kHex[byte & 15]});
  return out;
}

std::string hash_of(std::string_view text) { return to_hex(digest_of(text)); }

std::optional<Digest> digest_from_hex(std::string_view hex) {
  Digest out{};
  if (hex.size() != out.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

}  // namespace gantry::access
