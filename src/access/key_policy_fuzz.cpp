// Whatever is given as a policy: what is understood is written and read back as the same, and what is not
// says why.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "access/key_policy.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gantry::access;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = parse_policy(text);
  if (!policy) {
    require(!policy.error().detail.empty());
    return 0;
  }
  const auto json = to_json(*policy);
  const auto back = parse_policy(json);
  require(back && *back == *policy && to_json(*back) == json);
  for (const auto& model : policy->models.value_or(std::vector<std::string>{}))
    require(model.ends_with("*") || policy->allows_model(model));
  return 0;
}
