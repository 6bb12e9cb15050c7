// Whatever a page holds: reading stays within it, and what it yields can be written and read again as the
// same. The input is a page's body without its checksum, so that most of what is tried is looked at.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/cost_page.hpp"
#include "ledger/cost_page_test_kit.hpp"
#include "ledger/crc32c.hpp"

namespace {

using namespace gantry::ledger;

std::string with_checksum(std::string_view body) {
  std::string page(body);
  const std::uint32_t checksum = crc32c(body);
  for (int i = 0; i < 4; ++i) page += static_cast<char>(checksum >> (8 * i));
  return page;
}

std::vector<Cost> read(std::string_view page) {
  std::vector<Cost> costs;
  const auto done = read_cost_page(page, [&](const Cost& cost) { costs.push_back(cost); });
  (void)done;  // what was told before the damage counts as well
  return costs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string page = with_checksum({reinterpret_cast<const char*>(data), size});
  const auto costs = read(page);
  CostPage again;
  for (const Cost& cost : costs) again.add(cost);
  const std::string written = again.finish();
  const auto found = read(written);
  if (found.size() != costs.size()) std::abort();
  for (std::size_t i = 0; i < costs.size(); ++i)
    if (!same(found[i], costs[i])) std::abort();
  return 0;
}
