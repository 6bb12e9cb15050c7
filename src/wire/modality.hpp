#pragma once
// What a model takes and makes, and a message holds (CONTRACT §8.1, §3.2).

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace gantry::wire {

enum class Modality : std::uint8_t { text = 1, image = 2, audio = 4, file = 8, video = 16 };

/// A set of modalities. Those that Gantry has no name for are not in it.
class Modalities {
 public:
  constexpr Modalities() = default;
  constexpr Modalities(std::initializer_list<Modality> all) {
    for (const Modality each : all) add(each);
  }
  constexpr void add(Modality one) { bits_ |= static_cast<unsigned>(one); }
  [[nodiscard]] constexpr bool has(Modality one) const { return (bits_ & static_cast<unsigned>(one)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const Modalities&) const = default;

 private:
  unsigned bits_ = 0;
};
std::optional<Modality> modality_named(std::string_view name);
std::string_view name(Modality modality);

/// Of a message's part, by its `type`; nullopt for text, and for what Gantry has no name for.
std::optional<Modality> modality_of_part(std::string_view type);

}  // namespace gantry::wire
