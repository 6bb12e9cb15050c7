// Whatever is served as a providers list: reading it is safe, reading it twice says the same, and no name is
// given an empty slug where its list has one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/json_index.hpp"
#include "wire/provider_slugs.hpp"

namespace {

using namespace gantry::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string text_of(JsonValue object, std::string_view name) {
  const auto value = object.find(name);
  return (value ? value->string() : std::nullopt).value_or("");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto slugs = ProviderSlugs::parse(body);
  const auto again = ProviderSlugs::parse(body);
  require(slugs.has_value() == again.has_value());
  if (!slugs) {
    require(!slugs.error().detail.empty());
    return 0;
  }
  require(slugs->size() == again->size());
  JsonIndex index;
  require(!index.parse(body));
  index.root().find("data")->each_element([&](JsonValue provider) {
    const std::string name = text_of(provider, "name");
    if (name.empty() || text_of(provider, "slug").empty()) return;
    require(!slugs->find(name).empty() && slugs->find(name) == again->find(name));
  });
  return 0;
}
