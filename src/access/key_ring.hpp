#pragma once
// Who may call: an immutable snapshot of the ledger's directory, found by the hash of what the client sent. A
// look-up reads one or two cache lines, allocates nothing and asks nobody, whether there is one key or ten
// thousand; a key that is not in it never reaches the ledger.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/client_key.hpp"
#include "access/key_policy.hpp"
#include "base/time.hpp"
#include "ledger/ledger.hpp"
#include "wire/request.hpp"

namespace gantry::access {

/// How a key stands when it is shown.
enum class Standing : std::uint8_t {
  accepted,
  unknown,           ///< nobody's
  disabled,          ///< the key takes no calls
  project_disabled,  ///< its project does not
  expired,           ///< the key is past its end
  rotated_out,       ///< the key lives, this secret of it does not
  unreadable,        ///< its policy is not understood, and nothing is allowed on a guess
};

/// A client key, as a call needs it.
struct KeyEntry {
  spend::Path path;
  std::string id;             ///< public, "key_12"
  std::string name, project;  ///< as operators call them
  std::string shown;          ///< of its newest secret; "" while it has none
  KeyPolicy policy;
  spend::Limits limits;  ///< of the key alone
  std::optional<WallTime> expires{};
  bool disabled = false, project_disabled = false;
  bool policy_understood = true;
};

struct Found {
  Standing standing = Standing::unknown;
  const KeyEntry* entry = nullptr;  ///< null only when unknown; lives as long as the ring
};

class KeyRing {
 public:
  KeyRing() = default;
  explicit KeyRing(const ledger::Directory& directory);

  /// Of the text that a client sent as its key. Whatever has not the form of one is unknown, unhashed.
  [[nodiscard]] Found find(std::string_view key, WallTime now) const;
  [[nodiscard]] Found find(const Digest& digest, WallTime now) const;
  /// By its account; null when there is none.
  [[nodiscard]] const KeyEntry* entry(spend::AccountId key) const;
  /// Of any account; null when there is none.
  [[nodiscard]] const spend::Limits* limits(spend::AccountId account) const;

  [[nodiscard]] const std::vector<KeyEntry>& entries() const { return entries_; }
  [[nodiscard]] std::int64_t revision() const { return revision_; }
  /// No key has a secret: nobody was given one.
  [[nodiscard]] bool empty() const { return secrets_ == 0; }

 private:
  struct Slot {
    Digest digest{};
    std::uint32_t entry = kFree;
    WallTime until{};  // from then on the secret is not accepted
  };
  static constexpr std::uint32_t kFree = 0xffffffff;
  [[nodiscard]] std::size_t place(const Digest& digest) const;
  void insert(const ledger::KeySecret& secret, std::uint32_t entry);

  std::vector<KeyEntry> entries_;
  std::map<spend::AccountId, std::uint32_t> by_account_;
  std::map<spend::AccountId, spend::Limits> limits_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  std::size_t secrets_ = 0;
  std::int64_t revision_ = 0;
};
using KeyRingSnapshot = std::shared_ptr<const KeyRing>;

/// What a client whose key is not accepted is told: 401, or 403 where the key is good and its project is not.
/// Never for `accepted`.
wire::Refusal refusal(const Found& found);
/// The refusal of a call without a key, where keys are needed (401).
wire::Refusal key_missing();

}  // namespace gantry::access
