#include "base/secret.hpp"

#include <cstring>

namespace gantry {

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe();
  text_ = other.text_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  text_ = std::move(other.text_);
  other.wipe();  // a short string is copied by the move, not stolen
  return *this;
}

bool Secret::matches(std::string_view candidate) const {
  if (candidate.size() != text_.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < text_.size(); ++i)
    difference = static_cast<unsigned char>(difference | (text_[i] ^ candidate[i]));
  return difference == 0;
}

std::string Secret::mask(std::string_view text) {
  constexpr std::string_view kPrefix = "sk-or-v1-";
  if (!text.starts_with(kPrefix) || text.size() < kPrefix.size() + 16) return "***";
  return std::string(text.substr(0, kPrefix.size() + 3)) + "..." + std::string(text.substr(text.size() - 3));
}

void Secret::wipe() {
  explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

}  // namespace gantry
