#include "wire/modality.hpp"

#include <array>
#include <utility>

namespace gantry::wire {
namespace {

using Names = std::pair<std::string_view, Modality>;

constexpr std::array<Names, 5> kModalities = {{
    {"text", Modality::text},
    {"image", Modality::image},
    {"audio", Modality::audio},
    {"file", Modality::file},
    {"video", Modality::video},
}};
constexpr std::array<Names, 5> kParts = {{
    {"image_url", Modality::image},
    {"input_audio", Modality::audio},
    {"video_url", Modality::video},
    {"input_video", Modality::video},
    {"file", Modality::file},
}};

std::optional<Modality> look_up(const std::array<Names, 5>& names, std::string_view name) {
  for (const auto& [known, modality] : names)
    if (known == name) return modality;
  return std::nullopt;
}

}  // namespace

std::optional<Modality> modality_named(std::string_view name) { return look_up(kModalities, name); }
std::optional<Modality> modality_of_part(std::string_view type) { return look_up(kParts, type); }

std::string_view name(Modality modality) {
  for (const auto& [known, each] : kModalities)
    if (each == modality) return known;
  return "";
}

}  // namespace gantry::wire
