#pragma once
// Where the models of a call's chain are asked for: which upstream, under which name, with which keys; and
// why some are not. Pure.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "wire/provider.hpp"

namespace gantry::engine {

/// Some of an upstream's keys, by their place in its list.
class KeySet {
 public:
  static constexpr std::size_t kMost = 64;
  constexpr KeySet() = default;
  /// The first `count`.
  static constexpr KeySet first(std::size_t count) {
    return KeySet(count >= kMost ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1);
  }
  constexpr void add(std::size_t key) { bits_ |= std::uint64_t{1} << key; }
  [[nodiscard]] constexpr bool has(std::size_t key) const { return (bits_ >> key & 1) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }
  [[nodiscard]] constexpr KeySet without(KeySet other) const { return KeySet(bits_ & ~other.bits_); }
  constexpr bool operator==(const KeySet&) const = default;

 private:
  constexpr explicit KeySet(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t bits_ = 0;
};

/// The key that an attempt uses: one of `usable`, each as often as its weight among theirs. `random` is
/// uniform over all its values. nullopt when none is usable.
std::optional<std::size_t> choose_key(std::span<const std::uint16_t> weights, KeySet usable,
                                      std::uint64_t random);

/// What an upstream is demanded to be, and is not declared to be.
enum class Unmet : std::uint8_t { none, zdr, data_collection, only, region };
/// Why it is skipped, in words that fit behind its name: "is not declared to keep nothing (zdr)".
std::string_view reason(Unmet unmet);
/// The first demand of a call, or of its route for a region, that an upstream does not meet. OpenRouter reads
/// the demands itself, in the request's provider block; what others serve is none of its providers.
Unmet unmet(const config::Upstream& upstream, const wire::ProviderDemands& demands, std::string_view region);

/// Where one model of a chain is asked for. Points into the chain.
struct Destination {
  std::size_t upstream = 0;   ///< for config::upstream_at() and Targets; 0 is OpenRouter
  std::string_view model;     ///< as that upstream calls it; "" is the account's default model
  bool free = false;          ///< a `:free` id of OpenRouter, whose allowance is each key's own
  KeySet keys;                ///< all keys of the upstream; which of them are set aside is known elsewhere
  Unmet unmet = Unmet::none;  ///< anything else: not to be asked
};
Destination destination(std::string_view link, const config::Config& config,
                        const wire::ProviderDemands& demands, std::string_view region);

/// The whole chain, in its order. Its names were checked when the configuration was read, or are a client's,
/// which name no other upstream.
std::vector<Destination> destinations(std::span<const std::string_view> chain, const config::Config& config,
                                      const wire::ProviderDemands& demands, std::string_view region);

}  // namespace gantry::engine
