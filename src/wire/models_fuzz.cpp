// Whatever is served as a models list: reading it is safe, reading it twice says the same, every model is
// found by its id, and no limit that is known is below one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/models.hpp"

namespace {

using namespace gantry::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto models = ModelTable::parse(body);
  const auto again = ModelTable::parse(body);
  require(models.has_value() == again.has_value());
  if (!models) {
    require(!models.error().detail.empty());
    return 0;
  }
  require(models->all().size() == again->all().size());
  for (const ModelFacts& model : models->all()) {
    require(!model.id.empty() && models->find(model.id) == &model);
    require(model.context_length.value_or(1) > 0 && model.max_completion_tokens.value_or(1) > 0);
    require(!model.structured_outputs.value_or(false) || model.response_format.value_or(false));
    require(!model.expiration_date || std::chrono::year_month_day(*model.expiration_date).ok());
    (void)models->find(model.id + ":nitro@preset/x");
  }
  return 0;
}
