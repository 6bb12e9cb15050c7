#include "observe/model_names.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gantry::observe {
namespace {

bool is_fit(std::string_view name) {
  constexpr std::size_t kLongest = 128;
  return !name.empty() && name.size() <= kLongest &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::size_t ModelNames::add(std::string_view name) {
  if (!is_fit(name)) return kOtherModel;
  const std::lock_guard lock(mutex_);
  const std::size_t count = size_.load(std::memory_order_relaxed);
  const auto end = names_.begin() + static_cast<std::ptrdiff_t>(count);
  const auto found = std::find(names_.begin(), end, name);
  if (found != end) return static_cast<std::size_t>(found - names_.begin());
  if (count == kModelNames) return kOtherModel;
  names_[count] = name;
  size_.store(count + 1, std::memory_order_release);  // the name is whole before anyone can look at it
  return count;
}

// Model ids differ in length, author and the end of the slug: eight bytes of either end are mixed, not all.
std::size_t ModelSlots::place_of(std::string_view name) {
  if (name.empty()) return 0;
  std::uint64_t first = 0, last = 0;
  const std::size_t bytes = std::min(name.size(), sizeof first);
  std::memcpy(&first, name.data(), bytes);
  std::memcpy(&last, name.data() + name.size() - bytes, bytes);
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  const std::uint64_t mixed = ((first ^ name.size()) * kOdd ^ last) * kOdd;
  return static_cast<std::size_t>(mixed >> (64 - std::countr_zero(kPlaces)));
}

std::size_t ModelSlots::find(const ModelNames& names, std::string_view name) const {
  for (std::size_t at = place_of(name); places_[at] != 0; at = (at + 1) % kPlaces)
    if (names.at(places_[at] - 1u) == name) return places_[at] - 1u;
  return kOtherModel;
}

std::size_t ModelSlots::look_closer(ModelNames& names, std::string_view name, IfNew if_new) {
  for (const std::size_t size = names.size(); seen_ < size; ++seen_) {
    std::size_t at = place_of(names.at(seen_));
    while (places_[at] != 0) at = (at + 1) % kPlaces;
    places_[at] = static_cast<std::uint16_t>(seen_ + 1);
  }
  if (const std::size_t known = find(names, name); known != kOtherModel) return known;
  // A full list never changes again: what is not in it is "other" without asking.
  if (if_new == IfNew::other || seen_ == kModelNames) return kOtherModel;
  return names.add(name);
}

}  // namespace gantry::observe
