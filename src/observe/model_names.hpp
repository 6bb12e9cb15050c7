#pragma once
// The bounded set of model names that may be label values. Clients choose model ids, so without a bound any
// client could grow the metrics without end. Internal to src/observe.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace gantry::observe {

inline constexpr std::size_t kModelNames = 256;
inline constexpr std::size_t kOtherModel = kModelNames;  ///< the slot of everything else
inline constexpr std::size_t kModelSlots = kModelNames + 1;

/// Names are given slots 0, 1, … in the order they come and keep them. Append-only: a slot below size() can
/// be read from any thread without a lock.
class ModelNames {
 public:
  /// The slot of `name`, which is added if there is room and it is fit to be a label: printable ASCII, at
  /// most 128 bytes. Any thread; takes a lock.
  std::size_t add(std::string_view name);
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_acquire); }
  [[nodiscard]] const std::string& at(std::size_t slot) const { return names_[slot]; }

 private:
  std::mutex mutex_;
  std::array<std::string, kModelNames> names_;
  std::atomic<std::size_t> size_{0};
};

/// One shard's view: a hash table of what it has seen of the shared list, so that a known name costs one
/// look-up and no memory of its own.
class ModelSlots {
 public:
  enum class IfNew { add, other };
  std::size_t slot(ModelNames& names, std::string_view name, IfNew if_new) {
    const std::size_t known = find(names, name);
    return known != kOtherModel ? known : look_closer(names, name, if_new);
  }

 private:
  static constexpr std::size_t kPlaces = 4 * kModelNames;  // a power of two; three quarters stay free

  static std::size_t place_of(std::string_view name);
  [[nodiscard]] std::size_t find(const ModelNames& names, std::string_view name) const;
  std::size_t look_closer(ModelNames& names, std::string_view name, IfNew if_new);

  std::array<std::uint16_t, kPlaces> places_{};  // 0: free; else the slot and one
  std::size_t seen_ = 0;
};

}  // namespace gantry::observe
