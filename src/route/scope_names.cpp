#include "route/scope_names.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace gantry::route {
namespace {

constexpr std::size_t kLongestName = 200;

std::size_t hash_of(Scope kind, ScopeId parent, std::string_view name) {
  const std::size_t above = (std::size_t{parent.slot} << 8 | static_cast<std::size_t>(kind)) + 1;
  return std::hash<std::string_view>{}(name) ^ above * 0x9e3779b97f4a7c15ULL;
}

bool fit(std::string_view name) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, printable);
}

// One thread adds at a time. Names are added a few hundred times in the life of a process.
class Adding {
 public:
  explicit Adding(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) flag_.wait(true, std::memory_order_relaxed);
  }
  Adding(const Adding&) = delete;
  ~Adding() {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }

 private:
  std::atomic_flag& flag_;
};

}  // namespace

ScopeNames::ScopeNames(ScopeBounds bounds)
    : bounds_(bounds),
      capacity_(1 + bounds.configured + bounds.outside),
      mask_(std::bit_ceil(2 * capacity_) - 1),
      slots_(std::make_unique<Slot[]>(capacity_)),
      index_(std::make_unique<std::atomic<std::uint32_t>[]>(mask_ + 1)) {}

ScopeId ScopeNames::find(Scope kind, ScopeId parent, std::string_view name) const {
  for (std::size_t i = hash_of(kind, parent, name);; ++i) {
    const std::uint32_t slot = index_[i & mask_].load(std::memory_order_acquire);
    if (slot == 0) return kUntracked;
    const Named& named = slots_[slot].named;
    if (named.kind == kind && named.parent == parent && named.name == name) return {slot};
  }
}

ScopeId ScopeNames::intern(Scope kind, ScopeId parent, std::string_view name, Origin origin) {
  if (kind != Scope::upstream && !parent.tracked()) return kUntracked;
  if (const ScopeId known = find(kind, parent, name); known.tracked()) return known;
  const Adding lock(adding_);
  if (const ScopeId known = find(kind, parent, name); known.tracked()) return known;
  const std::size_t configured = size() - 1 - from_outside_;
  const bool room =
      origin == Origin::outside ? from_outside_ < bounds_.outside : configured < bounds_.configured;
  if (!room || !fit(name)) {
    turned_away_.fetch_add(1, std::memory_order_relaxed);
    return kUntracked;
  }
  if (origin == Origin::outside) ++from_outside_;
  return add(kind, parent, name);
}

// A slot is complete before anybody can find it.
ScopeId ScopeNames::add(Scope kind, ScopeId parent, std::string_view name) {
  const auto slot = static_cast<std::uint32_t>(size());
  slots_[slot].named = {.kind = kind, .parent = parent, .name = std::string(name)};
  if (kind == Scope::provider) {
    auto& first = slots_[parent.slot].first_below;
    slots_[slot].next_beside = first.load(std::memory_order_relaxed);
    first.store(slot, std::memory_order_release);
  }
  size_.store(slot + 1, std::memory_order_release);
  std::size_t i = hash_of(kind, parent, name);
  while (index_[i & mask_].load(std::memory_order_relaxed) != 0) ++i;
  index_[i & mask_].store(slot, std::memory_order_release);
  return {slot};
}

}  // namespace gantry::route
