#include "observe/model_names.hpp"

#include <algorithm>

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

std::size_t ModelSlots::slot(ModelNames& names, std::string_view name, IfNew if_new) {
  if (const auto known = slots_.find(name); known != slots_.end()) return known->second;
  for (const std::size_t size = names.size(); seen_ < size; ++seen_) slots_.emplace(names.at(seen_), seen_);
  if (const auto known = slots_.find(name); known != slots_.end()) return known->second;
  // A full list never changes again: what is not in it is "other" without asking.
  if (if_new == IfNew::other || seen_ == kModelNames) return kOtherModel;
  return names.add(name);
}

}  // namespace gantry::observe
