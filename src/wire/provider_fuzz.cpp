// Any object as a client's `provider`, under a route's policy: what is sent is JSON, is no looser than the
// policy, and does not change when it is merged once more; what is not sent says why and what to do.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/decimal.hpp"
#include "wire/json_index.hpp"
#include "wire/json_reader.hpp"
#include "wire/provider.hpp"

namespace {

using namespace gantry::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_object(std::string_view text) {
  JsonReader in(text);
  const bool object = in.root().is_object();
  return !in.finish() && object;
}

const std::vector<std::string> kOnly = {"a", "b/x"}, kIgnore = {"a/y"};
constexpr std::array<std::string_view, 2> kAvoid = {"a", "c"};
const ProviderPolicy kPolicy{.route = "r",
                             .zdr = true,
                             .deny_data_collection = true,
                             .only = kOnly,
                             .ignore = kIgnore,
                             .max_price_prompt = "1.5",
                             .max_price_completion = "20"};

bool within_policy(const JsonValue& root) {
  const auto zdr = root.find("zdr"), collection = root.find("data_collection"), only = root.find("only"),
             ignore = root.find("ignore"), prices = root.find("max_price");
  if (!zdr || !zdr->is_true() || !collection || !collection->equals("deny")) return false;
  if (!only || only->empty() || !ignore || !prices) return false;
  bool good = true, ignored = false;
  only->each_element([&](const JsonValue& each) {
    const auto slug = each.string().value_or("");
    good = good && std::ranges::any_of(kOnly, [&](const auto& base) { return covers(base, slug); });
  });
  ignore->each_element(
      [&](const JsonValue& each) { ignored = ignored || covers(each.string().value_or(""), kIgnore[0]); });
  const auto at_most = [&](std::string_view name, std::string_view limit) {
    const auto price = prices->find(name);
    if (!price) return false;
    const auto order = compare_decimals(price->string().value_or(std::string(price->raw())), limit);
    return order && *order <= 0;
  };
  return good && ignored && at_most("prompt", "1.5") && at_most("completion", "20");
}

void check_merge(std::string_view client, const ProviderPolicy& policy) {
  const auto merged = merge_provider(client, policy, kAvoid);
  if (!merged) {
    require(!policy.demands_nothing() && merged.error().status == 400);
    require(!merged.error().message.empty() && !merged.error().remedy.empty() &&
            !merged.error().param.empty());
    return;
  }
  const std::string sent = merged->object.value_or(std::string(client));
  JsonIndex index;
  require(!index.parse(sent) && index.root().is_object());
  if (!policy.demands_nothing()) require(within_policy(index.root()));
  const auto again = merge_provider(sent, policy, kAvoid);
  require(again.has_value() && !again->object && again->demands == merged->demands);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view client(reinterpret_cast<const char*>(data), size);
  if (!is_object(client)) return 0;
  check_merge(client, kPolicy);
  check_merge(client, {});
  return 0;
}
