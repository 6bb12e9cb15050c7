// Any bytes as a generation's record: what is read is no negative amount, and reading it from the same record
// in another place gives the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/generation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto facts = gantry::wire::read_generation(body);
  const auto spaced = gantry::wire::read_generation(" \n" + body + "\t");
  if (facts.has_value() != spaced.has_value()) std::abort();
  if (!facts) return 0;
  if (facts->cost.value < 0 || facts->prompt_tokens < 0 || facts->completion_tokens < 0) std::abort();
  if (facts->upstream_cost && facts->upstream_cost->value < 0) std::abort();
  if (facts->cost != spaced->cost || facts->id != spaced->id) std::abort();
  return 0;
}
