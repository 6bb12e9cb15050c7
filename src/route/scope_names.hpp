#pragma once
// The names of scopes, interned: an upstream, one of its keys or models, a provider of a model has one
// number for the life of the process, so that breakers outlive a reload of the configuration. Pure.
//
// Append-only and bounded. Names that come from outside (model ids of clients, provider names of replies)
// have a bound of their own, so that nobody can take the room of configured ones; beyond it a scope has no
// number and is not tracked. Looking up is lock-free, adding takes a lock.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "route/scope.hpp"

namespace gantry::route {

/// A scope's number. 0 is "not tracked": a scope that is always closed and counts nothing.
struct ScopeId {
  std::uint32_t slot = 0;
  [[nodiscard]] bool tracked() const { return slot != 0; }
  bool operator==(const ScopeId&) const = default;
};
inline constexpr ScopeId kUntracked{};

struct ScopeBounds {
  std::size_t configured = 512;
  std::size_t outside = 512;
};

class ScopeNames {
 public:
  enum class Origin { configuration, outside };

  explicit ScopeNames(ScopeBounds bounds);
  ScopeNames(const ScopeNames&) = delete;

  /// The number of `name` below `parent`: keys, free allowances and models lie below an upstream (a free
  /// allowance below its key), providers below a model, upstreams below kUntracked. Added if there is room
  /// and the name is fit to be listed (printable ASCII, 1 to 200 bytes), else kUntracked.
  ScopeId intern(Scope kind, ScopeId parent, std::string_view name, Origin origin);
  /// The same without adding. Any thread, no lock.
  [[nodiscard]] ScopeId find(Scope kind, ScopeId parent, std::string_view name) const;

  struct Named {
    Scope kind = Scope::request;
    ScopeId parent{};
    std::string name{};
  };
  /// `id` came from intern, find or below. The reference is good as long as this.
  [[nodiscard]] const Named& at(ScopeId id) const { return slots_[id.slot].named; }
  /// Slots 1 … size() − 1 are in use.
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// The providers of a model, the newest first; kUntracked ends the list.
  [[nodiscard]] ScopeId first_below(ScopeId parent) const {
    return {slots_[parent.slot].first_below.load(std::memory_order_acquire)};
  }
  [[nodiscard]] ScopeId next_beside(ScopeId id) const { return {slots_[id.slot].next_beside}; }
  /// How often a name found no room or was not fit.
  [[nodiscard]] std::uint64_t turned_away() const { return turned_away_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    Named named;
    std::atomic<std::uint32_t> first_below{0};
    std::uint32_t next_beside = 0;
  };

  ScopeId add(Scope kind, ScopeId parent, std::string_view name);

  const ScopeBounds bounds_;
  const std::size_t capacity_;
  const std::size_t mask_;  // of the index
  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> index_;  // open addressing; 0 is free
  std::atomic_flag adding_;
  std::size_t from_outside_ = 0;
  std::atomic<std::size_t> size_{1};
  std::atomic<std::uint64_t> turned_away_{0};
};

}  // namespace gantry::route
