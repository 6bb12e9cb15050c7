// Whatever text comes, reading an amount never misbehaves, and what was read is written and read again the
// same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/money.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto amount = gantry::parse_usd(text)) {
    const auto again = gantry::parse_usd(gantry::to_decimal(*amount));
    if (!again || *again != *amount) std::abort();
  }
  if (const auto price = gantry::parse_price(text)) {
    if (price->scale < 0 || price->scale > 24) std::abort();
    gantry::CostSum one;
    one.add(*price, 1);
    // One unit of a known price costs what the same text says as an amount, where an amount can hold it.
    const auto amount = gantry::parse_usd(text);
    const auto total = one.total();
    if (price->known() && amount && (!total || *total != *amount)) std::abort();
  }
  return 0;
}
