#pragma once
// The keys that the management API made (CONTRACT §9), and the one of `--key`. Thread-safe; time and the
// keys' text are handed in.

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/account.hpp"

namespace gantry::sim {

struct ManagedKey {
  std::string key;  ///< told once, by the call that made it
  std::string hash, name;
  KeyTerms terms;
  bool disabled = false;
  bool deleted = false;  ///< kept, so that it goes on being refused
  std::optional<WallTime> expires, updated;
  WallTime created{};
};

/// The body of POST or PATCH. Absent = not mentioned, which for limit and reset is not the same as null.
struct KeyChange {
  std::optional<std::string> name;
  std::optional<bool> disabled, counts_byok;
  std::optional<std::optional<PicoUsd>> limit;
  std::optional<LimitReset> reset;
  std::optional<WallTime> expires;
};
enum class KeyBody { create, update };
/// Errors: bad_input with a sentence for the client.
Result<KeyChange> parse_key_change(std::string_view body, KeyBody kind);

enum class Standing { unknown, usable, disabled, expired, deleted };

class ManagedKeys {
 public:
  static constexpr std::size_t kPage = 100;  ///< keys that one GET /keys tells

  ManagedKey add(const KeyChange& settings, std::string key, WallTime now);
  /// Those that were not deleted, oldest first, at most a page from `offset` on.
  [[nodiscard]] std::vector<ManagedKey> list(bool include_disabled, std::size_t offset) const;
  [[nodiscard]] std::optional<ManagedKey> find(std::string_view hash) const;
  std::optional<ManagedKey> change(std::string_view hash, const KeyChange& change, WallTime now);
  bool remove(std::string_view hash);

  /// What a call with this key is told.
  [[nodiscard]] Standing standing(std::string_view key, WallTime now) const;
  [[nodiscard]] std::optional<ManagedKey> with_text(std::string_view key) const;
  void clear();

 private:
  ManagedKey* living(std::string_view hash);

  mutable std::mutex mutex_;
  std::vector<ManagedKey> keys_;
};

/// A KeyInfo of CONTRACT §9.
std::string managed_key_json(const ManagedKey& key, const KeyUsage& usage);

}  // namespace gantry::sim
