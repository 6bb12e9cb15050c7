// Of any request that is accepted: each of its bytes counts at most once, its text counts in full, limits are
// the scan's own, and the same request says the same twice; a field that steers sampling changes nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/cost_drivers.hpp"
#include "wire/dialect.hpp"

namespace {

using namespace gantry::wire;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_same(const CostDrivers& a, const CostDrivers& b) {
  require(a.prompt_bytes == b.prompt_bytes && a.messages == b.messages && a.pieces == b.pieces);
  require(a.answers == b.answers && a.max_tokens == b.max_tokens && a.reasoning_tokens == b.reasoning_tokens);
  require(a.media() == b.media() && a.caches == b.caches && a.boundless == b.boundless);
}

void check(const Dialect& dialect, RequestScanner& scanner, std::string_view body,
           const RequestFacts& facts) {
  const CostDrivers drivers = read_cost_drivers(body, facts);
  const auto size = static_cast<std::int64_t>(body.size());
  require(drivers.prompt_bytes >= static_cast<std::int64_t>(facts.prompt.code_points));
  require(drivers.prompt_bytes + drivers.prediction_bytes <= size);
  require(drivers.messages >= static_cast<std::int64_t>(facts.message_count));
  require(drivers.answers >= 1 && drivers.reasoning_tokens >= 0 && drivers.tiers.has(Tier::standard));
  require(drivers.boundless.size() <= 16 && (!drivers.caches_long || drivers.caches));
  for (const auto& limit : {facts.max_tokens, facts.max_completion_tokens})
    if (limit && drivers.max_tokens) require(*drivers.max_tokens >= *limit);
  require(!facts.has_preset || !drivers.boundless.empty());
  require(!facts.has_tools || drivers.tools);

  std::string more(body);
  more.insert(facts.insert_at, facts.object_empty ? R"("top_a":0.5)" : R"("top_a":0.5,)");
  const auto again = dialect.scan(scanner, more);
  require(again.has_value());
  check_same(drivers, read_cost_drivers(more, *again));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static RequestScanner scanner;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const Dialect* dialect : {&kChat, &kCompletions})
    if (const auto facts = dialect->scan(scanner, body)) check(*dialect, scanner, body, *facts);
  return 0;
}
